/** The heap that every tensor of `wasm` and `native` lies on: how much of it is taken, and a sentence when it is full. */
import { RunError } from "../../../base/index.js";

/** Bytes that 32-bit addresses reach, less one page: what the heap of tfjs's `wasm` backend can grow to. */
export const HEAP_BYTES = 2 ** 32 - 2 ** 16;

/** The heap is full. Nothing was written, and what was computed before is as it was. */
export class OutOfMemory extends RunError {
  /** By name: the heap outlives a reload of this file (notebooks, plugins), and its errors are of the older class then. */
  static override [Symbol.hasInstance](value: unknown): boolean {
    return value instanceof Error && value.constructor.name === "OutOfMemory";
  }
}

/** The allocator of tfjs's module, as far as it is used here. */
export interface Allocator {
  _malloc(bytes: number): number;
  _free(address: number): void;
}

/**
 * Counts what is taken and given back, and refuses what does not fit. Without it a full heap hands out address 0, where the
 * kernels then write: other tensors are overwritten, until something calls `abort`.
 */
export class Heap {
  private readonly sizes = new Map<number, number>();
  /** Bytes that are taken, and the most that were since `mark`. */
  private taken = 0;
  private most = 0;
  /** More than this is refused. */
  limit = HEAP_BYTES;

  /** Puts itself before a module's allocator. What was allocated before is not counted. */
  constructor(module: Allocator) {
    // Emscripten's functions are stand-ins until they are first called, and then put the real ones in their place.
    module._free(module._malloc(8));
    const malloc = module._malloc.bind(module);
    const free = module._free.bind(module);
    module._malloc = (bytes) => {
      const address = this.taken + bytes > this.limit ? 0 : malloc(bytes) >>> 0;
      if (address === 0 && bytes > 0) throw this.full(bytes);
      this.sizes.set(address, bytes);
      this.taken += bytes;
      this.most = Math.max(this.most, this.taken);
      return address;
    };
    module._free = (address) => {
      this.taken -= this.sizes.get(address) ?? 0;
      this.sizes.delete(address);
      free(address);
    };
  }

  /** Bytes that are taken now. */
  get bytes(): number {
    return this.taken;
  }

  /** The most bytes that were taken since the last `mark`. */
  get peak(): number {
    return this.most;
  }

  /** Begins to look for the most anew. */
  mark(): void {
    this.most = this.taken;
  }

  private full(bytes: number): OutOfMemory {
    return new OutOfMemory(
      `The memory of WebAssembly is full: ${gigabytes(this.taken)} of ${gigabytes(this.limit)} are taken, and ` +
        `${gigabytes(bytes)} more were asked for.`,
    );
  }
}

/** Bytes in the unit that reads best. */
export function gigabytes(bytes: number): string {
  return bytes < 1e8 ? `${(bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0)} MB` : `${(bytes / 1e9).toFixed(2)} GB`;
}
