"""The documents of the API against programs of others: are they what they say, and does the server answer as they say?

    python3 oracles/api_documents.py URL [schemathesis options …]

URL is that of a running server with a desk. Needs the packages in api-requirements.txt. Three checks: the OpenAPI
document by openapi-spec-validator; every example of docs/stream-protocol.md and live messages of the stream by the
AsyncAPI document's schemas; and every operation by schemathesis, whose options can be added.
"""
import json, re, subprocess, sys, tempfile, urllib.request
from pathlib import Path

import jsonschema
from openapi_spec_validator import OpenAPIV31SpecValidator

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "examples"))
URL = sys.argv[1].rstrip("/")


def document(name):
    with urllib.request.urlopen(f"{URL}/api/v1/{name}.json", timeout=30) as answer:
        return json.load(answer)


def check_openapi():
    spec = document("openapi")
    errors = [f"{'/'.join(map(str, error.path))}: {error.message}" for error in OpenAPIV31SpecValidator(spec).iter_errors()]
    assert not errors, "\n".join(errors)
    n_operations = sum(len(methods) for methods in spec["paths"].values())
    print(f"openapi-spec-validator: {n_operations} operations, {len(spec['components']['schemas'])} schemas, no error")


class Stream:
    """The schemas of the stream's messages."""

    def __init__(self):
        self.spec = document("asyncapi")
        self.validators = {name: self.validator(message["payload"]) for name, message in self.messages().items()}

    def messages(self):
        return self.spec["components"]["messages"]

    def validator(self, schema):
        whole = {**schema, "components": {"schemas": self.spec["components"]["schemas"]}}
        jsonschema.Draft7Validator.check_schema(whole)
        return jsonschema.Draft7Validator(whole)

    def check(self, name, value):
        errors = [f"{error.json_path}: {error.message[:300]}" for error in self.validators[name].iter_errors(value)]
        assert not errors, f"{name}: {json.dumps(value)[:300]}\n" + "\n".join(errors)

    def check_message(self, message):
        self.check(message["type"], message)
        # The message allows an item of any channel: each must be one of its own.
        for item in message.get("items", []):
            self.check(re.split("[.:]", item["topic"])[0] + "_item", item)


def check_examples(stream):
    heading, n_messages, n_data = "", 0, 0
    for line in (ROOT / "docs" / "stream-protocol.md").read_text().splitlines():
        heading = line[4:] if line.startswith("### ") else heading
        line = re.sub("^(->|<-) ", "", line)
        if line.startswith('{"type"'):
            stream.check_message(json.loads(line))
            n_messages += 1
        elif line.startswith("{"):
            item = {"kind": "snapshot", "topic": f"{heading}:x", "offset": 1, "data": json.loads(line)}
            stream.check(f"{heading}_item", item)
            n_data += 1
    assert n_messages >= 20 and n_data >= 20, (n_messages, n_data)
    print(f"jsonschema: {n_messages} messages and {n_data} payloads of the protocol's document are as described")


def check_live(stream, wanted=40):
    from stream_client import WebSocket

    instrument = json.load(urllib.request.urlopen(f"{URL}/api/v1/instruments", timeout=30))["instruments"][0]["id"]
    of_instrument = ["quote", "tape", "book", "ladder.10", "candles.1m", "quality", "indicators.1m.rsi(14)"]
    of_account = ["dashboard", "orders", "trades", "positions", "performance", "strategies", "events"]
    topics = [f"{name}:{instrument}" for name in of_instrument] + [f"{name}:account:paper" for name in of_account]
    topics += ["status", "system", "replay", "signals", "alerts", "rules"]
    socket = WebSocket(URL.removeprefix("http://"), "/ws?format=json")
    requests = [
        {"type": "hello", "protocol": 1, "lane_ms": 100},
        {"type": "subscribe", "id": 1, "topics": topics},
        {"type": "command", "id": 2, "command": {"pause_strategy": {"strategy_id": "none"}}},
        {"type": "ping", "t": 1},
    ]
    for request in requests:
        stream.check_message(request)
        socket.send(json.dumps(request))
    seen, kinds, n_items = set(), set(), 0
    while n_items < wanted or len(seen) < len(topics):
        message = json.loads(socket.receive())
        stream.check_message(message)
        kinds.add(message["type"])
        seen |= {item["topic"] for item in message.get("items", [])}
        n_items += len(message.get("items", []))
    assert {"welcome", "subscribed", "refused", "pong", "batch"} <= kinds, kinds
    print(f"jsonschema: {n_items} live items of {len(seen)} topics are as described")


def check_operations(options):
    program = Path(sys.executable).parent / "schemathesis"
    run = [program, "run", f"{URL}/api/v1/openapi.json", "--url", URL, "--no-color", "--warnings", "off"]
    # The handshake answers with a WebSocket, which the program does not speak.
    run += ["--exclude-path", "/ws", "--exclude-checks", ",".join(NOT_MEANT), "--request-timeout", "30", *options]
    # It keeps notes in its working folder.
    with tempfile.TemporaryDirectory() as folder:
        ended = subprocess.run(run, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    print(ended.stdout)
    assert ended.returncode == 0, "schemathesis found a difference between the document and the server"


# It takes every refusal of the desk (no funds, unknown order) for a fault of the description.
NOT_MEANT = ["positive_data_acceptance"]

check_openapi()
stream = Stream()
check_examples(stream)
check_live(stream)
check_operations(sys.argv[2:])
