import { arrayOf, type FlatArray, type Pack } from "./pack.js";

/** FNV-1a over UTF-16 code units, finished as in murmur3. */
function hashOf(text: string): number {
  let h = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  return (h ^ (h >>> 13)) >>> 0;
}

/**
 * Distinct strings numbered from 0, as flat arrays: the text of each and a hash table from text to number. Opening
 * it costs nothing and threads share it, which a `Map` of a million strings cannot offer.
 */
export class StringTable {
  private readonly bytes: Buffer;

  private constructor(
    blob: Uint8Array,
    private readonly starts: Uint32Array,
    private readonly hashes: Uint32Array,
    private readonly slots: Uint32Array,
  ) {
    this.bytes = Buffer.from(blob.buffer as ArrayBuffer, blob.byteOffset, blob.byteLength);
  }

  /** Flat arrays of a list of distinct strings, under names that begin with `prefix`. */
  static build(strings: Iterable<string>, count: number, prefix: string): Record<string, FlatArray> {
    const starts = new Uint32Array(count + 1);
    const hashes = new Uint32Array(count);
    let slotCount = 4;
    while (slotCount < count * 2) slotCount *= 2;
    const slots = new Uint32Array(slotCount);
    let blob = Buffer.alloc(Math.max(64, count * 12));
    let used = 0;
    let id = 0;
    for (const text of strings) {
      const most = text.length * 3;
      if (used + most > blob.length) blob = Buffer.concat([blob], Math.max(blob.length * 2, used + most));
      used += blob.write(text, used, "utf8");
      starts[id + 1] = used;
      const hash = hashOf(text);
      hashes[id] = hash;
      let slot = hash & (slotCount - 1);
      while (slots[slot] !== 0) slot = (slot + 1) & (slotCount - 1);
      slots[slot] = ++id;
    }
    if (id !== count) throw new RangeError(`${count} strings were announced and ${id} came.`);
    return {
      [`${prefix}Text`]: new Uint8Array(blob.buffer, blob.byteOffset, used),
      [`${prefix}Starts`]: starts,
      [`${prefix}Hashes`]: hashes,
      [`${prefix}Slots`]: slots,
    };
  }

  /** The table that `build` made, in place. */
  static open(pack: Pack, prefix: string): StringTable {
    return new StringTable(
      arrayOf(pack, `${prefix}Text`, "Uint8Array"),
      arrayOf(pack, `${prefix}Starts`, "Uint32Array"),
      arrayOf(pack, `${prefix}Hashes`, "Uint32Array"),
      arrayOf(pack, `${prefix}Slots`, "Uint32Array"),
    );
  }

  /** How many strings there are. */
  get size(): number {
    return this.hashes.length;
  }

  /** The string of a number. */
  text(id: number): string {
    return this.bytes.toString("utf8", this.starts[id], this.starts[id + 1]);
  }

  /** The number of a string, or -1. */
  find(text: string): number {
    const hash = hashOf(text);
    const mask = this.slots.length - 1;
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const id = this.slots[slot]! - 1;
      if (id < 0) return -1;
      if (this.hashes[id] === hash && this.text(id) === text) return id;
    }
  }
}
