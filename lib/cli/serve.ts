import { InputError } from "../base/index.js";
import { integerOption, note } from "./common.js";
import { buildReporter } from "./data/report.js";
import { withInterrupts } from "./interrupts.js";
import type { AddVerb } from "./verb.js";

interface ServeFlags {
  readonly stdio?: boolean;
  readonly port?: number;
  readonly host: string;
  readonly data?: string;
  readonly idle: number;
  readonly maxSessions: number;
  readonly maxBody: number;
  readonly maxMemory?: number;
  readonly maxAnswer: number;
  readonly allowHost?: readonly string[];
}

/** `aisle serve`: the environment for any other program. */
export const addServe: AddVerb = (program) => {
  program
    .command("serve")
    .description("offer the shop to any other program: reset, step, clone, close, many sessions")
    .option("--stdio", "answer lines of JSON on standard input with lines on standard output")
    .option("--port <n>", "answer HTTP on this port (0: any free one)", integerOption("--port", 0, 65535))
    .option(
      "--host <address>",
      "the address to listen on; other machines can only reach it if you say so",
      "127.0.0.1",
    )
    .option("--data <folder>", "the shop (default: the embedded one, made on first use)")
    .option("--idle <seconds>", "close sessions unused for so long", integerOption("--idle", 1), 1800)
    .option("--max-sessions <n>", "most sessions at a time", integerOption("--max-sessions", 1), 100_000)
    .option("--max-body <bytes>", "longest request", integerOption("--max-body", 100), 128 << 10)
    .option("--max-answer <bytes>", "longest answer", integerOption("--max-answer", 10_000), 4 << 20)
    .option(
      "--max-memory <bytes>",
      "most that all sessions may hold (default: a quarter of Node's heap limit)",
      integerOption("--max-memory", 100_000),
    )
    .option("--allow-host <name...>", "further names by which HTTP requests may call this machine")
    .addHelpText(
      "after",
      '\nA line such as {"op":"reset","goal":0,"mode":"text"} opens a session; docs/serve.md has the protocol and a Python\n' +
        "wrapper. Over HTTP the same verbs are POST /reset, /step, /clone, /close, /info; GET /openapi.json describes them.",
    )
    .action(async (flags: ServeFlags) => {
      if ((flags.stdio === true) === (flags.port !== undefined)) {
        throw new InputError("Say either --stdio or --port: the shop is offered in one of the two ways.");
      }
      const { defaultCatalogue } = await import("../simulator/index.js");
      const { SessionStore } = await import("../serve/index.js");
      const report = buildReporter();
      const catalogue = await defaultCatalogue(flags.data, { progress: report.building });
      report.end();
      const store = new SessionStore(catalogue, {
        idleSeconds: flags.idle,
        maxSessions: flags.maxSessions,
        maxAnswer: flags.maxAnswer,
        ...(flags.maxMemory === undefined ? {} : { maxMemory: flags.maxMemory }),
      });
      try {
        if (flags.port === undefined) await overStdio(store, flags);
        else await overHttp(store, flags, flags.port);
      } finally {
        catalogue.close();
      }
    });
};

type Store = InstanceType<typeof import("../serve/index.js").SessionStore>;

async function overStdio(store: Store, flags: ServeFlags): Promise<void> {
  const { serveLines } = await import("../serve/index.js");
  await withInterrupts(async (signal) => {
    // Only now: whoever reads it may send a signal at once.
    note("aisle serve: ready, one JSON request a line");
    signal.addEventListener("abort", () => process.stdin.destroy());
    try {
      await serveLines(store, process.stdin, process.stdout, { maxBytes: flags.maxBody });
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  });
}

async function overHttp(store: Store, flags: ServeFlags, port: number): Promise<void> {
  const { httpServer } = await import("../serve/index.js");
  const app = await httpServer(store, {
    maxBytes: flags.maxBody,
    address: flags.host,
    hosts: flags.allowHost ?? [],
  });
  await withInterrupts(async (signal) => {
    try {
      const address = await app.listen({ port, host: flags.host });
      note(`aisle serve: listening on ${address} (description: ${address}/openapi.json); Ctrl-C ends it`);
    } catch (error) {
      const { codeOf, messageOf } = await import("../base/index.js");
      const reasons: Record<string, string> = {
        EADDRINUSE: "another program uses that port",
        EACCES: "that port needs more rights",
        EADDRNOTAVAIL: "this machine has no such address",
        ENOTFOUND: "there is no such host",
      };
      const why = reasons[codeOf(error) ?? ""] ?? messageOf(error);
      throw new InputError(`Cannot listen on ${flags.host}:${port}: ${why}.`);
    }
    if (!signal.aborted) await new Promise((resolve) => signal.addEventListener("abort", resolve));
    await app.close();
  });
}
