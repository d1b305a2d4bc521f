/**
 * The matrix product in WGSL: tiles of both matrices in shared memory, a tile of sums in each thread's registers, the next tiles on their way
 * while the present ones are multiplied. tfjs's own reads a transposed right side element by element, and a linear layer's weight is one.
 */
import type * as tf from "@tensorflow/tfjs";
import { float, type Kernel, type WebgpuRuntime } from "./runtime.js";

/** How a product is cut: a workgroup makes `m × n` sums, `k` at a time; a thread `threadM × threadN` of them. */
export interface Tile {
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly threadM: number;
  readonly threadN: number;
}

const TILES = {
  large: { m: 64, n: 64, k: 16, threadM: 8, threadN: 4 },
  /** Few rows: one token of some samples. */
  flat: { m: 16, n: 64, k: 32, threadM: 4, threadN: 4 },
  /** Few columns: an adapter's inner side. */
  thin: { m: 64, n: 16, k: 32, threadM: 4, threadN: 4 },
} as const satisfies Record<string, Tile>;

/** Workgroups that fill a large GPU; a product of fewer is cut along `k`, too. */
const WORKGROUPS = 512;
/** A cut along `k` is at least this long. */
const SHORTEST_CUT = 256;

/** One side of a product: values from an element on, `[rows, columns]` or, transposed, `[columns, rows]`. */
export interface Side {
  readonly of: tf.TensorInfo;
  readonly transposed: boolean;
  /** First element. */
  readonly from?: number;
}

/** The last operation on the sums. */
export interface Epilogue {
  readonly scale?: number;
  /** `[n]`, added to each row. */
  readonly bias?: tf.TensorInfo;
  /** `[m, n]`, added; from the same element on as the output. */
  readonly plus?: tf.TensorInfo;
  /** Element of the output where the result begins. */
  readonly to?: number;
}

/** `out = scale · a b + bias + plus`, for an `[m, k]` and a `[k, n]` matrix, either of them stored transposed. */
export function multiply(
  runtime: WebgpuRuntime,
  [m, n, k]: readonly [m: number, n: number, k: number],
  a: Side,
  b: Side,
  out: tf.TensorInfo,
  { scale = 1, bias, plus, to = 0 }: Epilogue = {},
): void {
  const tile = m <= 16 ? TILES.flat : n <= 32 ? TILES.thin : TILES.large;
  const [rows, columns] = [Math.ceil(m / tile.m), Math.ceil(n / tile.n)];
  const wanted = Math.ceil(WORKGROUPS / (rows * columns));
  const most = Math.min(wanted, Math.max(1, Math.floor(k / SHORTEST_CUT)));
  const length = Math.ceil(Math.ceil(k / most) / tile.k) * tile.k;
  const cuts = Math.ceil(k / length);
  const [aFrom, bFrom] = [a.from ?? 0, b.from ?? 0];
  const shape = {
    aTransposed: a.transposed,
    bTransposed: b.transposed,
    aVectors: (a.transposed ? m : k) % 4 === 0 && aFrom % 4 === 0,
    bVectors: (b.transposed ? k : n) % 4 === 0 && bFrom % 4 === 0,
  };
  const extras = [bias, plus].filter((x) => x !== undefined);
  const ends = { bias: bias !== undefined, plus: plus !== undefined };
  const numbers = [m, n, k, length, aFrom, bFrom];
  const groups = [rows, columns, cuts] as const;
  if (cuts === 1) {
    const kernel = productKernel(tile, shape, ends);
    runtime.run(kernel, [a.of, b.of, out, ...extras], [...numbers, to, float(scale)], groups);
    return;
  }
  const parts = runtime.output([cuts, m, n]);
  const kernel = productKernel(tile, shape, { bias: false, plus: false });
  runtime.run(kernel, [a.of, b.of, parts], [...numbers, 0, float(1)], groups);
  runtime.run(
    sumKernel(ends),
    [parts, out, ...extras],
    [m * n, n, cuts, to, float(scale)],
    grid(Math.ceil((m * n) / 256)),
  );
  parts.dispose();
}

