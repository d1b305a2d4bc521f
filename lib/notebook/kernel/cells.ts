/** Runs cells one after another in this process, in one shared scope. */
import path from "node:path";
import vm from "node:vm";
import type { CellCompiler } from "./compiler.js";
import { compileFailure, describeError, type CellFailure, type PastCell } from "./errors.js";
import { createImports } from "./imports.js";

/** What became of a cell. `value` is that of its last expression; `undefined` shows nothing. */
export type CellOutcome =
  { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly failure: CellFailure };

/** The cells' side of the kernel. */
export interface CellRunner {
  /** Runs one cell as number `count`, never two at a time. */
  run(source: string, count: number): Promise<CellOutcome>;
  /** Fails the running cell from outside; `false` when none is waiting. */
  abort(error: unknown): boolean;
  readonly declarations: () => string;
}

/** Thrown into a waiting cell by an interrupt. */
export class Interrupted extends Error {
  override readonly name = "Interrupted";
  constructor() {
    super("the cell was interrupted");
  }
}

/** Cells of the project at `root`. */
export function createCells(root: string, compiler: CellCompiler): CellRunner {
  const imports = createImports(root);
  const scope = createScope();
  const past = new Map<number, PastCell>();
  let declarations = "";
  let reject: ((error: unknown) => void) | undefined;

  return {
    declarations: () => declarations,
    abort(error) {
      reject?.(error);
      return reject !== undefined;
    },
    async run(source, count) {
      try {
        const cell = compiler.compile(declarations, source);
        if (!("code" in cell)) return { ok: false, failure: compileFailure(cell, source, count) };
        past.set(count, { source, originOf: cell.originOf });
        const aborted = new Promise<never>((_, refuse) => (reject = refuse));
        aborted.catch(() => undefined);
        await Promise.race([imports.load(cell.imports), aborted]);
        // A function, so that variables are fast; on lines of its own, so that places in it stay true.
        const wrapped = `(${cell.async ? "async " : ""}function (exports, require) {\n${cell.code}\n})`;
        const body = vm.runInThisContext(wrapped, { filename: cellFile(root, count) }) as CellBody;
        await Promise.race([callInterruptibly(body, scope, imports.require), aborted]);
        declarations = cell.declarations;
        const value = cell.last === undefined ? undefined : scope[cell.last];
        if (cell.last !== undefined) Reflect.deleteProperty(scope, cell.last);
        return { ok: true, value };
      } catch (error) {
        return { ok: false, failure: describeError(error, root, past, count) };
      } finally {
        reject = undefined;
      }
    },
  };
}

type Scope = Record<string, unknown>;
type CellBody = (exports: Scope, require: (specifier: string) => unknown) => unknown;

function cellFile(root: string, count: number): string {
  return path.join(root, `cell-${count}.js`);
}

/** Calls the cell such that an interrupt signal breaks even a loop that never waits. */
function callInterruptibly(body: CellBody, scope: Scope, require: (specifier: string) => unknown): unknown {
  const holder = globalThis as typeof globalThis & { __aisleCall__?: () => unknown };
  holder.__aisleCall__ = () => body(scope, require);
  return vm.runInThisContext("__aisleCall__()", { breakOnSigint: true });
}

/**
 * The variables that cells share. TypeScript writes an imported name as a getter that cannot be redefined; here it becomes a
 * plain value, so that a later cell may import or declare the same name again. The `set` trap is there for speed: without it
 * every assignment to a top-level variable would go through a property descriptor.
 */
function createScope(): Scope {
  const values: Scope = Object.create(null) as Scope;
  return new Proxy(values, {
    set(_target, name, value) {
      values[name as string] = value;
      return true;
    },
    defineProperty(_target, name, attributes) {
      if (name !== "__esModule")
        values[name as string] = attributes.get ? (attributes.get() as unknown) : attributes.value;
      return true;
    },
  });
}
