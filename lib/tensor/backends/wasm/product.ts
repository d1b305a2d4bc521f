import {
  i32,
  loadF32,
  loadSplat,
  loadVec,
  shuffle,
  type Local,
  type ModuleBuilder,
  type Value,
} from "./assembler.js";

/**
 * The matrix product, after Goto & van de Geijn (2008): both sides are packed into narrow strips that stay in cache, and a
 * tile of 4 × 8 results lives in registers while k runs. Every result is the plain sum over k in rising order, whatever the
 * sizes: row i of a product has the same bits alone as in any batch.
 */

/** Depth of a packed block: 4 · 384 and 8 · 384 floats are both well inside a first-level cache. */
const DEPTH = 384;
/** Columns of a packed block of the right side: 384 · 512 floats stay in a second-level cache. */
const COLUMNS = 512;

const TILE_BYTES = 4 * 8 * 4;
const LEFT_BYTES = 4 * DEPTH * 4;
/** Working memory of `product`, bytes. */
export const PRODUCT_SCRATCH = TILE_BYTES + LEFT_BYTES + DEPTH * COLUMNS * 4;

/**
 * Adds `pack` and `product`. Strides are in bytes; `accumulate` ≠ 0 adds to what `c` holds.
 */
export function addProduct(module: ModuleBuilder): void {
  addPack(module);
  addTile(module);
  module.function(
    "product",
    {
      m: "i32",
      n: "i32",
      k: "i32",
      a: "i32",
      aRow: "i32",
      aColumn: "i32",
      b: "i32",
      bRow: "i32",
      bColumn: "i32",
      c: "i32",
      cRow: "i32",
      accumulate: "i32",
      scratch: "i32",
    },
    (f, p) => {
      const [i, j, k0, n0] = [f.local("i32"), f.local("i32"), f.local("i32"), f.local("i32")];
      const [depth, columns, add, panel] = [f.local("i32"), f.local("i32"), f.local("i32"), f.local("i32")];
      const [rows, width, target, at] = [f.local("i32"), f.local("i32"), f.local("i32"), f.local("i32")];
      const tile = p.scratch;
      const byRows = (rows: Value, then: (count: 1 | 2 | 3 | 4) => void): void => {
        f.if(
          rows.atLeast(4),
          () => then(4),
          () => {
            const few = (count: 1 | 2 | 3): void => f.if(rows.equals(count), () => then(count));
            few(1);
            few(2);
            few(3);
          },
        );
      };
      const left = f.let(p.scratch.add(TILE_BYTES));
      const right = f.let(p.scratch.add(TILE_BYTES + LEFT_BYTES));
      f.for(k0, 0, p.k, DEPTH, () => {
        f.set(depth, p.k.sub(k0).least(DEPTH));
        f.set(add, p.accumulate.or(i32(0).lessThan(k0)));
        f.for(n0, 0, p.n, COLUMNS, () => {
          f.set(columns, p.n.sub(n0).least(COLUMNS));
          f.set(panel, right);
          f.for(j, 0, columns, 8, () => {
            f.set(at, p.b.add(k0.mul(p.bRow)).add(n0.add(j).mul(p.bColumn)));
            f.set(width, columns.sub(j));
            f.call("pack", at, p.bColumn, p.bRow, width, depth, panel, i32(32));
            f.call(
              "pack",
              at.add(p.bColumn.mul(4)),
              p.bColumn,
              p.bRow,
              width.sub(4),
              depth,
              panel.add(16),
              i32(32),
            );
            f.set(panel, panel.add(depth.mul(32)));
          });
          f.for(i, 0, p.m, 4, () => {
            f.set(rows, p.m.sub(i));
            f.call(
              "pack",
              p.a.add(i.mul(p.aRow)).add(k0.mul(p.aColumn)),
              p.aRow,
              p.aColumn,
              rows,
              depth,
              left,
              i32(16),
            );
            f.set(panel, right);
            f.set(target, p.c.add(i.mul(p.cRow)).add(n0.mul(4)));
            f.for(j, 0, columns, 8, () => {
              f.set(width, columns.sub(j));
              f.if(
                width.atLeast(8),
                () =>
                  byRows(rows, (count) => f.call(`tile${count}`, left, panel, depth, target, p.cRow, add)),
                () => {
                  // Fewer columns than eight are computed in a tile beside the matrix, of which only the inside is copied.
                  f.if(add, () => f.call("copyTile", target, p.cRow, tile, i32(32), rows, width));
                  f.call("tile4", left, panel, depth, tile, i32(32), add);
                  f.call("copyTile", tile, i32(32), target, p.cRow, rows, width);
                },
              );
              f.set(panel, panel.add(depth.mul(32)));
              f.set(target, target.add(32));
            });
          });
        });
      });
    },
  );
}

/**
 * `pack`: `to[k][0…3] = from[0…3][k]` for a strip of four rows (or of as many as `width` leaves, the rest zeros), where
 * `across` is the stride from row to row of the strip and `along` from k to k.
 */
