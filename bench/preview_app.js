// The app that is measured through everything. The small answer has a server of its own without an HTTP library, so
// that not the app is what a proxy is compared with.
const http = require("node:http");
const net = require("node:net");
const { createHash } = require("node:crypto");

const KILOBYTE = Buffer.alloc(1024, "k");
const SMALL = Buffer.concat([
  Buffer.from("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 1024\r\n\r\n"),
  KILOBYTE,
]);
const PIECE = Buffer.alloc(256 * 1024, "p");

function small(socket) {
  let rest = "";
  socket.setNoDelay();
  socket.on("data", (data) => {
    const heads = (rest + data.toString("latin1")).split("\r\n\r\n");
    rest = heads.pop();
    for (const _ of heads) socket.write(SMALL);
  });
  socket.on("error", () => socket.destroy());
}

function down(answer, size) {
  answer.writeHead(200, { "Content-Type": "application/octet-stream", "Content-Length": size });
  let left = size;
  const more = () => {
    while (left > 0) {
      const piece = left < PIECE.length ? PIECE.subarray(0, left) : PIECE;
      left -= piece.length;
      if (!answer.write(piece)) return answer.once("drain", more);
    }
    answer.end();
  };
  more();
}

function streamed(answer) {
  answer.writeHead(200, { "Content-Type": "text/event-stream" });
  answer.write("data: first\n\n");
  setTimeout(() => answer.end("data: last\n\n"), 500);
}

function up(request, answer) {
  let size = 0;
  request.on("data", (data) => (size += data.length));
  request.on("end", () => answer.end(String(size)));
}

function handle(request, answer) {
  const { pathname, searchParams } = new URL(request.url, "http://localhost");
  if (pathname.endsWith("/down")) down(answer, Number(searchParams.get("size")));
  else if (pathname.endsWith("/stream")) streamed(answer);
  else if (pathname.endsWith("/up")) up(request, answer);
  else answer.end("ok");
}

// Answers each frame of up to 125 bytes with the same bytes.
function echo(request, socket) {
  const key = request.headers["sec-websocket-key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  const accept = createHash("sha1").update(key).digest("base64");
  socket.setNoDelay();
  socket.write(
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
      `Sec-WebSocket-Accept: ${accept}\r\n\r\n`,
  );
  socket.on("error", () => socket.destroy());
  let waiting = Buffer.alloc(0);
  socket.on("data", (data) => {
    waiting = Buffer.concat([waiting, data]);
    while (waiting.length >= 6 && waiting.length >= 6 + (waiting[1] & 127)) {
      const size = waiting[1] & 127;
      const answer = Buffer.from(waiting.subarray(4, 6 + size));
      answer[0] = waiting[0];
      answer[1] = size;
      for (let index = 0; index < size; index++) answer[2 + index] ^= waiting[2 + (index % 4)];
      socket.write(answer);
      if ((waiting[0] & 15) === 8) socket.end();
      waiting = waiting.subarray(6 + size);
    }
  });
}

// What apps do that a proxy has to bear: the path says which.
const MISDEEDS = {
  garbage: (socket) => socket.end(PIECE),
  reset: (socket) => socket.resetAndDestroy(),
  redirect: (socket) => socket.end("HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1/\r\nContent-Length: 0\r\n\r\n"),
  headers: (socket) => {
    const header = Buffer.from("X-Header: " + "x".repeat(1000) + "\r\n");
    let left = 100_000_000 / header.length;
    socket.write("HTTP/1.1 200 OK\r\n");
    const more = () => {
      while (left-- > 0) if (!socket.write(header)) return socket.once("drain", more);
    };
    more();
  },
};

function misbehave(socket) {
  socket.on("error", () => socket.destroy());
  socket.once("data", (data) => MISDEEDS[data.toString("latin1").match(/\/(\w+) HTTP/)?.[1]]?.(socket));
}

for (const [port, host] of [[3000], [3010, "127.0.0.1"]]) {
  http.createServer(handle).on("upgrade", echo).listen(port, host);
  net.createServer(small).listen(port + 1, host);
}
net.createServer(misbehave).listen(3002);
