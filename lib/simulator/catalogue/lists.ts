import { arrayOf, StringTable, type FlatArray, type Pack } from "../search/index.js";

/** Collects, for each value of a field, the products that have it, in load order. */
export class ListBuilder {
  private readonly ids = new Map<string, number>();
  private values = new Uint32Array(1024);
  private products = new Uint32Array(1024);
  private used = 0;

  /** Says that a product (numbered in load order) has a value. Once for each value. */
  add(product: number, value: string): void {
    let id = this.ids.get(value);
    if (id === undefined) {
      id = this.ids.size;
      this.ids.set(value, id);
    }
    if (this.used === this.values.length) {
      const values = new Uint32Array(this.used * 2);
      const products = new Uint32Array(this.used * 2);
      values.set(this.values);
      products.set(this.products);
      this.values = values;
      this.products = products;
    }
    this.values[this.used] = id;
    this.products[this.used++] = product;
  }

  /** Flat arrays under names that begin with `prefix`. */
  finish(prefix: string): Record<string, FlatArray> {
    const count = this.ids.size;
    const first = new Uint32Array(count + 1);
    for (let i = 0; i < this.used; i++) first[this.values[i]! + 1]!++;
    for (let v = 0; v < count; v++) first[v + 1]! += first[v]!;
    const next = first.slice();
    const members = new Uint32Array(this.used);
    for (let i = 0; i < this.used; i++) members[next[this.values[i]!]!++] = this.products[i]!;
    return {
      ...StringTable.build(this.ids.keys(), count, prefix),
      [`${prefix}First`]: first,
      [`${prefix}Members`]: members,
    };
  }
}

/** The lists that a `ListBuilder` made, in place. */
export class Lists {
  private readonly values: StringTable;
  private readonly first: Uint32Array;
  private readonly members: Uint32Array;

  constructor(pack: Pack, prefix: string) {
    this.values = StringTable.open(pack, prefix);
    this.first = arrayOf(pack, `${prefix}First`, "Uint32Array");
    this.members = arrayOf(pack, `${prefix}Members`, "Uint32Array");
  }

  /** The products that have a value, in load order. */
  find(value: string): number[] {
    const id = this.values.find(value);
    return id < 0 ? [] : Array.from(this.members.subarray(this.first[id], this.first[id + 1]));
  }
}
