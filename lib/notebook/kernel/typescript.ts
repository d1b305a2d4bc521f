/** The project's own TypeScript. */
import { createRequire } from "node:module";
import path from "node:path";
import type * as TypeScript from "typescript";

/** The compiler's interface, as a value. */
export type Ts = typeof TypeScript;

/** Loads TypeScript from the project at `root`: by `require`, since Node's look through its nine megabytes for exports takes long. */
export function loadTypeScript(root: string): Ts {
  return createRequire(path.join(root, "package.json"))("typescript") as Ts;
}
