"""A client of Truetape's API with Python's standard library alone: buys by REST and follows the order on the stream.

    TRUETAPE_URL=http://127.0.0.1:3000 TRUETAPE_TOKEN=… python3 examples/api_client.py [instrument] [quantity]

A server without users needs no token. docs/api.md says where every request and message is described.
"""
import json, os, sys, urllib.error, urllib.request, uuid

URL = os.environ.get("TRUETAPE_URL", "http://127.0.0.1:3000").rstrip("/")
TOKEN = os.environ.get("TRUETAPE_TOKEN")
INSTRUMENT, QUANTITY = (sys.argv[1:] + ["demo:BTC-SIM", "0.01"][len(sys.argv) - 1 :])[:2]


def rest(method, path, body=None):
    """Returns the server's answer; if it refuses, ends the program with its words."""
    headers = {"Content-Type": "application/json", **({"Authorization": f"Bearer {TOKEN}"} if TOKEN else {})}
    data = None if body is None else json.dumps(body).encode()
    try:
        request = urllib.request.Request(f"{URL}/api/v1/{path}", data, headers, method=method)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        refusal = json.load(error)
        refusal = refusal.get("error", refusal)  # The desk's own refusals stand alone.
        sys.exit(f"{method} {path}: {error.code} {refusal['code']}: {refusal['message']}")


def main():
    from stream_client import WebSocket

    stream = WebSocket(URL.split("://")[1], "/ws?format=json")
    stream.send(json.dumps({"type": "hello", "protocol": 1, "lane_ms": 100}))
    stream.send(json.dumps({"type": "subscribe", "id": 1, "topics": ["orders:account:paper"]}))
    while json.loads(stream.receive())["type"] != "subscribed":
        pass
    order = {"client_order_id": f"example-{uuid.uuid4()}", "account": "paper", "instrument": INSTRUMENT}
    order |= {"side": "buy", "type": "market", "quantity": QUANTITY}
    order_id = rest("POST", "orders", order)["order_id"]
    print(f"placed order {order_id}")
    while (text := stream.receive()) is not None:
        for item in json.loads(text).get("items", []):
            row = item["data"]["rows"].get(order_id)
            if row:
                print(f"order {order_id} is {row['state']}: {row['filled']} of {row['quantity']} filled")
            if row and row["state"] in ("filled", "cancelled", "expired", "rejected"):
                return


if __name__ == "__main__":
    main()
