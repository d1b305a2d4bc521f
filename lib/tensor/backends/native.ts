import { InputError, messageOf } from "../../base/index.js";
import { wasmRuntime, type Multiply } from "./wasm/runtime.js";

/** The used part of `onnxruntime-node/dist/binding.js`, which is internal: hence the pinned version, and `wasm` where it is missing. */
interface Binding {
  readonly binding: {
    readonly InferenceSession: new () => {
      loadModel(model: ArrayBufferLike, offset: number, length: number, options: object): void;
      run(feeds: Record<string, object>, fetches: Record<string, object | null>, options: object): object;
    };
  };
  initOrt(): void;
}
type OrtTensor = new (type: "float32", data: Float32Array, dims: readonly number[]) => object;

/** Fewer multiplications than this are done on `wasm`: the call would cost more than it saves. */
const SMALL = 1 << 17;

let product: Multiply | undefined;

/**
 * Lets ONNX Runtime do the large products of the `wasm` backend, on one thread (products of a small model lose more to
 * synchronisation than a second thread brings), reading and writing tfjs's heap in place.
 * @throws InputError when onnxruntime-node is not usable here.
 */
export async function enableNative(): Promise<void> {
  const runtime = wasmRuntime()!;
  product ??= await loadProduct();
  runtime.native = product;
}

/** Back to the products of `wasm`. */
export function disableNative(): void {
  const runtime = wasmRuntime();
  if (runtime !== undefined) runtime.native = undefined;
}

async function loadProduct(): Promise<Multiply> {
  let binding: Binding;
  let Tensor: OrtTensor;
  try {
    // A name in a variable: the internal module has no types to be found by.
    const internal: string = "onnxruntime-node/dist/binding.js";
    const loaded = (await import(internal)) as Binding & { default?: Binding };
    binding = loaded.default ?? loaded;
    Tensor = ((await import("onnxruntime-node")) as unknown as { Tensor: OrtTensor }).Tensor;
    binding.initOrt();
  } catch (error) {
    throw new InputError(
      `The backend native is not present: onnxruntime-node cannot be loaded here (${messageOf(error).split("\n")[0]}); use wasm.`,
    );
  }
  // One session for each way of reading the sides: transA + 2 · transB.
  const sessions = [0, 1, 2, 3].map((which) => {
    const session = new binding.binding.InferenceSession();
    const model = fusedMatMul((which & 1) !== 0, (which & 2) !== 0);
    session.loadModel(model.buffer, model.byteOffset, model.byteLength, {
      intraOpNumThreads: 1,
      interOpNumThreads: 1,
      executionMode: "sequential",
    });
    return session;
  });
  return (m, n, k, a, transposeA, b, transposeB, c) => {
    const runtime = wasmRuntime()!;
    if (m * n * k < SMALL) {
      runtime.onWasm(m, n, k, a, transposeA, b, transposeB, c);
      return;
    }
    const feeds = {
      A: new Tensor("float32", runtime.floats(a, m * k), transposeA ? [k, m] : [m, k]),
      B: new Tensor("float32", runtime.floats(b, k * n), transposeB ? [n, k] : [k, n]),
    };
    const Y = new Tensor("float32", runtime.floats(c, m * n), [m, n]);
    sessions[(transposeA ? 1 : 0) + (transposeB ? 2 : 0)]!.run(feeds, { Y }, {});
  };
}

/** An ONNX model of one node, `Y = op(A) · op(B)` by `com.microsoft.FusedMatMul`, as onnx.proto lays it out. */
export function fusedMatMul(transposeA: boolean, transposeB: boolean): Uint8Array {
  const attribute = (name: string, value: boolean): number[] => [
    ...field(1, name),
    ...number(3, value ? 1 : 0),
    ...number(20, 2), // an INT
  ];
  const matrix = (name: string): number[] => {
    const shape = [`${name}0`, `${name}1`].flatMap((dimension) => field(1, field(2, dimension)));
    return [...field(1, name), ...field(2, field(1, [...number(1, 1), ...field(2, shape)]))];
  };
  const node = [
    ...field(1, "A"),
    ...field(1, "B"),
    ...field(2, "Y"),
    ...field(4, "FusedMatMul"),
    ...field(5, attribute("transA", transposeA)),
    ...field(5, attribute("transB", transposeB)),
    ...field(7, "com.microsoft"),
  ];
  const graph = [
    ...field(1, node),
    ...field(2, "product"),
    ...field(11, matrix("A")),
    ...field(11, matrix("B")),
    ...field(12, matrix("Y")),
  ];
  const opset = (domain: string, version: number): number[] => [...field(1, domain), ...number(2, version)];
  return Uint8Array.from([
    ...number(1, 8), // version of the format
    ...field(7, graph),
    ...field(8, opset("", 13)),
    ...field(8, opset("com.microsoft", 1)),
  ]);
}

/** Protocol Buffers: a length-delimited field (all of ours are shorter than 16 KB) and a small number. */
function field(id: number, content: string | readonly number[]): number[] {
  const bytes = typeof content === "string" ? Array.from(content, (c) => c.charCodeAt(0)) : content;
  const length = bytes.length < 128 ? [bytes.length] : [(bytes.length & 127) | 128, bytes.length >> 7];
  return [...tag(id, 2), ...length, ...bytes];
}
function number(id: number, value: number): number[] {
  return [...tag(id, 0), value];
}
function tag(id: number, type: 0 | 2): number[] {
  const key = id * 8 + type;
  return key < 128 ? [key] : [(key & 127) | 128, key >> 7];
}
