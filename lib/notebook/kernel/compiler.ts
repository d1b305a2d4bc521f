/**
 * Cells to JavaScript, with tslab's incremental converter under settings of ours: strict checking, modern module
 * resolution, and the cell alone is checked and emitted. What it imports from `lib` is checked by the project's own
 * compiler and loaded by Node itself (see imports.ts), which keeps the first import of a large library cheap and
 * gives cells the very same modules that the command line and the tests run.
 */
import { createRequire, SourceMap } from "node:module";
import { statSync } from "node:fs";
import path from "node:path";
import type * as TypeScript from "@tslab/typescript-for-tslab";
import type { Converter } from "tslab/dist/converter.js";
import { expandShorthand } from "./shorthand.js";

/** A place in a cell: zero-based line and column. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** A type or syntax error in a cell. */
export interface CellProblem {
  readonly message: string;
  readonly code: number;
  readonly start: Position;
}

/** A cell ready to run: the body of a function of `exports` and `require`. */
export interface CompiledCell {
  readonly code: string;
  readonly async: boolean;
  /** The modules it asks for, as written. */
  readonly imports: readonly string[];
  /** The export that holds the value of the last expression, if the cell ends with one. */
  readonly last: string | undefined;
  /** What earlier cells have declared, for the next compilation. */
  readonly declarations: string;
  /** Where in the cell a place of `code` comes from. */
  originOf(line: number, column: number): Position | undefined;
}

/** Compiles cells, completes and explains code. */
export interface CellCompiler {
  compile(declarations: string, source: string): CompiledCell | readonly CellProblem[];
  readonly converter: Converter;
  readonly typescriptVersion: string;
}

type Ts = typeof TypeScript;
type WatchCallback = (file: string, kind: TypeScript.FileWatcherEventKind) => void;

/** TypeScript's code for "cannot find module". */
const MODULE_NOT_FOUND = 2307;

/** Loads TypeScript and tslab's converter for the project at `root`, which must be the working directory. */
export function createCompiler(root: string): CellCompiler {
  const require = createRequire(path.join(root, "package.json"));
  const tslabRequire = createRequire(require.resolve("tslab"));
  const typescriptPath = tslabRequire.resolve("@tslab/typescript-for-tslab");
  const ts = tslabRequire(typescriptPath) as Ts;
  const watched = watchByHand(ts, root);
  const maps = { source: undefined as string | undefined, final: undefined as string | undefined };
  // TypeScript's namespace is read-only; tslab sees a copy with two functions changed.
  tslabRequire.cache[typescriptPath]!.exports = {
    ...ts,
    createWatchCompilerHost: strictHost(ts, watched.timers),
    transpileModule: mappedTranspile(ts, maps),
  };
  const { createConverter } = tslabRequire("./converter.js") as typeof import("tslab/dist/converter.js");
  const converter = createConverter({ isJS: false, isBrowser: false });

  const convert = (declarations: string, source: string) => {
    maps.source = maps.final = undefined;
    return converter.convert(declarations, expandShorthand(ts, source));
  };

  return {
    converter,
    typescriptVersion: ts.version,
    compile(declarations, source) {
      watched.tellChanges();
      let result = convert(declarations, source);
      if (result.diagnostics.some((problem) => problem.code === MODULE_NOT_FOUND)) {
        // A file made since the last look: forget what could not be found, and look once more.
        watched.tellFolders();
        result = convert(declarations, source);
      }
      if (result.diagnostics.length > 0) {
        return result.diagnostics.map((problem) => ({
          message: problem.messageText,
          code: problem.code,
          start: { line: problem.start.line, column: problem.start.character },
        }));
      }
      const code = result.output ?? "";
      return {
        code,
        async: result.hasToplevelAwait ?? false,
        imports: requiredModules(code),
        last: result.lastExpressionVar,
        declarations: result.declOutput ?? "",
        originOf: originFinder(maps.source, maps.final),
      };
    },
  };
}

interface Timeouts {
  setTimeout(callback: () => void, ...rest: unknown[]): unknown;
  clearTimeout(timer: unknown): void;
}

/** Takes what TypeScript wants to do later while `hold` is set, and stands for the timer. */
interface Timers {
  hold: ((callback: () => void) => unknown) | undefined;
}

