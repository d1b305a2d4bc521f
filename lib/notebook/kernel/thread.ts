/**
 * The control and the publishing socket. They are served by a thread of its own (thread.cjs), which hands messages to this one and,
 * while an interrupt is not taken in, sends the signal that breaks a cell's first stretch.
 */
import path from "node:path";
import { Worker } from "node:worker_threads";

/** Messages of this thread to that one, by shared memory: it has no time for messages when it matters. */
const FIELDS = { taken: 0, running: 1, kernel: 2, heeded: 3, closed: 4 } as const;
const state = new Int32Array(new SharedArrayBuffer(4 * 5));

/** How long the end of this process waits for the other thread's socket. */
const CLOSE_MS = 1000;

/** Says whether a cell's code runs. */
export function sayRunning(running: boolean): void {
  Atomics.store(state, FIELDS.running, running ? 1 : 0);
  if (!running) sayHeeded(false);
}

/** Says that the running cell stops by itself when it is interrupted. */
export function sayHeeded(heeded: boolean): void {
  Atomics.store(state, FIELDS.heeded, heeded ? 1 : 0);
}

/** Runs code of the kernel's own that must not be broken off. */
export function unbroken<T>(work: () => T): T {
  Atomics.add(state, FIELDS.kernel, 1);
  try {
    return work();
  } finally {
    Atomics.sub(state, FIELDS.kernel, 1);
  }
}

/** Messages as frames, and the millisecond (Date.now) when they came in. */
export interface SocketThread {
  listen(hear: (frames: readonly Uint8Array[], at: number) => void): void;
  send(to: "control" | "iopub", frames: readonly (Uint8Array | string)[]): void;
}

type Told = { bound: true } | { failed: string } | { frames: Uint8Array[]; sequence: number; at: number };

/**
 * Binds the two sockets.
 * @throws Error when a port is taken.
 */
export async function bindThread(
  root: string,
  addresses: Readonly<Record<"control" | "iopub", string>>,
  key: string,
): Promise<SocketThread> {
  const worker = new Worker(path.join(root, "lib", "notebook", "kernel", "thread.cjs"), {
    workerData: { addresses, key, shared: state.buffer, fields: FIELDS },
    execArgv: [],
  });
  process.once("exit", () => {
    worker.postMessage({});
    Atomics.wait(state, FIELDS.closed, 0, CLOSE_MS);
  });
  let hear: ((frames: readonly Uint8Array[], at: number) => void) | undefined;
  const early: Extract<Told, { frames: unknown }>[] = [];
  await new Promise<void>((resolve, reject) => {
    worker.on("message", (told: Told) => {
      if ("bound" in told) resolve();
      else if ("failed" in told) reject(new Error(told.failed));
      else {
        Atomics.store(state, FIELDS.taken, told.sequence);
        if (hear) hear(told.frames, told.at);
        else early.push(told);
      }
    });
    worker.once("error", reject);
  });
  return {
    listen(given) {
      hear = given;
      for (const { frames, at } of early.splice(0)) given(frames, at);
    },
    // Buffers may be parts of larger ones, which would all be copied.
    send: (to, frames) =>
      worker.postMessage({
        to,
        frames: frames.map((frame) => (typeof frame === "string" ? frame : new Uint8Array(frame))),
      }),
  };
}
