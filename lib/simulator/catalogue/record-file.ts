import { createHash } from "node:crypto";
import { closeSync, openSync, readSync, writeSync } from "node:fs";
import { InputError, RunError, whyNot } from "../../base/index.js";
import type { Written } from "../search/index.js";

const BUFFER = 1 << 22;

/** Lines of text of any length, one after another, and where each begins. */
export class RecordWriter {
  private readonly file: number;
  private readonly hash = createHash("sha256");
  private buffer = Buffer.alloc(BUFFER);
  private used = 0;
  private flushed = 0;
  private begins = new Float64Array(1024);
  private closed = false;
  /** Number of records. */
  count = 0;

  constructor(private readonly path: string) {
    try {
      this.file = openSync(path, "w+");
    } catch (error) {
      throw new RunError(`Could not write ${path}: ${whyNot(error)}.`);
    }
  }

  add(line: string): void {
    const most = line.length * 3;
    if (this.used + most > this.buffer.length) {
      this.flush();
      if (most > this.buffer.length) this.buffer = Buffer.alloc(most);
    }
    this.used += this.buffer.write(line, this.used, "utf8");
    if (++this.count >= this.begins.length) {
      const longer = new Float64Array(this.begins.length * 2);
      longer.set(this.begins);
      this.begins = longer;
    }
    this.begins[this.count] = this.flushed + this.used;
  }

  /** Reads back a record that was written. */
  read(index: number): string {
    this.flush();
    return readRecord(this.file, this.path, this.begins, index);
  }

  /** Ends the file and says what is in it. */
  finish(): Written & { readonly begins: Float64Array } {
    this.flush();
    this.close();
    return {
      bytes: this.flushed,
      sha256: this.hash.digest("hex"),
      begins: this.begins.slice(0, this.count + 1),
    };
  }

  /** Closes the file; `finish` does so too. */
  close(): void {
    if (!this.closed) closeSync(this.file);
    this.closed = true;
  }

  private flush(): void {
    try {
      for (let done = 0; done < this.used;) {
        done += writeSync(this.file, this.buffer, done, this.used - done, this.flushed + done);
      }
    } catch (error) {
      throw new RunError(`Could not write ${this.path}: ${whyNot(error)}.`);
    }
    this.hash.update(this.buffer.subarray(0, this.used));
    this.flushed += this.used;
    this.used = 0;
  }
}

let scratch = Buffer.alloc(1 << 16);

/** One record of an open file, as text. */
export function readRecord(file: number, path: string, begins: Float64Array, index: number): string {
  const start = begins[index]!;
  const length = begins[index + 1]! - start;
  if (length > scratch.length) scratch = Buffer.alloc(length * 2);
  for (let done = 0; done < length;) {
    const got = readSync(file, scratch, done, length - done, start + done);
    if (got === 0)
      throw new InputError(`${path} became shorter while it was open: build the catalogue again.`);
    done += got;
  }
  return scratch.toString("utf8", 0, length);
}
