import { pipeline, Writable } from "node:stream";
import { InputError, messageOf } from "../../../base/index.js";
import { openFile, readingFailed } from "./bytes.js";
import type { Element, JsonRecords } from "./json-stream.js";
import { parseAsPython } from "./python-json.js";

/** No record is longer than this; a file without line ends is not of this kind. */
const LONGEST = 1 << 28;

/**
 * The records of a file with one JSON value per line; empty lines are passed over.
 * @throws InputError, while reading, where the file cannot be read on; a line that is no JSON is an element with a problem.
 */
export function jsonLines(path: string, what: string): JsonRecords<Element> {
  const file = openFile(path, what);
  return {
    done: file.done,
    async *records() {
      const last = file.streams[file.streams.length - 1]!;
      if (file.streams.length > 1)
        pipeline([...file.streams] as unknown as [NodeJS.ReadableStream, Writable], () => undefined);
      let number = 0;
      let held: Buffer[] = [];
      let heldBytes = 0;
      try {
        for await (const chunk of last as AsyncIterable<Buffer>) {
          let from = 0;
          for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, from)) {
            held.push(chunk.subarray(from, end));
            from = end + 1;
            const element = parse(Buffer.concat(held), ++number, path, true);
            held = [];
            heldBytes = 0;
            if (element !== null) yield element;
          }
          held.push(chunk.subarray(from));
          heldBytes += chunk.length - from;
          if (heldBytes > LONGEST)
            throw new InputError(`Line ${number + 1} of ${path} is too long to be a record.`);
        }
        const element = parse(Buffer.concat(held), number + 1, path, false);
        if (element !== null) yield element;
      } catch (error) {
        throw readingFailed(error, path, `after line ${number}`);
      }
    },
  };
}

function parse(line: Buffer, number: number, path: string, ended: boolean): Element | null {
  const text = line.toString("utf8").trim();
  if (text === "") return null;
  try {
    return { number, value: parseAsPython(text) };
  } catch (error) {
    const why = ended ? messageOf(error) : `the file ends in the middle of it (${messageOf(error)})`;
    const problem = new InputError(`Line ${number} of ${path} is not JSON: ${why.replace(/\s+/g, " ")}.`);
    return { number, value: undefined, problem };
  }
}
