import type { Readable, Writable } from "node:stream";
import { answerLine } from "./protocol.js";
import type { SessionStore } from "./sessions.js";

export interface LineOptions {
  /** Longest line accepted, in bytes. Default 128 KiB. */
  readonly maxBytes?: number;
}

const NEWLINE = 10;
/** Characters of answers that are collected before they are written: a few lines can ask for many long ones. */
const MOST_COLLECTED = 1 << 18;

/**
 * Answers each line of JSON with one line, in order, until the input ends or the reader goes away. A line that is too
 * long is refused without being kept.
 */
export async function serveLines(
  store: SessionStore,
  input: Readable,
  output: Writable,
  options: LineOptions = {},
): Promise<void> {
  const maxBytes = options.maxBytes ?? 128 << 10;
  let gone = false;
  output.on("error", () => {
    // The other program closed its end: no answer can be sent.
    gone = true;
    input.destroy();
  });
  let held: Buffer[] = [];
  let length = 0;
  const answers: string[] = [];
  let collected = 0;
  const finish = (): void => {
    if (length > maxBytes) {
      answers.push(JSON.stringify({ error: `The line is longer than ${maxBytes} bytes.` }));
    } else {
      const line = Buffer.concat(held).toString("utf8").trim();
      if (line !== "") answers.push(answerLine(store, line));
    }
    collected += answers.at(-1)?.length ?? 0;
    held = [];
    length = 0;
  };
  const keep = (part: Buffer): void => {
    length += part.length;
    if (length > maxBytes) held = [];
    else held.push(part);
  };
  try {
    for await (const chunk of input) {
      const bytes = Buffer.isBuffer(chunk) ? chunk : Buffer.from(String(chunk));
      let start = 0;
      for (let end = bytes.indexOf(NEWLINE); end !== -1; end = bytes.indexOf(NEWLINE, start)) {
        keep(bytes.subarray(start, end));
        finish();
        start = end + 1;
        if (collected > MOST_COLLECTED) {
          await send(output, answers);
          collected = 0;
        }
      }
      keep(bytes.subarray(start));
      await send(output, answers);
    }
    if (length > 0) finish();
    await send(output, answers);
  } catch (error) {
    if (!gone) throw error;
  }
}

/** Writes what is to be said and waits until the other side has room for more. */
async function send(output: Writable, answers: string[]): Promise<void> {
  if (answers.length === 0) return;
  const text = `${answers.join("\n")}\n`;
  answers.length = 0;
  if (!output.write(text)) {
    await new Promise<void>((resolve) => {
      const go = (): void => {
        output.off("drain", go);
        output.off("close", go);
        resolve();
      };
      output.on("drain", go);
      output.on("close", go);
    });
  }
}
