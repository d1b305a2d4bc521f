import { pipeline, type Writable } from "node:stream";
import type { InputError } from "../../../base/index.js";
import { openFile, readingFailed } from "./bytes.js";
import { parseAsPython } from "./python-json.js";

/** A JSON file of any size, read one record at a time in constant memory. */
export interface JsonRecords<T> {
  records(): AsyncGenerator<T>;
  /** The fraction that was read, from 0 to 1. */
  done(): number;
}

/** An element of a JSON array, and its number from 1; or, where its text is no JSON by itself, what is wrong with it. */
export interface Element {
  readonly number: number;
  readonly value: unknown;
  readonly problem?: InputError;
}

/** An entry of a JSON object, or what is wrong with its text; the key is then "". */
export interface Entry {
  readonly key: string;
  readonly value: unknown;
  readonly problem?: InputError;
}

/** No record is longer than this; JSON with a bracket or quote left open would otherwise be read to its end. */
const LONGEST = 1 << 28;

/**
 * The elements of a file that holds one JSON array.
 * @throws InputError, while reading, that says in which element and at which byte the file goes wrong.
 */
export function arrayElements(path: string, what: string): JsonRecords<Element> {
  return jsonRecords(path, what, "array", (text, number) => ({ number, value: parseAsPython(text) }), {
    value: undefined,
  });
}

/**
 * The entries of a file that holds one JSON object.
 * @throws InputError, while reading, that says in which entry and at which byte the file goes wrong.
 */
export function objectEntries(path: string, what: string): JsonRecords<Entry> {
  return jsonRecords(
    path,
    what,
    "object",
    (text) => {
      const entry = Object.entries(parseAsPython(`{${text}}`) as Record<string, unknown>)[0]!;
      return { key: entry[0], value: entry[1] };
    },
    { key: "", value: undefined },
  );
}

function jsonRecords<T extends object>(
  path: string,
  what: string,
  shape: "array" | "object",
  parse: (text: string, number: number) => T,
  empty: Omit<T, "number" | "problem">,
): JsonRecords<T> {
  const file = openFile(path, what);
  return {
    done: file.done,
    async *records() {
      const items = new ItemSplitter(shape);
      const failed = (error: unknown): InputError => {
        const where =
          items.count === 0
            ? "at its beginning"
            : `in or after record ${items.count}, byte ${items.itemStart}`;
        return readingFailed(error, path, where);
      };
      /** A record whose brackets and quotes are in order can be wrong by itself: the next ones are still found. */
      const read = (text: string): T => {
        try {
          return parse(text, items.count);
        } catch (error) {
          return { number: items.count, ...empty, problem: failed(error) } as unknown as T;
        }
      };
      try {
        const last = file.streams[file.streams.length - 1]!;
        if (file.streams.length > 1) {
          pipeline([...file.streams] as unknown as [NodeJS.ReadableStream, Writable], () => undefined);
        }
        for await (const chunk of last as AsyncIterable<Buffer>) {
          for (const text of items.take(chunk)) yield read(text);
        }
        items.end();
      } catch (error) {
        throw failed(error);
      }
    },
  };
}

const [QUOTE, BACKSLASH, COMMA] = [0x22, 0x5c, 0x2c];
const [OPEN_ARRAY, CLOSE_ARRAY, OPEN_OBJECT, CLOSE_OBJECT] = [0x5b, 0x5d, 0x7b, 0x7d];

/**
 * Cuts the bytes of one JSON array or object at its top-level commas; each piece is then parsed by itself. The
 * `stream-json` package read as fast (118 MB/s), but cannot say where a file goes wrong: it parses a chunk of hundreds of
 * records before it hands out the first.
 */
class ItemSplitter {
  /** Number of the item that was taken last. */
  count = 0;
  /** Where it begins in the (unpacked) file. */
  itemStart = 0;
  private readonly open: number;
  private readonly close: number;
  private depth = 0;
  private inString = false;
  private escaped = false;
  private ended = false;
  private held: Buffer[] = [];
  private heldBytes = 0;
  private position = 0;
  private nextStart = 0;

  constructor(private readonly shape: "array" | "object") {
    this.open = shape === "array" ? OPEN_ARRAY : OPEN_OBJECT;
    this.close = shape === "array" ? CLOSE_ARRAY : CLOSE_OBJECT;
  }

  /** The items that end in a chunk. */
  *take(chunk: Buffer): Generator<string> {
    let from = 0;
    for (let i = 0; i < chunk.length; i++) {
      const c = chunk[i]!;
      if (this.inString) {
        if (this.escaped) this.escaped = false;
        else if (c === BACKSLASH) this.escaped = true;
        else if (c === QUOTE) this.inString = false;
        continue;
      }
      if (c === QUOTE) {
        if (this.depth === 0) this.misplaced();
        this.inString = true;
      } else if (c === OPEN_ARRAY || c === OPEN_OBJECT) {
        if (this.depth === 0) {
          if (c !== this.open || this.ended) this.misplaced();
          from = i + 1;
          this.nextStart = this.position + from;
        }
        this.depth++;
      } else if (c === CLOSE_ARRAY || c === CLOSE_OBJECT) {
        this.depth--;
        if (this.depth < 0) this.misplaced();
        if (this.depth > 0) continue;
        if (c !== this.close) throw new SyntaxError("a bracket is closed that was not opened");
        this.ended = true;
        const text = this.piece(chunk, from, i);
        // Nothing at all between the brackets is an empty list; nothing after a comma is not.
        if (text.trim() !== "" || this.count > 0) yield this.next(text);
        from = i + 1;
      } else if (c === COMMA && this.depth === 1) {
        yield this.next(this.piece(chunk, from, i));
        from = i + 1;
        this.nextStart = this.position + from;
      } else if (this.depth === 0 && c > 0x20 && !(this.position + i < 3 && c >= 0xbb)) {
        this.misplaced();
      }
    }
    if (this.depth > 0) {
      this.held.push(chunk.subarray(from));
      this.heldBytes += chunk.length - from;
      if (this.heldBytes > LONGEST) throw new SyntaxError("a record has no end");
    }
    this.position += chunk.length;
  }

  /** Checks that the file ended where it should. */
  end(): void {
    if (!this.ended) {
      throw new SyntaxError(
        this.count === 0 && this.depth === 0 ? "it is empty" : "it is cut off in the middle",
      );
    }
  }

  private next(text: string): string {
    this.count++;
    this.itemStart = this.nextStart;
    return text;
  }

  private piece(chunk: Buffer, from: number, to: number): string {
    const last = chunk.subarray(from, to);
    if (this.held.length === 0) return last.toString("utf8");
    const text = Buffer.concat([...this.held, last]).toString("utf8");
    this.held = [];
    this.heldBytes = 0;
    return text;
  }

  private misplaced(): never {
    throw new SyntaxError(this.ended ? "something follows its end" : `it should be one JSON ${this.shape}`);
  }
}
