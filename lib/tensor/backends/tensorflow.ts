import { InputError, messageOf } from "../../base/index.js";

/** The packages that give the backend, the one with CUDA first. */
const PACKAGES = ["@tensorflow/tfjs-node-gpu", "@tensorflow/tfjs-node"] as const;

/**
 * Loads TensorFlow's C library through tfjs-node-gpu, else tfjs-node.
 * @throws InputError when neither is installed or can be loaded.
 */
export async function loadTensorflow(): Promise<void> {
  const reasons: string[] = [];
  restoreIsNullOrUndefined(await import("node:util"));
  for (const name of PACKAGES) {
    try {
      const module = (await import(name)) as { version?: Record<string, string>; default?: object };
      const version = module.version ?? (module.default as typeof module | undefined)?.version;
      // The name may be an alias of plain tfjs (danfojs asks for it): that has no TensorFlow inside.
      if (version !== undefined && "tfjs-node" in version) return;
      reasons.push(`${name} is plain tfjs here`);
    } catch (error) {
      reasons.push(`${name}: ${messageOf(error).split("\n")[0]}`);
    }
  }
  throw new InputError(
    `The backend tensorflow is not present (${reasons.join("; ")}); run "npx aisle setup gpu", or use wasm.`,
  );
}

/** tfjs-node 4.22 calls `util.isNullOrUndefined`, which Node 23 removed. */
function restoreIsNullOrUndefined(util: object): void {
  const target = ("default" in util ? util.default : util) as Record<string, unknown>;
  target["isNullOrUndefined"] ??= (x: unknown): boolean => x === null || x === undefined;
}