/** Workgroups in a row, folded where the row would be too long. A kernel reads its number as `group.x + group.y * 32768`. */
export function grid(count: number): [x: number, y: number] {
  return count <= 32768 ? [count, 1] : [32768, Math.ceil(count / 32768)];
}

interface Ends {
  readonly bias: boolean;
  readonly plus: boolean;
}

interface ProductShape {
  readonly aTransposed: boolean;
  readonly bTransposed: boolean;
  /** Four neighbours can be read at once. */
  readonly aVectors: boolean;
  readonly bVectors: boolean;
}

const kernels = new Map<string, Kernel>();

/** One kernel for each name. */
export function named(name: string, code: () => string): Kernel {
  let kernel = kernels.get(name);
  if (kernel === undefined) kernels.set(name, (kernel = { name, code: code() }));
  return kernel;
}

function extraBindings({ bias, plus }: Ends, first: number): string {
  const lines = [];
  if (bias) lines.push(`@group(0) @binding(${first}) var<storage, read> bias: array<f32>;`);
  if (plus) lines.push(`@group(0) @binding(${first + (bias ? 1 : 0)}) var<storage, read> plus: array<f32>;`);
  return lines.join("\n");
}

function sumKernel(ends: Ends): Kernel {
  return named(
    `sum ${ends.bias} ${ends.plus}`,
    () => `
    // p: elements, columns, parts, first element of the output, scale
    @group(0) @binding(0) var<uniform> p: array<vec4<u32>, 2>;
    @group(0) @binding(1) var<storage, read> parts: array<f32>;
    @group(0) @binding(2) var<storage, read_write> out: array<f32>;
    ${extraBindings(ends, 3)}
    @compute @workgroup_size(256)
    fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) local: u32) {
      let i = (group.x + group.y * 32768u) * 256u + local;
      if (i >= p[0].x) { return; }
      var sum = 0.0;
      for (var s = 0u; s < p[0].z; s++) { sum += parts[s * p[0].x + i]; }
      sum *= bitcast<f32>(p[1].x);
      ${ends.bias ? "sum += bias[i % p[0].y];" : ""}
      ${ends.plus ? "sum += plus[p[0].w + i];" : ""}
      out[p[0].w + i] = sum;
    }`,
  );
}

const COMPONENTS = ["x", "y", "z", "w"] as const;
const upTo = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

function productKernel(tile: Tile, shape: ProductShape, ends: Ends): Kernel {
  const { aTransposed, bTransposed, aVectors, bVectors } = shape;
  const flags = [aTransposed, bTransposed, aVectors, bVectors, ends.bias, ends.plus].map(Number).join("");
  return named(`product ${tile.m} ${tile.n} ${flags}`, () => productCode(tile, shape, ends));
}

/**
 * A matrix that is contiguous along `k` lies in shared memory as `[row][k / 4]`, the other kind as `[k][row / 4]`; either way a thread reads
 * four values at once, and as many for each multiplication.
 */
