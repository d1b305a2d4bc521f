/** Asking the reader of the notebook: `prompt()` in a cell, and whatever reads standard input. */
import { closeSync, openSync } from "node:fs";
import { Readable } from "node:stream";
import type { Message } from "../wire.js";
import { currentContext, inContext, type CellContext } from "./context.js";
import type { Sockets } from "./sockets.js";

/** Questions to the reader. */
export interface Asking {
  /** Resolves with the answer; rejects at once where the request does not allow to ask, and when its cell is interrupted. */
  ask(question: string, hidden: boolean): Promise<string>;
  /** Takes an input_reply in. */
  answer(message: Message): void;
}

/** `latest` is the cell to which a question of unknown origin belongs; `before` sends what was printed before it. */
export function createAsking(
  sockets: Sockets,
  latest: () => CellContext | undefined,
  before: () => void,
): Asking {
  let waiting: { readonly resolve: (text: string) => void } | undefined;
  const queue: (() => void)[] = [];
  const next = (): void => {
    waiting = undefined;
    queue.shift()?.();
  };
  const ask = (question: string, hidden: boolean): Promise<string> =>
    new Promise((resolve, reject) => {
      const context = currentContext() ?? latest();
      if (context?.request.content["allow_stdin"] !== true)
        return reject(
          new Error("Nobody can be asked here: this notebook runs without somebody at the keyboard."),
        );
      const { signal } = context.controller;
      const begin = (): void => {
        if (signal.aborted) {
          reject(signal.reason as Error);
          return next();
        }
        const onAbort = (): void => {
          reject(signal.reason as Error);
          next();
        };
        signal.addEventListener("abort", onAbort, { once: true });
        waiting = {
          resolve: (text) => {
            signal.removeEventListener("abort", onAbort);
            resolve(text);
            next();
          },
        };
        before();
        sockets.reply("stdin", "input_request", { prompt: question, password: hidden }, context.request);
      };
      // One question at a time: the reader has one place to answer.
      if (waiting) queue.push(begin);
      else begin();
    });
  return {
    ask,
    answer: (message) => waiting?.resolve(String(message.content["value"] ?? "")),
  };
}

/** Gives cells a standard input that asks the reader, line by line, and a `prompt`. */
export function offerInput(asking: Asking): void {
  // A synchronous read of the kernel's own input would wait for ever on Jupyter's pipe: let it find the end at once.
  if (process.platform !== "win32") {
    closeSync(0);
    openSync("/dev/null", "r");
  }
  let input: Readable | undefined;
  Object.defineProperty(process, "stdin", {
    configurable: true,
    get: () => {
      if (!input || input.destroyed) input = inputOf(asking);
      return input;
    },
  });
  Object.defineProperty(globalThis, "prompt", {
    configurable: true,
    writable: true,
    value: (question?: string) => asking.ask(question ?? "", false),
  });
}

/** How long a reader that has just been given a line may take to say that it wants no more. */
const REST_MS = 20;

function inputOf(asking: Asking): Readable {
  let asked = false;
  const stream = new Readable({ encoding: "utf8", read: () => ask() });
  const ask = (): void => {
    if (asked) return;
    asked = true;
    const context = currentContext();
    const question = async (): Promise<void> => {
      await new Promise((resolve) => setTimeout(resolve, REST_MS));
      // A reader that its cell has left open must not ask in the next one's place.
      if (context && !context.running) return void stream.destroy();
      if (stream.isPaused()) {
        // Nobody reads any more; whoever does next asks again.
        asked = false;
        stream.once("resume", () => ask());
        return;
      }
      try {
        const line = await asking.ask("", false);
        asked = false;
        stream.push(`${line}\n`);
      } catch (error) {
        stream.destroy(error as Error);
      }
    };
    void (context ? inContext(context, question) : question());
  };
  return stream;
}
