import { byCodePoint } from "../python-text.js";
import type { Product } from "../types.js";

/** Strings seen so far, numbered. */
class Names {
  private readonly ids = new Map<string, number>();

  id(name: string): number {
    let id = this.ids.get(name);
    if (id === undefined) {
      id = this.ids.size;
      this.ids.set(name, id);
    }
    return id;
  }

  /** The place of each number among the sorted strings. */
  places(): Uint32Array {
    const places = new Uint32Array(this.ids.size);
    [...this.ids].sort(([a], [b]) => byCodePoint(a, b)).forEach(([, id], place) => (places[id] = place));
    return places;
  }
}

/**
 * Puts like products side by side in the index: by category, scraping query and breadcrumb. Blocks of neighbours
 * share their words, so that a query can pass over most blocks (the order changes no result).
 */
export class Neighbours {
  private readonly names = [new Names(), new Names(), new Names()];
  private keys = new Uint32Array(3 * 1024);
  private count = 0;

  add({ category, query, productCategory }: Product): void {
    const at = 3 * this.count++;
    if (at === this.keys.length) {
      const longer = new Uint32Array(at * 2);
      longer.set(this.keys);
      this.keys = longer;
    }
    [category, query, productCategory].forEach((name, i) => (this.keys[at + i] = this.names[i]!.id(name)));
  }

  /** Positions in load order, neighbours alike. */
  order(): Uint32Array {
    const places = this.names.map((names) => names.places());
    const keys = this.keys.slice(0, 3 * this.count).map((id, at) => places[at % 3]![id]!);
    return Uint32Array.from({ length: this.count }, (_, i) => i).sort((a, b) => {
      for (let i = 0; i < 3; i++) {
        const difference = keys[3 * a + i]! - keys[3 * b + i]!;
        if (difference !== 0) return difference;
      }
      return a - b;
    });
  }
}