/** `createWatchCompilerHost` with our options, whose builder sees no dependency: only the cell is checked and emitted. */
function strictHost(ts: Ts, timers: Timers) {
  return (files: string[], options: TypeScript.CompilerOptions, ...rest: unknown[]): unknown => {
    const strict: TypeScript.CompilerOptions = {
      ...options,
      moduleResolution: ts.ModuleResolutionKind.Bundler,
      strict: true,
      skipLibCheck: true,
      inlineSourceMap: true,
      types: ["node"],
    };
    const create = ts.createWatchCompilerHost as unknown as (...args: unknown[]) => Record<string, unknown>;
    const host = create(files, strict, ...rest);
    // tslab keeps one timer, for a new program; those of ours never reach it.
    const { setTimeout, clearTimeout } = host as unknown as Timeouts;
    host["setTimeout"] = (callback: () => void, ...rest: unknown[]): unknown =>
      timers.hold ? timers.hold(callback) : setTimeout(callback, ...rest);
    host["clearTimeout"] = (timer: unknown): void => {
      if (timer !== timers) clearTimeout(timer);
    };
    type After = (builder: { getAllDependencies(file: { fileName: string }): readonly string[] }) => void;
    let after: After | undefined;
    Object.defineProperty(host, "afterProgramCreate", {
      get: () => after,
      set: (given: After) => {
        after = (builder) => {
          builder.getAllDependencies = (file) => [file.fileName];
          given(builder);
        };
      },
    });
    return host;
  };
}

/** `transpileModule` that keeps both source maps: TypeScript to modern JavaScript, and that to CommonJS. */
function mappedTranspile(ts: Ts, maps: { source: string | undefined; final: string | undefined }) {
  return (input: string, options: TypeScript.TranspileOptions): TypeScript.TranspileOutput => {
    const comment = /\n?\/\/# sourceMappingURL=data:[^,]*,(.*)\s*$/.exec(input);
    if (comment) maps.source = Buffer.from(comment[1]!, "base64").toString("utf8");
    const output = ts.transpileModule(comment ? input.slice(0, comment.index) : input, {
      ...options,
      compilerOptions: { ...options.compilerOptions, sourceMap: true },
    });
    maps.final = output.sourceMapText;
    return { ...output, outputText: output.outputText.replace(/\n?\/\/# sourceMappingURL=.*\s*$/, "\n") };
  };
}

/** Follows a place in the final code back through both maps; tslab puts one line before a cell. */
function originFinder(source: string | undefined, final: string | undefined) {
  return (line: number, column: number): Position | undefined => {
    if (source === undefined || final === undefined) return undefined;
    const middle = find(final, line, column);
    const origin = middle && find(source, middle.line, middle.column);
    return origin && origin.line > 0 ? { line: origin.line - 1, column: origin.column } : undefined;
  };
}

function find(map: string, line: number, column: number): Position | undefined {
  const entry = new SourceMap(JSON.parse(map)).findEntry(line, column);
  return "originalLine" in entry ? { line: entry.originalLine, column: entry.originalColumn } : undefined;
}

function requiredModules(code: string): string[] {
  const found = new Set<string>();
  for (const match of code.matchAll(/\brequire\(("(?:[^"\\\n]|\\.)*")\)/g)) {
    found.add(JSON.parse(match[1]!) as string);
  }
  return [...found];
}

/**
 * Replaces TypeScript's polling of every file it has read (thousands of declarations) by a look at the project's own
 * files when a cell is about to be compiled.
 */
function watchByHand(ts: Ts, root: string) {
  const files = new Map<string, { callbacks: Set<WatchCallback>; stamp: number }>();
  const folders = new Map<string, Set<(file: string) => void>>();
  const ours = (file: string): boolean => {
    const relative = path.relative(root, file);
    return !relative.startsWith("..") && !path.isAbsolute(relative) && !relative.includes("node_modules");
  };
  ts.sys.watchFile = (file, callback) => {
    if (!ours(file)) return { close: () => undefined };
    const entry = files.get(file) ?? { callbacks: new Set<WatchCallback>(), stamp: stampOf(file) };
    files.set(file, entry);
    entry.callbacks.add(callback);
    return { close: () => void entry.callbacks.delete(callback) };
  };
  ts.sys.watchDirectory = (folder, callback) => {
    if (!ours(folder)) return { close: () => undefined };
    const callbacks = folders.get(folder) ?? new Set();
    folders.set(folder, callbacks);
    callbacks.add(callback);
    return { close: () => void callbacks.delete(callback) };
  };
  const timers: Timers = { hold: undefined };
  return {
    timers,
    tellChanges(): void {
      for (const [file, entry] of files) {
        const stamp = stampOf(file);
        if (stamp === entry.stamp) continue;
        const kind = stamp === 0 ? ts.FileWatcherEventKind.Deleted : ts.FileWatcherEventKind.Changed;
        entry.stamp = stamp;
        for (const callback of [...entry.callbacks]) callback(file, kind);
      }
    },
    tellFolders(): void {
      const later: (() => void)[] = [];
      timers.hold = (callback) => {
        later.push(callback);
        return timers;
      };
      for (const [folder, callbacks] of [...folders])
        for (const callback of [...callbacks]) callback(path.join(folder, "changed.ts"));
      timers.hold = undefined;
      for (const callback of new Set(later)) callback();
    },
  };
}

function stampOf(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}
