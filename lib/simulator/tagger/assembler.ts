/** WebAssembly's binary format (webassembly.github.io/spec/core/binary), as far as the tagger's kernel needs it. */

/** Types of parameters and locals. */
export const I32 = 0x7f;
export const V128 = 0x7b;

/** Instructions without operands. */
export const OP = {
  addI32: [0x6a],
  addF32: [0x92],
  multiplyF32: [0x94],
  divideF32: [0x95],
  rootF32: [0x91],
  splat: [0xfd, 0x13],
  add: [0xfd, 0xe4, 0x01],
  subtract: [0xfd, 0xe5, 0x01],
  multiply: [0xfd, 0xe6, 0x01],
  greater: [0xfd, 0xe9, 0x01],
} as const;

/** A function: parameters (all addresses and counts), more locals as runs of a type, and its instructions. */
export interface Function {
  readonly name: string;
  readonly parameters: number;
  readonly locals: readonly (readonly [count: number, type: number])[];
  readonly code: readonly number[];
}

/** Reads a local. */
export const get = (local: number): number[] => [0x20, ...unsigned(local)];
/** Writes a local from the stack. */
export const set = (local: number): number[] => [0x21, ...unsigned(local)];
/** Moves an address on by some bytes. */
export const move = (local: number, bytes: number): number[] => [
  ...[...get(local), 0x41, ...signed(bytes), ...OP.addI32, ...set(local)],
];
/** Four numbers at an address, some bytes on. */
export const load = (local: number, offset: number): number[] => [
  ...[...get(local), 0xfd, 0x00, 4, ...unsigned(offset)],
];
/** One number at an address, some bytes on, four times. */
export const loadSplat = (local: number, offset: number): number[] => [
  ...[...get(local), 0xfd, 0x09, 2, ...unsigned(offset)],
];
/** Stores four numbers. */
export const store = (local: number, offset: number, value: readonly number[]): number[] => [
  ...[...get(local), ...value, 0xfd, 0x0b, 4, ...unsigned(offset)],
];
/** One of the four numbers on the stack. */
export const lane = (index: number): number[] => [0xfd, 0x1f, index];
/** A single-precision number. */
export const constant = (value: number): number[] => [0x43, ...new Uint8Array(Float32Array.of(value).buffer)];
/** Repeats instructions while a local, counted down, is not yet zero: at least once. */
export const repeat = (counter: number, body: readonly number[]): number[] => [
  ...[0x03, 0x40, ...body, ...get(counter), 0x41, ...signed(-1), ...OP.addI32],
  ...[0x22, ...unsigned(counter), 0x0d, 0, 0x0b],
];

/** A module that imports a memory (module "", name "memory") and exports the functions. */
export function moduleOf(functions: readonly Function[]): Uint8Array<ArrayBuffer> {
  const types = functions.map(({ parameters }) => [
    0x60,
    ...list(Array<number[]>(parameters).fill([I32])),
    0,
  ]);
  const bodies = functions.map(({ locals, code }) => {
    const body = [...list(locals.map(([count, type]) => [...unsigned(count), type])), ...code, 0x0b];
    return [...unsigned(body.length), ...body];
  });
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, types),
    ...section(2, [[0, ...text("memory"), 2, 0, 1]]),
    ...section(3, [...functions.keys()].map(unsigned)),
    ...section(
      7,
      [...functions.entries()].map(([i, { name }]) => [...text(name), 0, ...unsigned(i)]),
    ),
    ...section(10, bodies),
  ]);
}

function section(id: number, entries: readonly (readonly number[])[]): number[] {
  const content = list(entries);
  return [id, ...unsigned(content.length), ...content];
}

function list(entries: readonly (readonly number[])[]): number[] {
  return [...unsigned(entries.length), ...entries.flat()];
}

function text(name: string): number[] {
  return [name.length, ...new TextEncoder().encode(name)];
}

/** LEB128. */
function unsigned(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 0x80; rest >>>= 7) bytes.push((rest & 0x7f) | 0x80);
  return [...bytes, rest];
}

/** Signed LEB128. */
function signed(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  for (; rest < -0x40 || rest >= 0x40; rest >>= 7) bytes.push((rest & 0x7f) | 0x80);
  return [...bytes, rest & 0x7f];
}
