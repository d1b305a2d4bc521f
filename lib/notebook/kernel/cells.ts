/** Runs cells one after another in this process, in one shared scope. */
import { createRequire } from "node:module";
import path from "node:path";
import { pathToFileURL } from "node:url";
import vm from "node:vm";
import type { CellCompiler, CompiledCell } from "./compiler.js";
import { sayRunning, unbroken } from "./thread.js";
import { currentContext, inContext, type CellContext } from "./context.js";
import { compileFailure, describeBriefly, describeError, type CellFailure, type PastCell } from "./errors.js";
import { createImports } from "./imports.js";

/** The result of a cell. `value` is that of its last expression; `undefined` shows nothing. */
export type CellOutcome =
  { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly failure: CellFailure };

/** The cells' side of the kernel. */
export interface CellRunner {
  /** Runs one cell, never two at a time. */
  run(source: string, context: CellContext): Promise<CellOutcome>;
  /** Interrupts the cell that runs; when none does, what earlier ones have left running. `at`: when it was asked for. */
  interrupt(at?: number): void;
  /** Fails the waiting cell by an error that was not caught; `false` when it belongs to none that waits. */
  fail(error: unknown): boolean;
  /** An error as Jupyter shows it, and in one line. */
  describe(error: unknown, count: number): CellFailure;
  brief(error: unknown): string;
}

/** Thrown into a cell by an interrupt. */
export class Interrupted extends Error {
  override readonly name = "Interrupted";
  constructor() {
    super("the cell was interrupted");
  }
}

/** Who is told what happens to a cell. */
export interface CellEvents {
  /** It has been compiled and will run. */
  onCompiled(): void;
  /** Its modules are loaded. */
  onLoaded(): void;
  /** A cell has loaded tslab's package: here is its module for Jupyter. */
  onTslab(jupyter: object): void;
}

/** Cells of the project at `root`. */
export function createCells(root: string, compiler: CellCompiler, events: CellEvents): CellRunner {
  const imports = createImports(root, (jupyter) => events.onTslab(jupyter));
  const scope = Object.create(null) as Scope;
  const past = new Map<number, PastCell>();
  /** Cells that have ended, but with work that heeds their signal. */
  const heeding = new Set<CellContext>();
  /** When a signal last broke off a cell. */
  let broken = 0;
  let running: { readonly context: CellContext; readonly reject: (error: unknown) => void } | undefined;

  const execute = async (
    cell: CompiledCell,
    context: CellContext,
    rejected: Promise<never>,
  ): Promise<{ readonly value: unknown }> => {
    let value: unknown;
    let accessors: readonly Accessor[] = [];
    events.onCompiled();
    const kernel: Handed = {
      scope,
      modules: await Promise.race([imports.load(cell.imports), rejected]),
      declare: (given) => (accessors = given),
      last: (given) => void (value = given),
      wait,
      each,
      load: (specifier, options) => imports.import(specifier, options),
      meta: metaOf(root, context.count),
      node: nodeOf(root, context.count),
    };
    events.onLoaded();
    let whole = false;
    try {
      const body = vm.runInThisContext(cell.code, { filename: cellFile(root, context.count) }) as CellBody;
      sayRunning(true);
      await Promise.race([callInterruptibly(() => body(kernel)), rejected]);
      whole = true;
      return { value };
    } finally {
      sayRunning(false);
      const evaluated = publish(scope, accessors, whole);
      cell.keep((name) => evaluated.has(name));
    }
  };
  const untilRejected = (context: CellContext): Promise<never> => {
    const aborted = new Promise<never>((_, reject) => (running = { context, reject }));
    aborted.catch(() => undefined);
    return aborted;
  };

  return {
    async run(source, context) {
      const { count } = context;
      const rejected = untilRejected(context);
      try {
        const cell = unbroken(() => compiler.compile(source));
        if (!("code" in cell)) return { ok: false, failure: compileFailure(cell, source, count) };
        // An interrupt may have come while TypeScript was at work, which cannot be interrupted itself.
        // Signals are looked for between one turn of the event loop and the next.
        for (let turn = 0; turn < 2; turn++) await new Promise((resolve) => setImmediate(resolve));
        if (context.controller.signal.aborted) throw context.controller.signal.reason;
        past.set(count, { source, originOf: (line, column) => cell.originOf(line, column) });
        const { value } = await inContext(context, () => execute(cell, context, rejected));
        return { ok: true, value };
      } catch (error) {
        const stopped = isBreak(error) ? new Interrupted() : error;
        if (isBreak(error)) {
          broken = Date.now();
          context.controller.abort(stopped);
        }
        return { ok: false, failure: describeError(stopped, root, past, count) };
      } finally {
        running = undefined;
        context.running = false;
        if (context.heeded && !context.controller.signal.aborted) heeding.add(context);
      }
    },
    interrupt(at = Date.now()) {
      if (at <= broken) return; // what has already broken off a cell must not also break the next
      const stop = new Interrupted();
      if (!running) {
        for (const { controller } of heeding) controller.abort(stop);
        heeding.clear();
        return;
      }
      const { context, reject } = running;
      const again = context.controller.signal.aborted;
      context.controller.abort(stop);
      // Work that heeds the signal may finish its step; a second interrupt does not wait for it.
      if (!context.heeded || again) reject(stop);
    },
    fail(error) {
      const origin = currentContext();
      if (!running || (origin && origin !== running.context)) return false;
      running.context.controller.abort(error);
      running.reject(error);
      return true;
    },
    describe: (error, count) => describeError(error, root, past, count),
    brief: (error) => describeBriefly(error, root, past),
  };
}

