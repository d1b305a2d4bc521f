/**
 * What a cell imports, loaded the way Node loads it. TypeScript turns a cell's `import` into `require`, which cannot load a
 * package with top-level await (vega) and would load `lib` a second time beside the ES modules that `lib` itself imports. So
 * every module that a cell names is imported for real just before the cell runs, and its `require` hands that over.
 */
import { createRequire, isBuiltin } from "node:module";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { types } from "node:util";

/** A cell's `require` and how to make modules ready for it. */
export interface CellImports {
  /** Imports the modules; a failure is kept and thrown when the cell asks for that module. */
  load(specifiers: readonly string[]): Promise<void>;
  readonly require: (specifier: string) => unknown;
}

/** Imports relative to the project root. */
export function createImports(root: string): CellImports {
  const native = createRequire(path.join(root, "cell.js"));
  const loaded = new Map<string, () => unknown>();
  return {
    async load(specifiers) {
      for (const specifier of specifiers) {
        if (loaded.has(specifier) || isBuiltin(specifier) || specifier.endsWith(".json")) continue;
        try {
          const facade = facadeOf((await import(addressOf(root, specifier))) as Namespace);
          loaded.set(specifier, () => facade);
        } catch (error) {
          // Not remembered after this cell: the file may be mended and the cell run again.
          loaded.set(specifier, () => {
            loaded.delete(specifier);
            throw error;
          });
        }
      }
    },
    require: (specifier) => {
      const ready = loaded.get(specifier);
      return ready ? ready() : native(specifier);
    },
  };
}

type Namespace = Readonly<Record<string, unknown>>;

function addressOf(root: string, specifier: string): string {
  const isPath = /^\.{1,2}(\/|$)/.test(specifier) || path.isAbsolute(specifier);
  return isPath ? pathToFileURL(path.resolve(root, specifier)).href : specifier;
}

/**
 * A module as TypeScript's CommonJS output expects to find it: marked as an ES module, with live bindings. A CommonJS package
 * also lends the names that Node's static look at it has missed.
 */
function facadeOf(namespace: Namespace): Namespace {
  const facade: Record<string, unknown> = {};
  const lend = (from: Namespace, key: string): void => {
    Object.defineProperty(facade, key, { enumerable: true, configurable: true, get: () => from[key] });
  };
  const whole = namespace["default"];
  if (isObject(whole) && !types.isModuleNamespaceObject(whole))
    for (const key of Object.keys(whole)) lend(whole, key);
  for (const key of Object.keys(namespace)) lend(namespace, key);
  if (isObject(whole) && whole["__esModule"] && "default" in whole) lend(whole, "default");
  Object.defineProperty(facade, "__esModule", { value: true });
  return facade;
}

function isObject(value: unknown): value is Namespace {
  return (typeof value === "object" && value !== null) || typeof value === "function";
}
