import * as tf from "@tensorflow/tfjs";
import { RunError } from "../../../base/index.js";
import { ModuleBuilder } from "./assembler.js";
import { addElementwise } from "./elementwise.js";
import { Heap } from "./heap.js";
import { addProduct, PRODUCT_SCRATCH } from "./product.js";
import { addSoftmax } from "./softmax.js";

// Neither ES2022 nor Node's types of version 20 describe WebAssembly; this is what we use of it.
interface WasmMemory {
  readonly buffer: ArrayBuffer;
}
declare const WebAssembly: {
  Memory: new (limits: { initial: number }) => WasmMemory;
  Module: new (bytes: Uint8Array) => object;
  Instance: new (module: object, imports: object) => { readonly exports: object };
};

/** The part of tfjs's WebAssembly backend that we stand on. Internal to it, which is why its version is pinned. */
interface TfjsWasmBackend extends tf.KernelBackend {
  readonly wasm: {
    readonly asm: { readonly memory: WasmMemory };
    readonly HEAPU8: Uint8Array;
    _malloc(bytes: number): number;
    _free(address: number): void;
  };
  readonly dataIdMap: { get(dataId: object): { readonly memoryOffset: number } };
  makeOutput(shape: readonly number[], dtype: tf.DataType): tf.TensorInfo;
}

type Kernel = (...args: number[]) => void;

/** Where a matrix product runs; `native` puts ONNX Runtime here. Sizes in elements, addresses in bytes. */
export type Multiply = (
  m: number,
  n: number,
  k: number,
  a: number,
  transposeA: boolean,
  b: number,
  transposeB: boolean,
  c: number,
) => void;

/**
 * Our kernels on the heap of tfjs's `wasm` backend: tensors stay where tfjs keeps them, and both read and write
 * the same memory.
 */
export class WasmRuntime {
  private readonly kernels: Record<string, Kernel>;
  private readonly areas = new Map<string, { address: number; bytes: number }>();
  private readonly productScratch: number;
  /** Replaces the product of whole matrices, when set. */
  native: Multiply | undefined;
  /** The used part of the heap. */
  readonly heap: Heap;

  constructor(private readonly backend: TfjsWasmBackend) {
    const memory = backend.wasm.asm?.memory;
    if (!(memory instanceof WebAssembly.Memory)) {
      throw new RunError(
        "This version of @tensorflow/tfjs-backend-wasm does not show its memory; install 4.22.0.",
      );
    }
    this.heap = new Heap(backend.wasm);
    const instance = new WebAssembly.Instance(compiled(), { env: { memory } });
    this.kernels = instance.exports as Record<string, Kernel>;
    this.productScratch = this.area("product", PRODUCT_SCRATCH);
  }

  /** Runs a kernel by its name. */
  run(name: string, ...args: number[]): void {
    this.kernels[name]!(...args);
  }
  /** The address of a tensor's first byte. */
  address(tensor: tf.TensorInfo): number {
    return this.backend.dataIdMap.get(tensor.dataId).memoryOffset;
  }
  /** A new tensor with undefined contents. */
  output(shape: readonly number[]): tf.Tensor {
    return tf.engine().makeTensorFromTensorInfo(this.backend.makeOutput(shape, "float32"));
  }
  /** A new tensor of zeros. */
  zeros(shape: readonly number[]): tf.Tensor {
    const out = this.output(shape);
    this.floats(this.address(out), out.size).fill(0);
    return out;
  }
  /** Working memory that lives as long as the backend, at least this large; its contents last until the name is asked for again. */
  area(name: string, bytes: number): number {
    const area = this.areas.get(name);
    if (area !== undefined && area.bytes >= bytes) return area.address;
    if (area !== undefined) this.backend.wasm._free(area.address);
    this.areas.delete(name); // what was there is gone, also when there is no room for more
    const address = this.backend.wasm._malloc(bytes);
    this.areas.set(name, { address, bytes });
    return address;
  }
  /** A view of the heap. The next allocation may grow the heap and detach it: take it, use it, drop it. */
  floats(address: number, length: number): Float32Array {
    return new Float32Array(this.backend.wasm.HEAPU8.buffer, address, length);
  }
  integers(address: number, length: number): Int32Array {
    return new Int32Array(this.backend.wasm.HEAPU8.buffer, address, length);
  }
  /** `c = a · b` for whole matrices: a is `[m, k]` (or `[k, m]` when transposed), b `[k, n]` (or `[n, k]`), c `[m, n]`. */
  multiply: Multiply = (...product) => {
    if (this.native === undefined) this.onWasm(...product);
    else this.native(...product);
  };

  /** `multiply` with our own product, whatever `native` is. */
  onWasm: Multiply = (m, n, k, a, transposeA, b, transposeB, c) => {
    this.strided(
      [m, n, k],
      [a, transposeA ? 4 : 4 * k, transposeA ? 4 * m : 4],
      [b, transposeB ? 4 : 4 * n, transposeB ? 4 * k : 4],
      [c, 4 * n],
      false,
    );
  };

  /**
   * `c = a · b` or `c += a · b` for parts of matrices, in place.
   * @param size `[m, n, k]`
   * @param a address, bytes from row to row, bytes from column to column; the same for b
   * @param c address, bytes from row to row; its columns are neighbours
   */
  strided(
    [m, n, k]: readonly [number, number, number],
    [a, aRow, aColumn]: readonly [number, number, number],
    [b, bRow, bColumn]: readonly [number, number, number],
    [c, cRow]: readonly [number, number],
    accumulate: boolean,
  ): void {
    if (k === 0 && !accumulate) for (let i = 0; i < m; i++) this.floats(c + i * cRow, n).fill(0);
    const scratch = this.productScratch;
    this.kernels["product"]!(
      m,
      n,
      k,
      a,
      aRow,
      aColumn,
      b,
      bRow,
      bColumn,
      c,
      cRow,
      accumulate ? 1 : 0,
      scratch,
    );
  }
}

let module: object | undefined;

function compiled(): object {
  if (module === undefined) {
    const builder = new ModuleBuilder();
    addProduct(builder);
    addElementwise(builder);
    addSoftmax(builder);
    module = new WebAssembly.Module(builder.encode());
  }
  return module;
}

const runtimes = new WeakMap<object, WasmRuntime>();

/** The runtime of the backend in use, or `undefined` when that is not tfjs's `wasm`. */
export function wasmRuntime(): WasmRuntime | undefined {
  if (tf.getBackend() !== "wasm") return undefined;
  const backend = tf.backend() as TfjsWasmBackend;
  let runtime = runtimes.get(backend);
  if (runtime === undefined) {
    runtime = new WasmRuntime(backend);
    runtimes.set(backend, runtime);
  }
  return runtime;
}
