/**
 * A small assembler for WebAssembly with 128-bit SIMD: expressions are values with their bytes, statements append to a
 * function. The kernels beside this file are written in it and assembled when the backend starts (about a millisecond),
 * so nothing binary is committed. Only instructions whose result is fixed by the WebAssembly
 * standard are offered (no relaxed SIMD), which is what makes every machine compute the same bits.
 * Encoding: WebAssembly Core Specification 2.0, section 5.
 */

/** The types the kernels use; `v128` is always four float32 (or four int32) lanes. */
export type Type = "i32" | "f32" | "v128";

const TYPE_CODE: Record<Type, number> = { i32: 0x7f, f32: 0x7d, v128: 0x7b };

/** An expression: its type and the instructions that leave it on the stack. Used twice, it is computed twice; see `let`. */
export class Value {
  constructor(
    readonly type: Type,
    readonly code: readonly number[],
  ) {}

  add(other: Value | number): Value {
    return this.binary({ i32: [0x6a], f32: [0x92], v128: simd(0xe4) }, other);
  }
  sub(other: Value | number): Value {
    return this.binary({ i32: [0x6b], f32: [0x93], v128: simd(0xe5) }, other);
  }
  mul(other: Value | number): Value {
    return this.binary({ i32: [0x6c], f32: [0x94], v128: simd(0xe6) }, other);
  }
  div(other: Value | number): Value {
    return this.binary({ f32: [0x95], v128: simd(0xe7) }, other);
  }
  /** The larger; where this one is NaN, NaN. */
  max(other: Value | number): Value {
    return this.binary({ f32: [0x97], v128: simd(0xeb) }, other);
  }
  /** The smaller; where this one is NaN, NaN. */
  min(other: Value | number): Value {
    return this.binary({ f32: [0x96], v128: simd(0xea) }, other);
  }
  sqrt(): Value {
    return new Value(this.type, [...this.code, ...(this.type === "f32" ? [0x91] : simd(0xe3))]);
  }
  /** Rounds to the nearest integer, ties to even. */
  nearest(): Value {
    return new Value(this.type, [...this.code, ...(this.type === "f32" ? [0x90] : simd(0x6a))]);
  }
  /** Signed comparison of integers: 1 or 0. */
  lessThan(other: Value | number): Value {
    return this.binary({ i32: [0x48] }, other);
  }
  atLeast(other: Value | number): Value {
    return this.binary({ i32: [0x4e] }, other);
  }
  /** 1 where equal, else 0 (an i32 for floats too). */
  equals(other: Value | number): Value {
    return new Value("i32", this.binary({ i32: [0x46], f32: [0x5b] }, other).code);
  }
  and(other: Value | number): Value {
    return this.binary({ i32: [0x71], v128: simd(0x4e) }, other);
  }
  or(other: Value | number): Value {
    return this.binary({ i32: [0x72], v128: simd(0x50) }, other);
  }
  /** The smaller of two signed integers. */
  least(other: Value | number): Value {
    const b = this.constant(other);
    return new Value("i32", [...this.code, ...b.code, ...this.lessThan(b).code, 0x1b]);
  }
  /** An integer as a float. */
  toFloat(): Value {
    return new Value("f32", [...this.code, 0xb2]);
  }
  /** The same number in all four lanes. */
  splat(): Value {
    return new Value("v128", [...this.code, ...simd(this.type === "f32" ? 0x13 : 0x11)]);
  }
  lane(index: 0 | 1 | 2 | 3): Value {
    return new Value("f32", [...this.code, ...simd(0x1f), index]);
  }
  /** `2^n` for four floats that hold integers in [-126, 127]: the exponent bits are written directly. */
  powerOfTwo(): Value {
    const integers = [...this.code, ...simd(0xf8)]; // i32x4.trunc_sat_f32x4_s
    const biased = [...integers, ...i32(127).splat().code, ...simd(0xae)]; // i32x4.add
    return new Value("v128", [...biased, ...i32(23).code, ...simd(0xab)]); // i32x4.shl
  }
  /** The sum of the four lanes, as (0 + 2) + (1 + 3). */
  static sumLanes(local: Value): Value {
    return local
      .lane(0)
      .add(local.lane(2))
      .add(local.lane(1).add(local.lane(3)));
  }
  static maxLanes(local: Value): Value {
    return local
      .lane(0)
      .max(local.lane(2))
      .max(local.lane(1).max(local.lane(3)));
  }

