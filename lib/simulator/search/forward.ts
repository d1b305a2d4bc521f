import { closeSync, openSync, readSync, rmSync, writeSync } from "node:fs";
import { RunError, whyNot } from "../../base/index.js";

const BUFFER = 1 << 22;

/**
 * The terms of each document, on disk while an index is built: documents are written in load order and read back in
 * any order. A record is a list of pairs (term, how often), as variable-length integers.
 */
export class ForwardFile {
  private readonly file: number;
  private buffer = new Uint8Array(BUFFER);
  private used = 0;
  private flushed = 0;
  private starts = new Float64Array(1024);
  private scratch = Buffer.alloc(1 << 16);
  private removed = false;
  /** Number of documents. */
  count = 0;

  constructor(private readonly path: string) {
    try {
      this.file = openSync(path, "w+");
    } catch (error) {
      throw new RunError(`Could not write ${path}: ${whyNot(error)}.`);
    }
  }

  /** Appends one document: the first `count` entries of `terms`, each with its frequency. */
  append(terms: Uint32Array, count: number, frequencyOf: Uint32Array): void {
    if (this.used + count * 10 > this.buffer.length) {
      this.flush();
      if (count * 10 > this.buffer.length) this.buffer = new Uint8Array(count * 10);
    }
    const out = this.buffer;
    let at = this.used;
    for (let i = 0; i < count; i++) {
      const term = terms[i]!;
      for (let v = term; ; v >>>= 7) {
        if (v < 128) {
          out[at++] = v;
          break;
        }
        out[at++] = (v & 127) | 128;
      }
      for (let v = frequencyOf[term]!; ; v >>>= 7) {
        if (v < 128) {
          out[at++] = v;
          break;
        }
        out[at++] = (v & 127) | 128;
      }
    }
    this.used = at;
    this.count++;
    if (this.count >= this.starts.length) {
      const longer = new Float64Array(this.starts.length * 2);
      longer.set(this.starts);
      this.starts = longer;
    }
    this.starts[this.count] = this.flushed + at;
  }

  /** Ends the writing. */
  flush(): void {
    try {
      for (let done = 0; done < this.used;) {
        done += writeSync(this.file, this.buffer, done, this.used - done, this.flushed + done);
      }
    } catch (error) {
      throw new RunError(`Could not write ${this.path}: ${whyNot(error)}.`);
    }
    this.flushed += this.used;
    this.used = 0;
  }

  /** The bytes of one document; the view is overwritten by the next call. */
  read(document: number): Uint8Array {
    const start = this.starts[document]!;
    const length = this.starts[document + 1]! - start;
    if (length > this.scratch.length) this.scratch = Buffer.alloc(length * 2);
    for (let done = 0; done < length;) {
      const got = readSync(this.file, this.scratch, done, length - done, start + done);
      if (got === 0) throw new RunError(`${this.path} ended early: was it changed during the build?`);
      done += got;
    }
    return this.scratch.subarray(0, length);
  }

  /** Closes and deletes the file. Once is enough, twice does no harm. */
  remove(): void {
    if (this.removed) return;
    this.removed = true;
    closeSync(this.file);
    rmSync(this.path, { force: true });
  }
}
