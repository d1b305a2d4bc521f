// The control socket, in a thread of its own: an interrupt must come through while a cell computes without a pause.
// Plain CommonJS, so that the thread starts without the TypeScript loader. See control.ts for what is shared.
const { createHmac, timingSafeEqual } = require("node:crypto");
const { parentPort, workerData } = require("node:worker_threads");
const { Router } = require("zeromq");

const { address, key, shared, fields } = workerData;
const state = new Int32Array(shared);
const read = (field) => Atomics.load(state, fields[field]);

/** How often the main thread is looked after. */
const LOOK_MS = 150;

const socket = new Router({ linger: 500 });
let sequence = 0;
/** Interrupts that the main thread has not yet taken. */
let [requests, timer] = [0, undefined];

parentPort.on("message", (frames) => {
  if (frames === "close") {
    // An open socket would crash the process while it exits.
    socket.close();
    parentPort.close();
    Atomics.store(state, fields.closed, 1);
    Atomics.notify(state, fields.closed);
    return;
  }
  void socket.send(frames).catch(() => undefined);
});

function look() {
  if (read("taken") >= sequence) {
    clearInterval(timer);
    [requests, timer] = [0, undefined];
    return;
  }
  // The kernel's own code must not be broken off, nor work that has promised to stop by itself, unless asked twice.
  if (!read("running") || read("kernel") || (read("heeded") && requests < 2)) return;
  // Breaks the cell's first stretch (see cells.ts). After its first wait nothing can, and the kernel must be restarted.
  process.kill(process.pid, "SIGINT");
}

function isInterrupt(frames) {
  const at = frames.findIndex((frame) => frame.equals(Buffer.from("<IDS|MSG>")));
  if (at < 0 || frames.length < at + 6) return false;
  if (key !== "") {
    const hmac = createHmac("sha256", key);
    for (const part of frames.slice(at + 2, at + 6)) hmac.update(part);
    const [expected, given] = [Buffer.from(hmac.digest("hex")), frames[at + 1]];
    if (expected.length !== given.length || !timingSafeEqual(expected, given)) return false;
  }
  try {
    return JSON.parse(frames[at + 2].toString()).msg_type === "interrupt_request";
  } catch {
    return false;
  }
}

async function serve() {
  await socket.bind(address);
  parentPort.postMessage({ bound: true });
  while (!socket.closed) {
    let frames;
    try {
      frames = await socket.receive();
    } catch {
      return; // it was closed
    }
    const interrupt = isInterrupt(frames);
    sequence++;
    parentPort.postMessage({ frames, sequence, at: Date.now() });
    if (!interrupt) continue;
    requests++;
    timer ??= setInterval(look, LOOK_MS);
  }
}
serve().catch((error) => parentPort.postMessage({ failed: error.message }));
