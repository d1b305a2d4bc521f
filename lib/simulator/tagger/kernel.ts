/**
 * The loops that take the tagger's time, as WebAssembly: four numbers at once make them some ten times as fast as
 * JavaScript. Multiplications and additions are separate instructions, each rounded to single precision: the same
 * bits on every machine.
 *
 * A matrix comes in panels of 12 outputs: three vectors of four for each input, one after the other. In a maxout layer the
 * three are the pieces of four units, of which the greatest is kept.
 */
import {
  constant,
  type Function,
  get,
  I32,
  lane,
  load,
  loadSplat,
  moduleOf,
  move,
  OP,
  repeat,
  set,
  store,
  V128,
} from "./assembler.js";
import { PIECES, WIDTH } from "./model.js";

/** The part of JavaScript's WebAssembly that is used; Node's types do not declare it. */
declare const WebAssembly: {
  readonly Memory: new (size: { readonly initial: number }) => { readonly buffer: ArrayBuffer };
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (
    module: object,
    imports: Readonly<Record<string, Readonly<Record<string, unknown>>>>,
  ) => { readonly exports: Readonly<Record<string, unknown>> };
};

/** Outputs of a panel. */
export const PANEL = 12;
/** Panels of a maxout layer. */
export const PANELS = (WIDTH * PIECES) / PANEL;
/** Bytes from one row to the next, also where a window of three rows is read. */
const ROW = WIDTH * 4;
const VECTOR = 16;
/** Vectors in a row. */
const VECTORS = ROW / VECTOR;
/** Rows multiplied at once, at most: nine sums, three factors and a weight fill the sixteen registers. */
const MOST_ROWS = 3;
/** Added to the variance. */
const SMALL = 1e-8;

/**
 * Multiplies blocks of rows with one panel. Places are in bytes in the kernel's memory.
 * @param rows where the first row of inputs begins; the next begin WIDTH numbers further on.
 * @param panel [input][12].
 * @param bias 12 numbers.
 * @param out where the first row of results goes, WIDTH numbers before the next.
 * @param inputs numbers that each row has.
 * @param blocks how many blocks, at least one.
 */
export type Multiply = (
  rows: number,
  panel: number,
  bias: number,
  out: number,
  inputs: number,
  blocks: number,
) => void;

/** The compiled loops. */
export interface Kernel {
  readonly memory: { readonly buffer: ArrayBuffer };
  /** Keeps the greatest of three pieces: four results. For blocks of one, two and three rows. */
  readonly maxout: readonly Multiply[];
  /** Keeps all twelve results. */
  readonly plain: readonly Multiply[];
  /** Adds the products of left neighbours, middles and right neighbours, and keeps the greatest of three pieces: one row. */
  readonly addThree: (left: number, middle: number, right: number, out: number) => void;
  /** Normalises rows to mean 0 and variance 1, gains and shifts them, and adds the rows at `residual`. */
  readonly normalise: (rows: number, residual: number, gain: number, shift: number, count: number) => void;
}

/** Compiles the kernel with a memory of this many bytes. */
export function compileKernel(bytes: number): Kernel {
  const memory = new WebAssembly.Memory({ initial: Math.ceil(bytes / 65_536) });
  const heights = Array.from({ length: MOST_ROWS }, (_, i) => i + 1);
  const functions = [
    ...heights.flatMap((rows) => [multiply(rows, true), multiply(rows, false)]),
    addThree(),
    normalise(),
  ];
  const module = new WebAssembly.Module(moduleOf(functions));
  const { exports } = new WebAssembly.Instance(module, { "": { memory } });
  return {
    memory,
    maxout: heights.map((rows) => exports[`maxout${rows}`] as Multiply),
    plain: heights.map((rows) => exports[`plain${rows}`] as Multiply),
    addThree: exports["addThree"] as Kernel["addThree"],
    normalise: exports["normalise"] as Kernel["normalise"],
  };
}

function each(count: number, make: (i: number) => readonly number[]): number[] {
  return Array.from({ length: count }, (_, i) => make(i)).flat();
}

