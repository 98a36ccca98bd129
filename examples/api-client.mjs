// A client of Truetape's API: buys by REST and follows the order on the stream.
//
//   TRUETAPE_URL=http://127.0.0.1:3000 TRUETAPE_TOKEN=… node examples/api-client.mjs [instrument] [quantity]
//
// A server without users needs no token. docs/api.md says where every request and message is described. Node 22 has a
// WebSocket; start Node 20 with --experimental-websocket.

const url = (process.env.TRUETAPE_URL ?? "http://127.0.0.1:3000").replace(/\/$/, "");
const headers = process.env.TRUETAPE_TOKEN ? { authorization: `Bearer ${process.env.TRUETAPE_TOKEN}` } : {};
const [instrument = "demo:BTC-SIM", quantity = "0.01"] = process.argv.slice(2);

/** Returns the server's answer; if it refuses, ends the program with its words. */
async function rest(method, path, body) {
  const request = { method, headers: { ...headers, "content-type": "application/json" }, body: JSON.stringify(body) };
  const answer = await fetch(`${url}/api/v1/${path}`, request);
  const json = await answer.json();
  if (answer.ok) return json;
  const { code, message } = json.error ?? json; // The desk's own refusals stand alone.
  console.error(`${method} ${path}: ${answer.status} ${code}: ${message}`);
  process.exit(1);
}

// Node's WebSocket takes headers; browsers send their session's cookie by themselves.
const stream = new WebSocket(`${url.replace("http", "ws")}/ws?format=json`, { headers });
const send = (message) => stream.send(JSON.stringify(message));
let orderId;

stream.onopen = () => {
  send({ type: "hello", protocol: 1, lane_ms: 100 });
  send({ type: "subscribe", id: 1, topics: ["orders:account:paper"] });
};
stream.onmessage = async ({ data }) => {
  const message = JSON.parse(data);
  if (message.type === "subscribed") {
    const order = { client_order_id: `example-${crypto.randomUUID()}`, account: "paper", instrument, quantity };
    ({ order_id: orderId } = await rest("POST", "orders", { ...order, side: "buy", type: "market" }));
    console.log(`placed order ${orderId}`);
    send({ type: "snapshot", id: 2, topics: ["orders:account:paper"] }); // Its first states may have come before its number.
  }
  for (const { data } of message.items ?? []) {
    const row = data.rows[orderId];
    if (row) console.log(`order ${orderId} is ${row.state}: ${row.filled} of ${row.quantity} filled`);
    if (row && ["filled", "cancelled", "expired", "rejected"].includes(row.state)) process.exit(0);
  }
};
stream.onerror = () => {
  console.error(`no stream at ${url}`);
  process.exit(1);
};