type Scope = Record<string, unknown>;
/** A name of the cell, how to read it and, for `let` and `var`, how to write it. */
type Accessor = readonly [name: string, get: () => unknown, set?: (value: unknown) => void];

/** The parameters of a cell's function: see emit.ts. */
interface Handed {
  readonly scope: Scope;
  readonly modules: readonly unknown[];
  readonly declare: (accessors: readonly Accessor[]) => void;
  readonly last: (value: unknown) => void;
  readonly wait: (value: unknown) => Promise<unknown>;
  readonly each: (values: AsyncIterable<unknown> | Iterable<unknown>) => AsyncIterable<unknown>;
  readonly load: (specifier: string, options?: ImportCallOptions) => Promise<unknown>;
  readonly meta: object;
  readonly node: object;
}
type CellBody = (kernel: Handed) => unknown;

function cellFile(root: string, count: number): string {
  return path.join(root, `cell-${count}.js`);
}

function metaOf(root: string, count: number): object {
  const filename = cellFile(root, count);
  const url = pathToFileURL(filename).href;
  const resolve = (specifier: string): string => new URL(specifier, url).href;
  return { url, filename, dirname: root, resolve };
}

/** The names that Node gives to a CommonJS module, which its types promise to every file. */
function nodeOf(root: string, count: number): object {
  const module = { exports: {} };
  const __filename = cellFile(root, count);
  return { require: createRequire(__filename), module, exports: module.exports, __filename, __dirname: root };
}

/** Gives a cell's variables to later cells: all of a cell that has ended well, and those it had come to of another. */
function publish(scope: Scope, accessors: readonly Accessor[], whole: boolean): Set<string> {
  const evaluated = new Set<string>();
  for (const [name, get, set] of accessors) {
    let value: unknown;
    try {
      value = get();
    } catch {
      continue; // its declaration has not run
    }
    // `var` is there, undefined, from the start: it must not hide an earlier value that is still the last one set.
    if (!whole && value === undefined && name in scope) continue;
    Object.defineProperty(scope, name, { configurable: true, enumerable: true, get, set });
    evaluated.add(name);
  }
  return evaluated;
}

function stopIfInterrupted(): void {
  const signal = currentContext()?.controller.signal;
  if (signal?.aborted) throw signal.reason;
}

/** Every `await` of a cell: none goes on after an interrupt. */
async function wait(value: unknown): Promise<unknown> {
  stopIfInterrupted();
  const result = await value;
  stopIfInterrupted();
  return result;
}

async function* each(values: AsyncIterable<unknown> | Iterable<unknown>): AsyncGenerator<unknown> {
  stopIfInterrupted();
  for await (const value of values) {
    stopIfInterrupted();
    yield value;
  }
}

/**
 * Calls such that an interrupt signal breaks even a loop that never waits. While Node watches for that it would take all listeners
 * of the signal off, and a signal between would end the process: so it is not told of them, and they are put on again afterwards,
 * which makes the process listen to them again.
 */
function callInterruptibly(call: () => unknown): unknown {
  const holder = globalThis as typeof globalThis & { __aisleCall__?: () => unknown };
  holder.__aisleCall__ = call;
  const script = new vm.Script("__aisleCall__()");
  const { listenerCount } = process;
  process.listenerCount = (name, ...rest) =>
    name === "SIGINT" ? 0 : listenerCount.call(process, name, ...rest);
  try {
    return script.runInThisContext({ breakOnSigint: true });
  } finally {
    const listeners = process.listeners("SIGINT");
    process.removeAllListeners("SIGINT");
    for (const listener of listeners) process.on("SIGINT", listener);
    process.listenerCount = listenerCount;
  }
}

function isBreak(error: unknown): boolean {
  return (
    error instanceof Error && (error as NodeJS.ErrnoException).code === "ERR_SCRIPT_EXECUTION_INTERRUPTED"
  );
}
