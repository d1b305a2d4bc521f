import * as tf from "@tensorflow/tfjs";
import { RunError } from "../../../base/index.js";
import { limitPool, type BufferManager } from "./pool.js";

/** The part of tfjs's WebGPU backend that we stand on. Internal to it, which is why its version is pinned. */
interface TfjsWebgpuBackend extends tf.KernelBackend {
  readonly device: GPUDevice;
  readonly bufferManager: BufferManager;
  readonly tensorMap: { get(dataId: object): { readonly resource: GPUBuffer | null } };
  readonly commandEncoder: GPUCommandEncoder | null;
  /** The pass that commands are added to; ours and tfjs's alike. */
  computePassEncoder: GPUComputePassEncoder | null;
  dispatchCountInPass: number;
  readonly commandQueueOwnedIds: WeakSet<object>;
  uploadToGPU(dataId: object): void;
  ensureCommandEncoderReady(): void;
  endComputePassEncoder(): void;
  submitQueue(): void;
  makeTensorInfo(shape: number[], dtype: tf.DataType): tf.TensorInfo;
}

/** A program for the GPU. Binding 0 is `p`, the parameters; the others are what it is run with, in order. */
export interface Kernel {
  readonly name: string;
  /** WGSL with one entry point, `main`. */
  readonly code: string;
}

/** A number of a kernel's parameters: whole ones are put down as u32 or i32, others through {@link float}. */
export type Parameter = number | { readonly float: number };

/** A parameter that is read with `bitcast<f32>`. */
export function float(value: number): Parameter {
  return { float: value };
}

/** Free buffers beyond this many bytes are given back to the driver. */
const POOL_BYTES = 1 << 30;
/** Commands, and bytes of new tensors, that are collected before they are handed to the driver; what they let go can then be used again. */
const [BATCH, BATCH_BYTES] = [64, 1 << 28];
/** Parameter blocks that are kept; every layer and step asks for the same ones. */
const PARAMETER_BLOCKS = 2048;

/**
 * Our kernels beside tfjs's on its `webgpu` backend: they read and write the buffers in which tfjs keeps its tensors, and go into
 * the same stream of commands.
 */
export class WebgpuRuntime {
  private readonly pipelines = new Map<
    Kernel,
    { pipeline: GPUComputePipeline; layout: GPUBindGroupLayout }
  >();
  private readonly parameters = new Map<string, GPUBuffer>();
  /** Bytes of the tensors made since the last batch. */
  private fresh = 0;

  constructor(private readonly backend: TfjsWebgpuBackend) {
    if (!(backend.commandQueueOwnedIds instanceof WeakSet) || !backend.bufferManager) {
      throw new RunError(
        "This version of @tensorflow/tfjs-backend-webgpu does not show its buffers; install 4.22.0.",
      );
    }
    limitPool(backend.bufferManager, POOL_BYTES);
    tf.env().set("WEBGPU_DEFERRED_SUBMIT_BATCH_SIZE", BATCH);
  }

  /** Bytes of memory that a workgroup may share. */
  get sharedBytes(): number {
    return this.backend.device.limits.maxComputeWorkgroupStorageSize;
  }

  /** A new tensor with undefined contents. */
  output(shape: readonly number[]): tf.Tensor {
    const info = this.backend.makeTensorInfo([...shape], "float32");
    this.backend.uploadToGPU(info.dataId);
    this.fresh += 4 * info.shape.reduce((size, n) => size * n, 1);
    return tf.engine().makeTensorFromTensorInfo(info);
  }

  /** Overwrites all of a tensor's values. */
  write(tensor: tf.TensorInfo, values: Float32Array): void {
    const buffer = this.bufferOf(tensor);
    // What was asked for before must see the old ones.
    if (this.backend.commandEncoder) this.submit();
    this.backend.device.queue.writeBuffer(buffer, 0, values.buffer, values.byteOffset, values.byteLength);
  }

  /** The same values under another shape, of as many elements or fewer: the first ones. */
  view(tensor: tf.Tensor, shape: readonly number[]): tf.Tensor {
    this.backend.incRef(tensor.dataId);
    return tf
      .engine()
      .makeTensorFromTensorInfo({ dataId: tensor.dataId, shape: [...shape], dtype: tensor.dtype });
  }

