"""A client of Truetape's stream with Python's standard library alone: quotes of one instrument, resumed once.

    python3 examples/stream_client.py [host:port] [items]

The WebSocket below is the minimum that the stream needs; real programs should use a library.
"""
import base64, json, os, socket, struct, sys, time

HOST = sys.argv[1] if len(sys.argv) > 1 else "127.0.0.1:3000"
TOPIC = "quote:demo:BTC-SIM"
TOKEN = os.environ.get("TRUETAPE_TOKEN")  # A server without users needs none.


class WebSocket:
    """RFC 6455 without extensions: masked frames out, texts in."""

    def __init__(self, host, path):
        name, port = host.rsplit(":", 1)
        self.stream = socket.create_connection((name, int(port)), timeout=30)
        self.file = self.stream.makefile("rb")
        key = base64.b64encode(os.urandom(16)).decode()
        head = [f"GET {path} HTTP/1.1", f"Host: {host}", "Upgrade: websocket", "Connection: Upgrade"]
        head += [f"Sec-WebSocket-Key: {key}", "Sec-WebSocket-Version: 13"]
        head += [f"Authorization: Bearer {TOKEN}"] if TOKEN else []
        head += ["", ""]
        self.stream.sendall("\r\n".join(head).encode())
        answer = list(iter(lambda: self.file.readline().strip(), b""))
        if b" 101 " not in answer[0]:
            raise ConnectionError(answer[0])

    def send(self, text, opcode=1):
        data, mask = text if isinstance(text, bytes) else text.encode(), os.urandom(4)
        length = bytes([128 | len(data)]) if len(data) < 126 else struct.pack(">BH", 128 | 126, len(data))
        masked = bytes(byte ^ mask[idx % 4] for idx, byte in enumerate(data))
        self.stream.sendall(bytes([128 | opcode]) + length + mask + masked)

    def receive(self):
        """The next text; None once the server has closed the connection."""
        parts = []
        while head := self.file.read(2):
            is_last, opcode, length = head[0] & 128, head[0] & 15, head[1] & 127
            if length > 125:
                length = int.from_bytes(self.file.read(2 if length == 126 else 8), "big")
            data = self.file.read(length)
            if opcode < 2:  # A text, or more of one: large messages come in several frames.
                parts.append(data)
                if is_last:
                    return b"".join(parts).decode()
            if opcode == 8:
                return None
            if opcode == 9:
                self.send(data, opcode=10)  # A ping is answered with a pong.


def follow(positions, quote, wanted):
    """Prints at least `wanted` items, or those that came, and returns their number."""
    web_socket, n_items = WebSocket(HOST, "/ws?format=json"), 0
    hello = {"type": "hello", "protocol": 1, "lane_ms": 100}
    if positions:
        hello["resume"] = positions
    web_socket.send(json.dumps(hello))
    web_socket.send(json.dumps({"type": "subscribe", "id": 1, "topics": [TOPIC]}))
    while n_items < wanted and (text := web_socket.receive()) is not None:
        message = json.loads(text)
        if message["type"] == "resumed":
            print(f"resumed: {message['replayed']} replayed, {message['lost']} lost")
        elif message["type"] == "refused":
            sys.exit(f"refused: {message['message']}")
        for item in message.get("items", []):
            # A snapshot names its epoch; the deltas after it belong to the same one.
            epoch = item.get("epoch") or positions[TOPIC]["epoch"]
            positions[TOPIC] = {"epoch": epoch, "offset": item["offset"]}
            quote.update(item["data"])
            print(f"{TOPIC} {item['kind']} {item['offset']}: bid {quote.get('bid')} ask {quote.get('ask')}")
            n_items += 1
    web_socket.stream.close()
    return n_items


def main():
    wanted = int(sys.argv[2]) if len(sys.argv) > 2 else 10
    positions, quote, n_printed = {}, {}, 0  # positions: the last one of each topic, {topic: {epoch, offset}}
    while n_printed < wanted:
        n_printed += follow(positions, quote, (wanted + 1) // 2)
        time.sleep(0.5)
    print("done")


if __name__ == "__main__":
    main()
