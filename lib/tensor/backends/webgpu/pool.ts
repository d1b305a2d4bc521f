/** The part of tfjs's buffer manager that we look into. */
export interface BufferManager {
  readonly freeBuffers: Map<string, GPUBuffer[]>;
  numFreeBuffers: number;
  numBytesAllocated: number;
  acquireBuffer(size: number, usage: number, mappedAtCreation?: boolean, reuse?: boolean): GPUBuffer;
  releaseBuffer(buffer: GPUBuffer, reuse?: boolean): void;
}

/**
 * tfjs keeps every buffer it ever made, for the next tensor of exactly that size; where sizes change all the time (rows of other
 * lengths) that fills the GPU. From now on free buffers are given back, those of the size that was longest unused first, when there are more
 * than `bytes` of them.
 */
export function limitPool(manager: BufferManager, bytes: number): void {
  /** Sizes with free buffers, the longest unused first. */
  const ages = new Map<string, number>();
  let free = 0;
  const [acquire, release] = [manager.acquireBuffer.bind(manager), manager.releaseBuffer.bind(manager)];
  manager.acquireBuffer = (size, usage, mappedAtCreation, reuse = true) => {
    const key = `${size}_${usage}`;
    if (reuse && (manager.freeBuffers.get(key)?.length ?? 0) > 0) free -= size;
    return acquire(size, usage, mappedAtCreation, reuse);
  };
  manager.releaseBuffer = (buffer, reuse = true) => {
    const { size, usage } = buffer;
    const key = `${size}_${usage}`;
    release(buffer, reuse);
    if (!reuse) return;
    free += size;
    ages.delete(key);
    ages.set(key, size);
    for (const [old, oldSize] of ages) {
      if (free <= bytes) break;
      const buffers = manager.freeBuffers.get(old) ?? [];
      while (buffers.length > 0 && free > bytes) {
        buffers.pop()!.destroy();
        free -= oldSize;
        manager.numFreeBuffers--;
        manager.numBytesAllocated -= oldSize;
      }
      if (buffers.length === 0) ages.delete(old);
    }
  };
}