function productCode(tile: Tile, shape: ProductShape, ends: Ends): string {
  const { m, n, k, threadM, threadN } = tile;
  const [across, down] = [n / threadN, m / threadM];
  const threads = across * down;
  const sideOf = (
    name: "a" | "b",
    alongK: boolean,
    size: number,
  ): { stride: number; slots: number; each: number } => {
    const slots = (size * k) / 4;
    if (slots % threads !== 0) throw new Error(`The tile does not divide among ${threads} threads: ${name}.`);
    return { stride: alongK ? k / 4 + 1 : size / 4 + 1, slots, each: slots / threads };
  };
  const aAlongK = !shape.aTransposed;
  const bAlongK = shape.bTransposed;
  const a = sideOf("a", aAlongK, m);
  const b = sideOf("b", bAlongK, n);
  const room = (side: { stride: number }, alongK: boolean, size: number): number =>
    side.stride * (alongK ? size : k);

  /** Reads four neighbours from row (or column) `r`, `k` values from `at`. */
  const reader = (
    name: "a" | "b",
    alongK: boolean,
    vectors: boolean,
    limit: string,
    from: string,
  ): string => {
    const [outer, inner, outerLimit, innerLimit, width] = alongK
      ? ["r", "at", limit, "kEnd", "p[0].z"]
      : ["at", "r", "kEnd", limit, limit];
    const one = (c: number): string =>
      `select(0.0, ${name}[${from} + ${outer} * ${width} + ${inner} + ${c}u], ${inner} + ${c}u < ${innerLimit})`;
    return `
    fn read_${name}(r: u32, at: u32, kEnd: u32) -> vec4<f32> {
      if (${outer} >= ${outerLimit} || ${inner} >= ${innerLimit}) { return vec4<f32>(); }
      return ${
        vectors
          ? `${name}[(${from} + ${outer} * ${width} + ${inner}) / 4u]`
          : `vec4<f32>(${upTo(4).map(one).join(", ")})`
      };
    }`;
  };
  /** The slot's row and k within a tile, for the i-th of a thread's slots. */
  const place = (alongK: boolean, size: number, i: number): { row: string; at: string; slot: string } => {
    const s = `(local + ${i * threads}u)`;
    return alongK
      ? {
          row: `${s} / ${k / 4}u`,
          at: `(${s} % ${k / 4}u) * 4u`,
          slot: `(${s} / ${k / 4}u) * ${k / 4 + 1}u + ${s} % ${k / 4}u`,
        }
      : {
          row: `(${s} % ${size / 4}u) * 4u`,
          at: `${s} / ${size / 4}u`,
          slot: `(${s} / ${size / 4}u) * ${size / 4 + 1}u + ${s} % ${size / 4}u`,
        };
  };
  const fetch = (
    name: "a" | "b",
    alongK: boolean,
    size: number,
    each: number,
    origin: string,
    declare: boolean,
  ): string =>
    upTo(each)
      .map((i) => {
        const { row, at } = place(alongK, size, i);
        return `${declare ? "var " : ""}${name}Next${i} = read_${name}(${origin} + ${row}, kAt + ${at}, kEnd);`;
      })
      .join("\n");
  const store = (name: "a" | "b", alongK: boolean, size: number, each: number): string =>
    upTo(each)
      .map((i) => `${name}Tile[${place(alongK, size, i).slot}] = ${name}Next${i};`)
      .join("\n");

  // Rows of a thread are neighbours when they lie in one vector, else far apart, so that neighbouring threads read neighbours.
  const rowOf = (i: number): string => (aAlongK ? `y + ${i * down}u` : `y * ${threadM}u + ${i}u`);
  const columnOf = (j: number): string =>
    bAlongK ? `x + ${j * across}u` : `(x + ${(j >> 2) * across}u) * 4u + ${j % 4}u`;
  const aValue = (i: number, kk: number): string =>
    aAlongK ? `a${i}.${COMPONENTS[kk]!}` : `a${kk}_${i >> 2}.${COMPONENTS[i % 4]!}`;
  const loads = (k4: string): string => {
    const lines: string[] = [];
    if (aAlongK)
      for (const i of upTo(threadM)) lines.push(`let a${i} = aTile[(${rowOf(i)}) * ${a.stride}u + ${k4}];`);
    else
      for (const kk of upTo(4))
        for (const i of upTo(threadM / 4))
          lines.push(
            `let a${kk}_${i} = aTile[(${k4} * 4u + ${kk}u) * ${a.stride}u + y * ${threadM / 4}u + ${i}u];`,
          );
    if (bAlongK)
      for (const j of upTo(threadN))
        lines.push(`let b${j} = bTile[(${columnOf(j)}) * ${b.stride}u + ${k4}];`);
    else
      for (const kk of upTo(4))
        for (const j of upTo(threadN / 4))
          lines.push(`let b${kk}_${j} = bTile[(${k4} * 4u + ${kk}u) * ${b.stride}u + x + ${j * across}u];`);
    return lines.join("\n");
  };
  const sums = (): string => {
    const lines: string[] = [];
    for (const kk of upTo(4)) {
      for (const i of upTo(threadM)) {
        if (bAlongK)
          for (const j of upTo(threadN))
            lines.push(`c${i}_${j} = fma(${aValue(i, kk)}, b${j}.${COMPONENTS[kk]!}, c${i}_${j});`);
        else
          for (const j of upTo(threadN / 4))
            lines.push(`c${i}_${j} = fma(vec4<f32>(${aValue(i, kk)}), b${kk}_${j}, c${i}_${j});`);
      }
    }
    return lines.join("\n");
  };
  const accumulators = bAlongK
    ? upTo(threadM).flatMap((i) => upTo(threadN).map((j) => `var c${i}_${j} = 0.0;`))
    : upTo(threadM).flatMap((i) => upTo(threadN / 4).map((j) => `var c${i}_${j} = vec4<f32>();`));
  const writes = upTo(threadM).flatMap((i) =>
    upTo(threadN).map((j) => {
      const value = bAlongK ? `c${i}_${j}` : `c${i}_${j >> 2}.${COMPONENTS[j % 4]!}`;
      return `write(rowFrom + ${rowOf(i)}, columnFrom + ${columnOf(j)}, group.z, ${value});`;
    }),
  );
  return `
  // p: m, n, k, length of a cut; first elements of a, b and the output, scale
  @group(0) @binding(0) var<uniform> p: array<vec4<u32>, 2>;
  @group(0) @binding(1) var<storage, read> a: array<${shape.aVectors ? "vec4<f32>" : "f32"}>;
  @group(0) @binding(2) var<storage, read> b: array<${shape.bVectors ? "vec4<f32>" : "f32"}>;
  @group(0) @binding(3) var<storage, read_write> out: array<f32>;
  ${extraBindings(ends, 4)}
  var<workgroup> aTile: array<vec4<f32>, ${room(a, aAlongK, m)}>;
  var<workgroup> bTile: array<vec4<f32>, ${room(b, bAlongK, n)}>;
  ${reader("a", aAlongK, shape.aVectors, "p[0].x", "p[1].x")}
  ${reader("b", bAlongK, shape.bVectors, "p[0].y", "p[1].y")}
  fn write(row: u32, column: u32, cut: u32, sum: f32) {
    if (row >= p[0].x || column >= p[0].y) { return; }
    let at = p[1].z + row * p[0].y + column;
    out[cut * p[0].x * p[0].y + at] = sum * bitcast<f32>(p[1].w)${ends.bias ? " + bias[column]" : ""}${ends.plus ? " + plus[at]" : ""};
  }
  @compute @workgroup_size(${threads})
  fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let x = local % ${across}u;
    let y = local / ${across}u;
    let rowFrom = group.x * ${m}u;
    let columnFrom = group.y * ${n}u;
    var kAt = group.z * p[0].w;
    let kEnd = min(p[0].z, kAt + p[0].w);
    ${accumulators.join("\n")}
    ${fetch("a", aAlongK, m, a.each, "rowFrom", true)}
    ${fetch("b", bAlongK, n, b.each, "columnFrom", true)}
    while (kAt < kEnd) {
      ${store("a", aAlongK, m, a.each)}
      ${store("b", bAlongK, n, b.each)}
      workgroupBarrier();
      kAt += ${k}u;
      ${fetch("a", aAlongK, m, a.each, "rowFrom", false)}
      ${fetch("b", bAlongK, n, b.each, "columnFrom", false)}
      for (var k4 = 0u; k4 < ${k / 4}u; k4++) {
        ${loads("k4")}
        ${sums()}
      }
      workgroupBarrier();
    }
    ${writes.join("\n")}
  }`;
}