function multiply(rows: number, maxout: boolean): Function {
  const [ROWS, MATRIX, BIAS, OUT, INPUTS, BLOCKS] = [0, 1, 2, 3, 4, 5] as const;
  const [inputAt, panelAt, left, firstSum] = [6, 7, 8, 9] as const;
  const sum = (row: number, piece: number): number => firstSum + row * 3 + piece;
  const factor = (row: number): number => firstSum + rows * 3 + row;
  const weight = firstSum + rows * 4;
  // All rows' factors first, then one weight at a time: a tenth faster, seen in V8, than three weights first.
  const perInput = [
    ...each(rows, (row) => [...loadSplat(inputAt, row * ROW), ...set(factor(row))]),
    ...each(3, (piece) => [
      ...[...load(panelAt, piece * VECTOR), ...set(weight)],
      ...each(rows, (row) => [
        ...[...get(sum(row, piece)), ...get(factor(row)), ...get(weight)],
        ...[...OP.multiply, ...OP.add, ...set(sum(row, piece))],
      ]),
    ]),
    ...move(inputAt, 4),
    ...move(panelAt, 3 * VECTOR),
  ];
  const results = each(rows, (row) => {
    const pieces = [0, 1, 2].map((piece) => get(sum(row, piece)));
    if (!maxout) return pieces.flatMap((piece, i) => store(OUT, row * ROW + i * VECTOR, piece));
    return store(OUT, row * ROW, [...pieces[0]!, ...pieces[1]!, ...OP.greater, ...pieces[2]!, ...OP.greater]);
  });
  const perBlock = [
    ...each(rows, (row) => each(3, (piece) => [...load(BIAS, piece * VECTOR), ...set(sum(row, piece))])),
    ...[...get(ROWS), ...set(inputAt), ...get(MATRIX), ...set(panelAt), ...get(INPUTS), ...set(left)],
    ...repeat(left, perInput),
    ...results,
    ...[...move(ROWS, rows * ROW), ...move(OUT, rows * ROW)],
  ];
  return {
    name: `${maxout ? "maxout" : "plain"}${rows}`,
    parameters: 6,
    locals: [
      [3, I32],
      [rows * 4 + 1, V128],
    ],
    code: repeat(BLOCKS, perBlock),
  };
}

function addThree(): Function {
  const [LEFT, MIDDLE, RIGHT, OUT] = [0, 1, 2, 3] as const;
  const piece = (offset: number): number[] => [
    ...[...load(LEFT, offset), ...load(MIDDLE, offset), ...OP.add],
    ...[...load(RIGHT, offset), ...OP.add],
  ];
  const code = each(PANELS, (panel) => {
    const at = panel * PANEL * 4;
    const pieces = [piece(at), piece(at + VECTOR), piece(at + 2 * VECTOR)];
    return store(OUT, panel * VECTOR, [
      ...pieces[0]!,
      ...pieces[1]!,
      ...OP.greater,
      ...pieces[2]!,
      ...OP.greater,
    ]);
  });
  return { name: "addThree", parameters: 4, locals: [], code };
}

function normalise(): Function {
  const [ROWS, RESIDUAL, GAIN, SHIFT, COUNT] = [0, 1, 2, 3, 4] as const;
  const [total, mean, scale, distance] = [5, 6, 7, 8] as const;
  const sumOfLanes = [
    ...[...get(total), ...lane(0), ...get(total), ...lane(1), ...OP.addF32],
    ...[...get(total), ...lane(2), ...get(total), ...lane(3), ...OP.addF32, ...OP.addF32],
  ];
  const zero = [...constant(0), ...OP.splat, ...set(total)];
  const perRow = [
    ...zero,
    ...each(VECTORS, (i) => [...get(total), ...load(ROWS, i * VECTOR), ...OP.add, ...set(total)]),
    ...[...sumOfLanes, ...constant(1 / WIDTH), ...OP.multiplyF32, ...OP.splat, ...set(mean)],
    ...zero,
    ...each(VECTORS, (i) => [
      ...[...load(ROWS, i * VECTOR), ...get(mean), ...OP.subtract, ...set(distance)],
      ...[...get(total), ...get(distance), ...get(distance), ...OP.multiply, ...OP.add, ...set(total)],
    ]),
    ...[...constant(1), ...sumOfLanes, ...constant(1 / WIDTH), ...OP.multiplyF32, ...constant(SMALL)],
    ...[...OP.addF32, ...OP.rootF32, ...OP.divideF32, ...OP.splat, ...set(scale)],
    ...each(VECTORS, (i) =>
      store(ROWS, i * VECTOR, [
        ...[...load(ROWS, i * VECTOR), ...get(mean), ...OP.subtract, ...get(scale), ...OP.multiply],
        ...[...load(GAIN, i * VECTOR), ...OP.multiply, ...load(SHIFT, i * VECTOR), ...OP.add],
        ...[...load(RESIDUAL, i * VECTOR), ...OP.add],
      ]),
    ),
    ...[...move(ROWS, ROW), ...move(RESIDUAL, ROW)],
  ];
  return { name: "normalise", parameters: 5, locals: [[4, V128]], code: repeat(COUNT, perRow) };
}
