// A client of Truetape's stream: quotes and trades of two instruments, resumed after a lost connection.
//
//   node examples/stream-client.mjs [ws-url] [items]
//
// Prints one line an item, drops its connection after half of them to show a resume, and ends after all of them.
// Node 22 has a WebSocket; start Node 20 with --experimental-websocket. docs/stream-protocol.md describes the messages.

const url = process.argv[2] ?? "ws://127.0.0.1:3000/ws?format=json";
const wanted = Number(process.argv[3] ?? 20);
const topics = ["quote:demo:BTC-SIM", "tape:demo:BTC-SIM", "quote:demo:ETH-SIM", "tape:demo:ETH-SIM"];

const quotes = new Map(); // topic -> the whole quote, merged from a snapshot and its deltas
const positions = new Map(); // topic -> { epoch, offset } of the last item seen
let printed = 0;
let failures = 0; // connections in a row that brought no data

/** The positions in the form that `hello` takes; undefined before the first item. */
function resume() {
  return positions.size === 0 ? undefined : Object.fromEntries(positions);
}

function connect() {
  const socket = new WebSocket(url);
  const send = (message) => socket.send(JSON.stringify(message));
  const position = resume();
  let hasDropped = false;

  socket.onopen = () => {
    send({ type: "hello", protocol: 1, lane_ms: 100, resume: position });
    send({ type: "subscribe", id: 1, topics }); // Topics that resume are subscribed already; this changes nothing.
  };
  socket.onmessage = ({ data }) => {
    if (hasDropped) return;
    const message = JSON.parse(data);
    switch (message.type) {
      case "welcome":
        console.log(`connected as ${message.client}`);
        break;
      case "resumed":
        console.log(`resumed: ${message.replayed} replayed, ${message.lost} lost`);
        break;
      case "reset":
        console.log(`reset (${message.reason}): ${message.topics.length} topics start again with a snapshot`);
        break;
      case "refused":
        console.error(`refused: ${message.message}`);
        process.exit(1);
        break;
      case "batch":
        failures = 0;
        for (const item of message.items) take(item);
        if (printed >= wanted) finish(socket);
        else if (position === undefined && printed >= wanted / 2) {
          hasDropped = true;
          console.log("dropping the connection");
          socket.close();
        }
        break;
      default: // `subscribed` and messages of later servers
    }
  };
  socket.onclose = ({ code, reason }) => {
    if (printed >= wanted) return;
    if (code >= 3500) {
      console.error(`closed for good: ${code} ${reason}`);
      process.exit(1);
    }
    // A random delay keeps many clients from coming back at the same moment.
    const longest = Math.min(500 * 2 ** failures, 30_000);
    failures += 1;
    setTimeout(connect, Math.random() * longest);
  };
  socket.onerror = () => {}; // `close` follows.
}

/** Merges an item and prints it. */
function take({ kind, topic, epoch, offset, data }) {
  // A snapshot names its epoch; the deltas after it belong to the same one.
  positions.set(topic, { epoch: epoch ?? positions.get(topic).epoch, offset });
  if (printed >= wanted) return;
  if (topic.startsWith("quote:")) {
    const quote = kind === "snapshot" ? data : { ...quotes.get(topic), ...data };
    quotes.set(topic, quote);
    console.log(`${topic} ${kind} ${offset}: bid ${quote.bid} ask ${quote.ask} last ${quote.last}`);
  } else {
    const trade = data.trades.at(-1);
    const newest = trade ? `, newest ${trade.aggressor_side} ${trade.size} at ${trade.price}` : "";
    console.log(`${topic} ${kind} ${offset}: ${data.trades.length} trades${newest}`);
  }
  printed += 1;
}

function finish(socket) {
  console.log(`done after ${printed} items`);
  socket.close();
}

if (typeof WebSocket === "undefined") {
  console.error("This Node has no WebSocket: use Node 22 or later, or start Node with --experimental-websocket.");
  process.exit(2);
}
connect();
