/** Run by `probe.ts` in a process of its own: `probe-child.ts BACKEND` prints one line of JSON. */
import * as tf from "@tensorflow/tfjs";
import { messageOf, stream } from "../../base/index.js";
import { useBackend, type BackendName } from "./use.js";

/** A product that is checked number by number, then one that is timed. */
async function probe(name: BackendName): Promise<{ gflops: number } | { reason: string }> {
  await useBackend(name);
  const [m, k, n] = [37, 53, 41];
  const random = stream(0, "probe");
  const [a, b] = [m * k, k * n].map((size) => Float32Array.from({ length: size }, () => random.normal()));
  const product = tf.matMul(tf.tensor2d(a!, [m, k]), tf.tensor2d(b!, [k, n]));
  const values = await product.data();
  for (let i = 0; i < m; i++) {
    for (let j = 0; j < n; j++) {
      let sum = 0;
      for (let x = 0; x < k; x++) sum += a![i * k + x]! * b![x * n + j]!;
      if (!(Math.abs(sum - values[i * n + j]!) < 1e-3)) return { reason: `a matrix product came out wrong` };
    }
  }
  // Sizes grow until a product takes long enough to be timed; the best of a few is the machine's rather than its neighbours'.
  let gflops = 0;
  for (let size = 128; size <= 2048; size *= 2) {
    const x = tf.ones([size, size]);
    let seconds = Infinity;
    for (let trial = 0; trial < 4; trial++) {
      const start = performance.now();
      const y = tf.matMul(x, x);
      await y.data();
      y.dispose();
      seconds = Math.min(seconds, (performance.now() - start) / 1000);
    }
    x.dispose();
    gflops = Math.max(gflops, (2 * size ** 3) / seconds / 1e9);
    if (seconds > 0.05) break;
  }
  return { gflops: Math.round(gflops * 10) / 10 };
}

probe(process.argv[2] as BackendName)
  .catch((error: unknown) => ({ reason: messageOf(error) }))
  .then((result) => {
    // Graphics drivers keep threads that would hold the process open.
    process.stdout.write(`${JSON.stringify(result)}\n`, () => process.exit(0));
  });