  private constant(x: Value | number): Value {
    if (typeof x !== "number") return x;
    return this.type === "i32" ? i32(x) : this.type === "f32" ? f32(x) : vec(x);
  }
  private binary(opcodes: Partial<Record<Type, number[]>>, other: Value | number): Value {
    const b = this.constant(other);
    const opcode = opcodes[this.type];
    if (opcode === undefined || b.type !== this.type)
      throw new Error(`No such operation on ${this.type} and ${b.type}.`);
    return new Value(this.type, [...this.code, ...b.code, ...opcode]);
  }
}

/** A local variable of a function. */
export class Local extends Value {
  constructor(
    type: Type,
    readonly index: number,
  ) {
    super(type, [0x20, ...unsigned(index)]);
  }
}

export const i32 = (x: number): Value => new Value("i32", [0x41, ...signed(x | 0)]);
export const f32 = (x: number): Value => new Value("f32", [0x43, ...floatBytes(x)]);
/** A constant in four lanes. */
export const vec = (x: number): Value =>
  new Value("v128", [...simd(0x0c), ...floatBytes(x), ...floatBytes(x), ...floatBytes(x), ...floatBytes(x)]);

const load = (type: Type, opcode: number[], address: Value, offset: number): Value =>
  new Value(type, [...address.code, ...opcode, 2, ...unsigned(offset)]);
/** Loads at `address + offset` bytes. */
export const loadI32 = (address: Value, offset = 0): Value => load("i32", [0x28], address, offset);
export const loadF32 = (address: Value, offset = 0): Value => load("f32", [0x2a], address, offset);
/** Four neighbouring floats. */
export const loadVec = (address: Value, offset = 0): Value => load("v128", simd(0x00), address, offset);
/** One float in all four lanes. */
export const loadSplat = (address: Value, offset = 0): Value => load("v128", simd(0x09), address, offset);
/** One float in lane 0, zeros in the others. */
export const loadLane = (address: Value, offset = 0): Value => load("v128", simd(0x5c), address, offset);
/** Four lanes chosen from the eight of a and b (0–3 are a's, 4–7 b's). */
export const shuffle = (a: Value, b: Value, lanes: readonly [number, number, number, number]): Value =>
  new Value("v128", [
    ...a.code,
    ...b.code,
    ...simd(0x0d),
    ...lanes.flatMap((lane) => [lane * 4, lane * 4 + 1, lane * 4 + 2, lane * 4 + 3]),
  ]);

/** A function under construction. */
export class FunctionBuilder {
  private readonly locals: Type[] = [];
  private readonly body: number[] = [];

  constructor(
    private readonly module: ModuleBuilder,
    private readonly parameters: readonly Type[],
  ) {}

