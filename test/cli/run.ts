import { spawn } from "node:child_process";
import { main } from "../../lib/cli/main.js";

/** What a run of the command line left. */
export interface Run {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

type Variables = Readonly<Record<string, string>>;

let last: Promise<unknown> = Promise.resolve();

/**
 * Runs `aisle` in this process, with some variables beside the environment's: what a process of its own would print and exit with,
 * without loading the library once more (seconds of computing each time). One command at a time, since they share the streams.
 * Where the process itself matters (signals, pipes, the entry, plugins, the backend), use {@link aisleProcess}.
 */
export function aisle(args: readonly string[], env: Variables = {}): Promise<Run> {
  const run = last.then(() => here(args, env));
  last = run.catch(() => undefined);
  return run;
}

async function here(args: readonly string[], env: Variables): Promise<Run> {
  const texts = { stdout: "", stderr: "" };
  const restore: (() => void)[] = [];
  const replace = <T extends object, K extends keyof T>(of: T, name: K, value: T[K]): void => {
    const before = Object.getOwnPropertyDescriptor(of, name);
    restore.push(() => {
      if (before) Object.defineProperty(of, name, before);
      else Reflect.deleteProperty(of, name);
    });
    Object.defineProperty(of, name, { value, configurable: true, writable: true, enumerable: true });
  };
  for (const name of ["stdout", "stderr"] as const) {
    const write = (
      chunk: Uint8Array | string,
      encoding?: BufferEncoding | ((error?: Error | null) => void),
      done?: (error?: Error | null) => void,
    ): boolean => {
      texts[name] += typeof chunk === "string" ? chunk : Buffer.from(chunk).toString("utf8");
      const after = typeof encoding === "function" ? encoding : done;
      if (after) process.nextTick(after);
      return true;
    };
    replace(process[name], "write", write);
    replace(process[name], "isTTY", false); // a pipe, as of a spawned process
  }
  const variables = Object.keys(env).map((name) => [name, process.env[name]] as const);
  Object.assign(process.env, env);
  const codeBefore = process.exitCode;
  process.exitCode = undefined;
  try {
    await main([process.execPath, "lib/aisle.mjs", ...args]);
    return { code: Number(process.exitCode ?? 0), ...texts };
  } finally {
    process.exitCode = codeBefore;
    for (const [name, value] of variables) {
      if (value === undefined) Reflect.deleteProperty(process.env, name);
      else process.env[name] = value;
    }
    for (const undo of restore) undo();
  }
}

/** Runs `aisle` in a process of its own, with some variables beside this process's. */
export function aisleProcess(args: readonly string[], env: Variables = {}): Promise<Run> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, ["lib/aisle.mjs", ...args], {
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, ...env },
    });
    let [stdout, stderr] = ["", ""];
    child.stdout.on("data", (chunk: Buffer) => (stdout += chunk.toString("utf8")));
    child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString("utf8")));
    child.on("close", (code) => resolve({ code, stdout, stderr }));
  });
}