  /** Whole numbers in a buffer of their own, which is kept as long as it is referenced. */
  integers(values: Int32Array): GPUBuffer {
    const buffer = this.backend.device.createBuffer({
      size: Math.max(4, values.byteLength),
      usage: GPUBufferUsage.STORAGE,
      mappedAtCreation: true,
    });
    new Int32Array(buffer.getMappedRange()).set(values);
    buffer.unmap();
    return buffer;
  }

  /**
   * Puts one run of a kernel behind what was asked for before.
   * @param bound what bindings 1, 2, … are
   * @param groups workgroups along x, y, z
   */
  run(
    kernel: Kernel,
    bound: readonly (tf.TensorInfo | GPUBuffer)[],
    parameters: readonly Parameter[],
    groups: readonly [x: number, y?: number, z?: number],
  ): void {
    const { backend } = this;
    const { pipeline, layout } = this.pipeline(kernel);
    const entries: GPUBindGroupEntry[] = [
      { binding: 0, resource: { buffer: this.parameterBlock(parameters) } },
    ];
    bound.forEach((what, i) => entries.push({ binding: i + 1, resource: { buffer: this.bufferOf(what) } }));
    const group = backend.device.createBindGroup({ layout, entries });
    backend.ensureCommandEncoderReady();
    const pass = (backend.computePassEncoder ??= backend.commandEncoder!.beginComputePass({}));
    pass.setPipeline(pipeline);
    pass.setBindGroup(0, group);
    pass.dispatchWorkgroups(...groups);
    if (++backend.dispatchCountInPass >= BATCH || this.fresh >= BATCH_BYTES) this.submit();
  }

  private submit(): void {
    this.backend.endComputePassEncoder();
    this.backend.submitQueue();
    this.fresh = 0;
  }

  private bufferOf(what: tf.TensorInfo | GPUBuffer): GPUBuffer {
    if (!("dataId" in what)) return what;
    this.backend.uploadToGPU(what.dataId);
    this.backend.commandQueueOwnedIds.add(what.dataId);
    return this.backend.tensorMap.get(what.dataId).resource!;
  }

  private pipeline(kernel: Kernel): { pipeline: GPUComputePipeline; layout: GPUBindGroupLayout } {
    let made = this.pipelines.get(kernel);
    if (made === undefined) {
      const { name: label, code } = kernel;
      const module = this.backend.device.createShaderModule({ code, label });
      const compute = { module, entryPoint: "main" };
      const pipeline = this.backend.device.createComputePipeline({ label, layout: "auto", compute });
      made = { pipeline, layout: pipeline.getBindGroupLayout(0) };
      this.pipelines.set(kernel, made);
    }
    return made;
  }

  private parameterBlock(parameters: readonly Parameter[]): GPUBuffer {
    const words = new Int32Array(4 * Math.max(1, Math.ceil(parameters.length / 4)));
    const floats = new Float32Array(words.buffer);
    parameters.forEach((value, i) => {
      if (typeof value === "number") words[i] = value;
      else floats[i] = value.float;
    });
    const key = words.join();
    let block = this.parameters.get(key);
    if (block === undefined) {
      // Forgotten ones are freed with their last use.
      if (this.parameters.size >= PARAMETER_BLOCKS) this.parameters.clear();
      block = this.backend.device.createBuffer({
        size: words.byteLength,
        usage: GPUBufferUsage.UNIFORM,
        mappedAtCreation: true,
      });
      new Int32Array(block.getMappedRange()).set(words);
      block.unmap();
      this.parameters.set(key, block);
    }
    return block;
  }
}

let runtime: WebgpuRuntime | undefined;
let runtimeBackend: tf.KernelBackend | undefined;

/** The kernels of the WebGPU backend in use, or `undefined` when another backend is. */
export function webgpuRuntime(): WebgpuRuntime | undefined {
  if (tf.getBackend() !== "webgpu") return undefined;
  const backend = tf.backend();
  if (backend !== runtimeBackend) {
    runtime = new WebgpuRuntime(backend as TfjsWebgpuBackend);
    runtimeBackend = backend;
  }
  return runtime;
}
