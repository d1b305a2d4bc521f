// The control and the publishing socket, in a thread of their own: an interrupt must come through, and what a cell prints go out,
// while it computes without a pause. Plain CommonJS, so that the thread starts without the TypeScript loader. See thread.ts for
// what is shared.
const { createHmac, timingSafeEqual } = require("node:crypto");
const { parentPort, workerData } = require("node:worker_threads");
const { Publisher, Router } = require("zeromq");

const { addresses, key, shared, fields } = workerData;
const state = new Int32Array(shared);
const read = (field) => Atomics.load(state, fields[field]);

/** How often the main thread is looked after. */
const LOOK_MS = 150;

const control = new Router({ linger: 500 });
// Without a limit: a loop that prints ten thousand lines loses none.
const iopub = new Publisher({ sendHighWaterMark: 0, linger: 500 });
let sequence = 0;
/** Interrupts that the main thread has not yet taken. */
let [requests, timer] = [0, undefined];

/** A socket takes one message at a time. */
function sender(socket) {
  const queue = [];
  let sending = Promise.resolve();
  const drain = async () => {
    for (let next = queue.shift(); next && !socket.closed; next = queue.shift())
      await socket.send(next).catch(() => undefined);
  };
  return {
    send(frames) {
      if (queue.push(frames) === 1) sending = sending.then(drain);
    },
    sent: () => sending,
  };
}
const senders = { control: sender(control), iopub: sender(iopub) };

parentPort.on("message", async ({ to, frames }) => {
  if (frames) return senders[to].send(frames);
  // The process ends: an open socket would crash it.
  await Promise.all(Object.values(senders).map(({ sent }) => sent()));
  control.close();
  iopub.close();
  parentPort.close();
  Atomics.store(state, fields.closed, 1);
  Atomics.notify(state, fields.closed);
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
  await iopub.bind(addresses.iopub);
  await control.bind(addresses.control);
  parentPort.postMessage({ bound: true });
  while (!control.closed) {
    let frames;
    try {
      frames = await control.receive();
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
