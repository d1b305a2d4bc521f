/** TypeScript's language service over the project's files and a few that exist only in memory. */
import { statSync } from "node:fs";
import path from "node:path";
import type * as TypeScript from "typescript";
import type { Ts } from "./typescript.js";

/** The language service and its files in memory. */
export interface Language {
  readonly service: TypeScript.LanguageService;
  /** The program of what the files hold now. */
  program(): TypeScript.Program;
  /** Puts a file into memory, by its name in the project's root. */
  put(name: string, text: string): void;
  /** Names the files in memory from which the program starts. */
  start(names: readonly string[]): void;
  /** Looks for modules that could not be found before: a file may have been made since. */
  forget(): void;
  /** The project's own files that the program has read. */
  ownFiles(): string[];
  pathOf(name: string): string;
}

/**
 * The service for the project at `root`: strict checking, modern module resolution. What a cell imports from `lib` is only read for
 * its types: the project's own compiler checks it, and Node loads it (see imports.ts).
 */
export function createLanguage(ts: Ts, root: string): Language {
  const memory = new Map<string, { readonly text: string; readonly version: number }>();
  let starts: readonly string[] = [];
  let clock = 0;
  let forgotten = false;
  const options: TypeScript.CompilerOptions = {
    // What Node 20 runs; newer syntax (using, decorators) is written in older words.
    target: ts.ScriptTarget.ES2022,
    lib: ["lib.es2023.d.ts", "lib.esnext.disposable.d.ts"],
    module: ts.ModuleKind.ESNext,
    moduleResolution: ts.ModuleResolutionKind.Bundler,
    moduleDetection: ts.ModuleDetectionKind.Force,
    esModuleInterop: true,
    resolveJsonModule: true,
    allowImportingTsExtensions: true,
    allowJs: true,
    strict: true,
    skipLibCheck: true,
    types: ["node"],
    declaration: true,
    sourceMap: true,
    preserveConstEnums: true,
    newLine: ts.NewLineKind.LineFeed,
    outDir: path.join(root, "__aisle_out__"),
  };
  const pathOf = (name: string): string => `${root.split(path.sep).join("/")}/${name}`;
  const isOwn = (file: string): boolean => {
    const relative = path.relative(root, file);
    return !relative.startsWith("..") && !path.isAbsolute(relative) && !relative.includes("node_modules");
  };
  const versionOf = (file: string): string => {
    const inMemory = memory.get(file);
    if (inMemory) return `m${inMemory.version}`;
    // Packages do not change under a kernel; the project's files do.
    return isOwn(file) ? String(statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0) : "1";
  };
  const host: TypeScript.LanguageServiceHost & {
    hasInvalidatedResolutions?: (file: string) => boolean;
  } = {
    getCompilationSettings: () => options,
    getScriptFileNames: () => [...starts],
    getScriptVersion: versionOf,
    getScriptSnapshot: (file) => {
      const text = memory.get(file)?.text ?? ts.sys.readFile(file);
      return text === undefined ? undefined : ts.ScriptSnapshot.fromString(text);
    },
    getCurrentDirectory: () => root,
    getDefaultLibFileName: (given) => ts.getDefaultLibFilePath(given),
    useCaseSensitiveFileNames: () => ts.sys.useCaseSensitiveFileNames,
    fileExists: (file) => memory.has(file) || ts.sys.fileExists(file),
    readFile: (file, encoding) => memory.get(file)?.text ?? ts.sys.readFile(file, encoding),
    directoryExists: (folder) => ts.sys.directoryExists(folder),
    getDirectories: (folder) => ts.sys.getDirectories(folder),
    readDirectory: (...args) => ts.sys.readDirectory(...args),
    ...(ts.sys.realpath && { realpath: ts.sys.realpath }),
    hasInvalidatedResolutions: (file) => forgotten && isOwn(file),
  };
  const service = ts.createLanguageService(
    host,
    ts.createDocumentRegistry(ts.sys.useCaseSensitiveFileNames, root),
  );
  const program = (): TypeScript.Program => {
    const now = service.getProgram()!;
    forgotten = false;
    return now;
  };
  return {
    service,
    program,
    pathOf,
    put: (name, text) => void memory.set(pathOf(name), { text, version: ++clock }),
    start: (names) => void (starts = names.map(pathOf)),
    forget: () => void (forgotten = true),
    ownFiles: () =>
      program()
        .getSourceFiles()
        .map((file) => file.fileName)
        .filter((file) => !memory.has(file) && isOwn(file)),
  };
}