  /** A new variable; zero when the function starts. */
  local(type: Type): Local {
    this.locals.push(type);
    return new Local(type, this.parameters.length + this.locals.length - 1);
  }
  /** A new variable that holds a value, computed once. */
  let(value: Value): Local {
    const local = this.local(value.type);
    this.set(local, value);
    return local;
  }
  set(local: Local, value: Value): void {
    if (local.type !== value.type) throw new Error(`A ${local.type} cannot hold a ${value.type}.`);
    this.body.push(...value.code, 0x21, ...unsigned(local.index));
  }
  /** Stores at `address + offset` bytes; four lanes of a vector, or one number. */
  store(address: Value, value: Value, offset = 0): void {
    const opcode = { i32: [0x36], f32: [0x38], v128: simd(0x0b) }[value.type];
    this.body.push(...address.code, ...value.code, ...opcode, 2, ...unsigned(offset));
  }
  /** Stores lane 0. */
  storeLane(address: Value, value: Value, offset = 0): void {
    this.body.push(...address.code, ...value.code, ...simd(0x5a), 2, ...unsigned(offset), 0);
  }
  /** Counts from `from` while below `to` (signed), by `step`. */
  for(counter: Local, from: Value | number, to: Value, step: Value | number, body: () => void): void {
    this.set(counter, typeof from === "number" ? i32(from) : from);
    this.while(counter.lessThan(to), () => {
      body();
      this.set(counter, counter.add(step));
    });
  }
  /** Repeats while the condition is not 0; tested before each round. */
  while(condition: Value, body: () => void): void {
    this.if(condition, () => {
      this.body.push(0x03, 0x40); // loop
      body();
      this.body.push(...condition.code, 0x0d, 0x00, 0x0b); // br_if 0, end
    });
  }
  if(condition: Value, then: () => void, otherwise?: () => void): void {
    this.body.push(...condition.code, 0x04, 0x40);
    then();
    if (otherwise !== undefined) {
      this.body.push(0x05);
      otherwise();
    }
    this.body.push(0x0b);
  }
  /** Calls another function of the module, which returns nothing. */
  call(name: string, ...args: Value[]): void {
    this.body.push(...args.flatMap((arg) => arg.code), 0x10, ...unsigned(this.module.indexOf(name)));
  }
  /** The function's entry in the code section. */
  encode(): number[] {
    const body = [
      ...unsigned(this.locals.length),
      ...this.locals.flatMap((type) => [1, TYPE_CODE[type]]),
      ...this.body,
      0x0b,
    ];
    return [...unsigned(body.length), ...body];
  }
}

/** A module that imports one memory (`env.memory`) and exports its functions, none of which returns a value. */
export class ModuleBuilder {
  private readonly functions: { name: string; parameters: readonly Type[]; builder: FunctionBuilder }[] = [];

  /** Adds a function; the keys of `parameters` become its arguments, in order. */
  function<P extends Record<string, Type>>(
    name: string,
    parameters: P,
    write: (f: FunctionBuilder, args: { [K in keyof P]: Local }) => void,
  ): void {
    const types = Object.values(parameters);
    const builder = new FunctionBuilder(this, types);
    const args = Object.fromEntries(Object.keys(parameters).map((key, i) => [key, new Local(types[i]!, i)]));
    this.functions.push({ name, parameters: types, builder });
    write(builder, args as { [K in keyof P]: Local });
  }
  indexOf(name: string): number {
    const index = this.functions.findIndex((f) => f.name === name);
    if (index < 0) throw new Error(`The module has no function ${name} yet.`);
    return index;
  }
  /** The module's bytes. */
  encode(): Uint8Array {
    const types = this.functions.map((f) => [
      0x60,
      ...unsigned(f.parameters.length),
      ...f.parameters.map((t) => TYPE_CODE[t]),
      0,
    ]);
    const memory = [...text("env"), ...text("memory"), 0x02, 0x00, 0x00];
    return Uint8Array.from([
      ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
      ...section(1, vector(types)),
      ...section(2, vector([memory])),
      ...section(3, vector(this.functions.map((_, i) => unsigned(i)))),
      ...section(7, vector(this.functions.map((f, i) => [...text(f.name), 0x00, ...unsigned(i)]))),
      ...section(10, vector(this.functions.map((f) => f.builder.encode()))),
    ]);
  }
}

const simd = (opcode: number): number[] => [0xfd, ...unsigned(opcode)];
const section = (id: number, content: number[]): number[] => [id, ...unsigned(content.length), ...content];
const vector = (items: readonly (readonly number[])[]): number[] => [
  ...unsigned(items.length),
  ...items.flat(),
];
const text = (s: string): number[] => [...unsigned(s.length), ...Array.from(s, (c) => c.charCodeAt(0))];

/** LEB128. */
function unsigned(x: number): number[] {
  const bytes: number[] = [];
  do {
    const byte = x & 0x7f;
    x >>>= 7;
    bytes.push(x === 0 ? byte : byte | 0x80);
  } while (x !== 0);
  return bytes;
}
function signed(x: number): number[] {
  const bytes: number[] = [];
  for (;;) {
    const byte = x & 0x7f;
    x >>= 7;
    if ((x === 0 && (byte & 0x40) === 0) || (x === -1 && (byte & 0x40) !== 0)) return [...bytes, byte];
    bytes.push(byte | 0x80);
  }
}
function floatBytes(x: number): number[] {
  return Array.from(new Uint8Array(Float32Array.of(x).buffer));
}
