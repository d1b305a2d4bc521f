/** The part of ONNX's file format (onnx.proto, Protocol Buffers) that writing a graph needs. */

/** Element types of tensors, as onnx.proto numbers them. */
export const FLOAT = 1;
export const INT64 = 7;

/** An attribute's value: a whole number, or several. */
export type Attribute = number | readonly number[];

/** A message under construction: bytes in pieces, so that weights are not copied on the way. */
export class Message {
  readonly pieces: Uint8Array[] = [];
  length = 0;

  /** A field that is a whole number; a negative one takes ten bytes, as the format asks. */
  number(id: number, value: number): this {
    return this.push(Uint8Array.from([...varint(id * 8), ...varint(value)]));
  }
  /** A field that is text, bytes or another message. */
  field(id: number, content: string | Uint8Array | Message): this {
    const body = typeof content === "string" ? new TextEncoder().encode(content) : content;
    this.push(Uint8Array.from([...varint(id * 8 + 2), ...varint(body.length)]));
    if (body instanceof Message) for (const piece of body.pieces) this.push(piece);
    else this.push(body);
    return this;
  }
  bytes(): Uint8Array {
    const all = new Uint8Array(this.length);
    let at = 0;
    for (const piece of this.pieces) {
      all.set(piece, at);
      at += piece.length;
    }
    return all;
  }
  private push(piece: Uint8Array): this {
    this.pieces.push(piece);
    this.length += piece.length;
    return this;
  }
}

/** A graph under construction: nodes in the order in which they compute. */
export class Graph {
  private readonly message = new Message();
  private names = 0;

  /** Adds a node with one output and gives its name. */
  node(
    op: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, Attribute>> = {},
    output = `t${this.names++}`,
  ): string {
    const node = new Message();
    for (const input of inputs) node.field(1, input);
    node.field(2, output).field(4, op);
    for (const [name, value] of Object.entries(attributes)) {
      const attribute = new Message().field(1, name);
      if (typeof value === "number") attribute.number(3, value).number(20, 2);
      else {
        for (const one of value) attribute.number(8, one);
        attribute.number(20, 7);
      }
      node.field(5, attribute);
    }
    this.message.field(1, node);
    return output;
  }
  /** A constant of float32 numbers. */
  floats(values: Float32Array, shape: readonly number[], name = `c${this.names++}`): string {
    return this.constant(
      FLOAT,
      new Uint8Array(values.buffer, values.byteOffset, values.byteLength),
      shape,
      name,
    );
  }
  /** A constant of int64 numbers; a scalar without a shape. */
  integers(values: readonly number[], shape: readonly number[] = [values.length]): string {
    const bytes = new Uint8Array(BigInt64Array.from(values, BigInt).buffer);
    return this.constant(INT64, bytes, shape, `c${this.names++}`);
  }
  /** Declares an input; dimensions with a name may have any size. */
  input(name: string, type: number, shape: readonly (string | number)[]): string {
    this.message.field(11, valueInfo(name, type, shape));
    return name;
  }
  output(name: string, type: number, shape: readonly (string | number)[]): void {
    this.message.field(12, valueInfo(name, type, shape));
  }
  /** The whole file, for a version of ONNX's own operators. */
  model(opset: number): Uint8Array {
    return new Message()
      .number(1, 8) // version of the format
      .field(2, "aisle")
      .field(7, this.message.field(2, "decoder"))
      .field(8, new Message().field(1, "").number(2, opset))
      .bytes();
  }

  private constant(type: number, raw: Uint8Array, shape: readonly number[], name: string): string {
    const tensor = new Message();
    for (const size of shape) tensor.number(1, size);
    this.message.field(5, tensor.number(2, type).field(8, name).field(9, raw));
    return name;
  }
}

function valueInfo(name: string, type: number, shape: readonly (string | number)[]): Message {
  const dimensions = new Message();
  for (const size of shape) {
    dimensions.field(
      1,
      typeof size === "number" ? new Message().number(1, size) : new Message().field(2, size),
    );
  }
  const tensor = new Message().number(1, type).field(2, dimensions);
  return new Message().field(1, name).field(2, new Message().field(1, tensor));
}

function varint(value: number): number[] {
  const bytes: number[] = [];
  let left = BigInt.asUintN(64, BigInt(value));
  for (; left > 127n; left >>= 7n) bytes.push(Number(left & 127n) | 128);
  return [...bytes, Number(left)];
}