function addPack(module: ModuleBuilder): void {
  module.function(
    "pack",
    { from: "i32", across: "i32", along: "i32", width: "i32", depth: "i32", to: "i32", step: "i32" },
    (f, p) => {
      const k = f.local("i32");
      const at = f.let(p.from);
      const into = f.let(p.to);
      const wide = p.width.atLeast(4);
      const advance = (count: number): void => {
        f.set(at, at.add(count === 1 ? p.along : p.along.mul(count)));
        f.set(into, into.add(p.step.mul(count)));
      };
      const wholeVectors = (): void => {
        f.for(k, 0, p.depth, 1, () => {
          f.store(into, loadVec(at));
          advance(1);
        });
      };
      const transposed = (): void => {
        const [a2, a3] = [f.let(p.across.mul(2)), f.let(p.across.mul(3))];
        const row: Local[] = [f.local("v128"), f.local("v128"), f.local("v128"), f.local("v128")];
        const half: Local[] = [f.local("v128"), f.local("v128"), f.local("v128"), f.local("v128")];
        const starts = (): Value[] => [at, at.add(p.across), at.add(a2), at.add(a3)];
        f.for(k, 0, p.depth.sub(3), 4, () => {
          starts().forEach((start, r) => f.set(row[r]!, loadVec(start)));
          f.set(half[0]!, shuffle(row[0]!, row[1]!, [0, 4, 1, 5]));
          f.set(half[1]!, shuffle(row[2]!, row[3]!, [0, 4, 1, 5]));
          f.set(half[2]!, shuffle(row[0]!, row[1]!, [2, 6, 3, 7]));
          f.set(half[3]!, shuffle(row[2]!, row[3]!, [2, 6, 3, 7]));
          f.store(into, shuffle(half[0]!, half[1]!, [0, 1, 4, 5]));
          f.store(into.add(p.step), shuffle(half[0]!, half[1]!, [2, 3, 6, 7]));
          f.store(into.add(p.step.mul(2)), shuffle(half[2]!, half[3]!, [0, 1, 4, 5]));
          f.store(into.add(p.step.mul(3)), shuffle(half[2]!, half[3]!, [2, 3, 6, 7]));
          advance(4);
        });
        f.while(k.lessThan(p.depth), () => {
          starts().forEach((start, r) => f.store(into, loadF32(start), r * 4));
          advance(1);
          f.set(k, k.add(1));
        });
      };
      const narrow = (): void => {
        f.for(k, 0, p.depth, 1, () => {
          f.store(into, i32(0).splat());
          f.if(i32(0).lessThan(p.width), () => f.store(into, loadF32(at)));
          f.if(i32(1).lessThan(p.width), () => f.store(into, loadF32(at.add(p.across)), 4));
          f.if(i32(2).lessThan(p.width), () => f.store(into, loadF32(at.add(p.across.mul(2))), 8));
          advance(1);
        });
      };
      f.if(
        wide,
        () => {
          f.if(p.across.equals(4), wholeVectors, () => {
            f.if(p.along.equals(4), transposed, () => {
              f.for(k, 0, p.depth, 1, () => {
                [0, 1, 2, 3].forEach((r) => f.store(into, loadF32(at.add(p.across.mul(r))), r * 4));
                advance(1);
              });
            });
          });
        },
        narrow,
      );
    },
  );
}

/** `tile4`: 4 × 8 results from packed strips, `tile1` to `tile3`: fewer rows of the same; and `copyTile`: the inside of an edge. */
function addTile(module: ModuleBuilder): void {
  for (const rows of [1, 2, 3, 4]) {
    module.function(
      `tile${rows}`,
      { a: "i32", b: "i32", depth: "i32", c: "i32", cRow: "i32", add: "i32" },
      (f, p) => {
        const sums = Array.from({ length: 2 * rows }, () => f.local("v128"));
        const rowAt = Array.from({ length: rows }, (_, r) => (r === 0 ? p.c : f.let(p.c.add(p.cRow.mul(r)))));
        f.if(p.add, () => {
          sums.forEach((sum, s) => f.set(sum, loadVec(rowAt[s >> 1]!, (s & 1) * 16)));
        });
        const [a, b, k] = [f.let(p.a), f.let(p.b), f.local("i32")];
        const [b0, b1, splat] = [f.local("v128"), f.local("v128"), f.local("v128")];
        // Not unrolled here: V8 unrolls so short a loop itself, and keeps the sums in registers better than when we do.
        f.for(k, 0, p.depth, 1, () => {
          f.set(b0, loadVec(b));
          f.set(b1, loadVec(b, 16));
          for (let r = 0; r < rows; r++) {
            f.set(splat, loadSplat(a, r * 4));
            f.set(sums[r * 2]!, sums[r * 2]!.add(splat.mul(b0)));
            f.set(sums[r * 2 + 1]!, sums[r * 2 + 1]!.add(splat.mul(b1)));
          }
          f.set(a, a.add(16));
          f.set(b, b.add(32));
        });
        sums.forEach((sum, s) => f.store(rowAt[s >> 1]!, sum, (s & 1) * 16));
      },
    );
  }
  module.function(
    "copyTile",
    { from: "i32", fromRow: "i32", to: "i32", toRow: "i32", rows: "i32", width: "i32" },
    (f, p) => {
      const [r, x] = [f.local("i32"), f.local("i32")];
      const rows = f.let(p.rows.least(4));
      const bytes = f.let(p.width.least(8).mul(4));
      f.for(r, 0, rows, 1, () => {
        f.for(x, 0, bytes, 4, () => {
          f.store(p.to.add(r.mul(p.toRow)).add(x), loadF32(p.from.add(r.mul(p.fromRow)).add(x)));
        });
      });
    },
  );
}
