/**
 * The imports of a cell, loaded the way Node loads them: the very modules that `lib`, the command line and the tests use, packages
 * with top-level await included. A module is handed over with live bindings.
 */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { types } from "node:util";
import type { CellImport } from "./emit.js";

/** A module as cells see it. */
export type CellModule = Readonly<Record<string, unknown>>;

/** Loads modules for cells. */
export interface CellImports {
  /**
   * Loads a cell's modules, in order.
   * @throws what the module throws, with the line of the import in the cell as `importLine`.
   */
  load(imports: readonly CellImport[]): Promise<CellModule[]>;
  /** `import(specifier)` in a cell. */
  import(specifier: string, options?: ImportCallOptions): Promise<CellModule>;
}

/** An import that failed. */
export interface ImportFailure {
  readonly importLine: number;
}

/** Imports relative to the project root. `onTslab` sees tslab's module for Jupyter when a cell loads that package. */
export function createImports(root: string, onTslab: (jupyter: object) => void): CellImports {
  const native = createRequire(path.join(root, "cell.js"));
  const facades = new WeakMap<CellModule, CellModule>();

  const load = async (
    specifier: string,
    attributes: Readonly<Record<string, string>>,
  ): Promise<CellModule> => {
    const address = addressOf(root, specifier);
    // Read anew each time; TypeScript knows it with and without `with { type: "json" }`.
    if (specifier.endsWith(".json")) return jsonModule(native.resolve(specifier));
    const given = Object.keys(attributes).length > 0 ? { with: { ...attributes } } : undefined;
    const namespace = (await (given ? import(address, given) : import(address))) as CellModule;
    if (specifier === "tslab") onTslab(createRequire(native.resolve("tslab"))("./jupyter.js") as object);
    let facade = facades.get(namespace);
    if (!facade) facades.set(namespace, (facade = facadeOf(namespace)));
    return facade;
  };
  return {
    async load(imports) {
      const modules: CellModule[] = [];
      for (const { specifier, attributes, line } of imports) {
        try {
          modules.push(await load(specifier, attributes));
        } catch (error) {
          if (error instanceof Error)
            Object.defineProperty(error, "importLine", { value: line, configurable: true });
          throw error;
        }
      }
      return modules;
    },
    import: (specifier, options) => load(String(specifier), options?.with ?? {}),
  };
}

function addressOf(root: string, specifier: string): string {
  const isPath = /^\.{1,2}(\/|$)/.test(specifier) || path.isAbsolute(specifier);
  return isPath ? pathToFileURL(path.resolve(root, specifier)).href : specifier;
}

function jsonModule(file: string): CellModule {
  const value: unknown = JSON.parse(readFileSync(file, "utf8"));
  return { ...(isObject(value) ? value : {}), default: value };
}

/**
 * A CommonJS package also lends the names that Node's static look at it has missed, and its own default where it says it was an
 * ES module.
 */
function facadeOf(namespace: CellModule): CellModule {
  const facade: Record<string, unknown> = {};
  const lend = (from: CellModule, key: string): void => {
    Object.defineProperty(facade, key, { enumerable: true, configurable: true, get: () => from[key] });
  };
  const whole = namespace["default"];
  if (isObject(whole) && !types.isModuleNamespaceObject(whole))
    for (const key of Object.keys(whole)) lend(whole, key);
  for (const key of Object.keys(namespace)) lend(namespace, key);
  if (isObject(whole) && whole["__esModule"] && "default" in whole) lend(whole, "default");
  return facade;
}

function isObject(value: unknown): value is CellModule {
  return (typeof value === "object" && value !== null) || typeof value === "function";
}
