/**
 * Cells to JavaScript by the project's own TypeScript. Each cell is a module in memory that imports, from the cells before it, the
 * names that it uses; a cell that declares a name again hides the earlier one. Of a cell that has run only its declarations are
 * kept, so that later ones need not be inferred anew.
 */
import { SourceMap } from "node:module";
import type * as TypeScript from "typescript";
import { anatomyOf, type Anatomy } from "./anatomy.js";
import { emitCell, handed, type CellImport, type Emitted } from "./emit.js";
import { createLanguage, type Language } from "./language.js";
import { preludeOf, type KnownName } from "./names.js";
import { loadTypeScript, type Ts } from "./typescript.js";

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

/** A cell ready to run. */
export interface CompiledCell {
  /** A function expression that takes one object, see cells.ts. Its first line is ours. */
  readonly code: string;
  readonly imports: readonly CellImport[];
  /** Names that have a value once the cell has run. */
  readonly values: readonly string[];
  /** Where in the cell a place of `code` comes from. */
  originOf(line: number, column: number): Position | undefined;
  /** From now on later cells see its types, and those of its values that it has come to. */
  keep(evaluated: (name: string) => boolean): void;
}

/** A cell put before TypeScript. */
export interface PlacedCell {
  /** The file's path, for the language service. */
  readonly path: string;
  /** Where in that file the cell begins. */
  readonly offset: number;
}

/** Compiles cells, and puts them before TypeScript for other questions. */
export interface CellCompiler {
  readonly ts: Ts;
  readonly language: Language;
  compile(source: string): CompiledCell | readonly CellProblem[];
  /** Puts a cell that need not be whole before the language service, after the names of all earlier cells. */
  place(source: string): PlacedCell;
}

const CELL = "__aisle_cell__";
const WORLD = "__aisle_world__.d.ts";
/** The names that the kernel gives to every cell, besides Node's own. */
const WORLD_TEXT =
  "/** Asks the reader of the notebook and resolves with the answer. Fails at once where nobody can be asked. */\n" +
  "declare function prompt(question?: string): Promise<string>;\n";
/** TypeScript's code for "cannot find module". */
const MODULE_NOT_FOUND = 2307;

/** The compiler for the project at `root`, which must be the working directory. */
export function createCompiler(root: string): CellCompiler {
  const ts = loadTypeScript(root);
  const language = createLanguage(ts, root);
  language.put(WORLD, WORLD_TEXT);
  const known = new Map<string, KnownName>();
  /** Files whose types count everywhere, for `declare global`. */
  const everywhere: string[] = [];
  let kept = 0;

  const parse = (source: string): TypeScript.SourceFile =>
    ts.createSourceFile(
      `${CELL}.ts`,
      source,
      {
        languageVersion: ts.ScriptTarget.ES2022,
        // As a module, whatever is in it: there `await` is a keyword.
        setExternalModuleIndicator: (file) =>
          ((file as { externalModuleIndicator?: unknown }).externalModuleIndicator = true),
      },
      true,
    );
  const put = (source: string, anatomy: Anatomy, all: boolean) => {
    const used = [...known].filter(
      ([name]) => !anatomy.declared.has(name) && (all || anatomy.identifiers.has(name)),
    );
    // Never at the very beginning of the file, where "#!" would be more than two characters.
    const prelude = `\n${preludeOf(used)}`;
    const exports = [...anatomy.declared.keys()].filter((name) => !anatomy.exported.has(name));
    const text = `${prelude}${source}\nexport { ${exports.join(", ")} };\n`;
    language.put(`${CELL}.ts`, text);
    language.start([`${CELL}.ts`, WORLD, ...everywhere]);
    return {
      text,
      start: prelude.length,
      end: prelude.length + source.length + 1,
      lines: prelude.split("\n").length - 1,
    };
  };

  const check = (program: TypeScript.Program, file: TypeScript.SourceFile) => [
    ...program.getSyntacticDiagnostics(file),
    ...program.getSemanticDiagnostics(file),
  ];

  // Node's and JavaScript's own types are read before the first cell, not in its time.
  put("", anatomyOf(ts, parse("")), false);
  language.program();
  return {
    ts,
    language,
    place(source) {
      const placed = put(source, anatomyOf(ts, parse(source)), true);
      return { path: language.pathOf(`${CELL}.ts`), offset: placed.start };
    },
    compile(source) {
      const parsed = parse(source);
      const problems = (diagnostics: readonly TypeScript.Diagnostic[], text: string, start: number) =>
        diagnostics.flatMap((one) => problemsOf(ts, one, source, text, start));
      // Syntax first and alone: what we put after the cell would only confuse.
      const syntax = (parsed as unknown as { parseDiagnostics: readonly TypeScript.Diagnostic[] })
        .parseDiagnostics;
      if (syntax.length > 0) return problems(syntax, source, 0);

      const anatomy = anatomyOf(ts, parsed);
      const { text, start, end, lines } = put(source, anatomy, false);
      const path = language.pathOf(`${CELL}.ts`);
      let program = language.program();
      let found = check(program, program.getSourceFile(path)!);
      if (found.some(({ code }) => code === MODULE_NOT_FOUND)) {
        language.forget();
        program = language.program();
        found = check(program, program.getSourceFile(path)!);
      }
      const errors = found.filter(({ category }) => category === ts.DiagnosticCategory.Error);
      if (errors.length > 0) return problems(errors, text, start);

      const file = program.getSourceFile(path)!;
      const ambient = new Set([...known].filter(([, { value }]) => value === "world").map(([name]) => name));
      const prefix = prefixFor(anatomy);
      const emitted = emitCell(ts, program, { file, start, end }, prefix, ambient);
      const valued = valuesOf(ts, program, file, anatomy, emitted);
      const typesFail = program.getDeclarationDiagnostics(file).length > 0;
      return {
        code: functionOf(emitted, anatomy, valued, prefix),
        imports: emitted.imports.map((one) => ({ ...one, line: one.line - lines })),
        values: valued,
        originOf: originFinder(emitted.map, lines),
        keep(evaluated) {
          if (anatomy.declared.size === 0 && !anatomy.augments) return;
          const name = `${CELL}${++kept}__`;
          // Types that cannot be written down (of nameless classes) are inferred from the cell itself.
          if (typesFail) language.put(`${name}.ts`, text);
          else language.put(`${name}.d.ts`, emitted.declarations);
          if (anatomy.augments) everywhere.push(typesFail ? `${name}.ts` : `${name}.d.ts`);
          for (const one of anatomy.declared.values()) {
            const hasValue = valued.includes(one.name);
            if (hasValue && !evaluated(one.name)) continue;
            known.set(one.name, {
              file: name,
              assignable: one.assignable,
              value: hasValue ? "shared" : one.ambient ? "world" : "none",
            });
          }
        },
      };
    },
  };
}

/** A name of ours that no name of the cell begins with. */
function prefixFor(anatomy: Anatomy): string {
  for (let number = 0; ; number++) {
    const prefix = `$aisle${number || ""}_`;
    if (![...anatomy.identifiers].some((name) => name.startsWith(prefix))) return prefix;
  }
}

/** The declared names that are more than types. */
function valuesOf(
  ts: Ts,
  program: TypeScript.Program,
  file: TypeScript.SourceFile,
  anatomy: Anatomy,
  emitted: Emitted,
): string[] {
  const checker = program.getTypeChecker();
  const module = checker.getSymbolAtLocation(file);
  const exports = new Map(module ? checker.getExportsOfModule(module).map((one) => [one.name, one]) : []);
  const names: string[] = [];
  for (const { name, ambient, imported } of anatomy.declared.values()) {
    const exported = exports.get(name);
    const symbol =
      exported && exported.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(exported) : exported;
    const isValue = imported
      ? emitted.imported.has(name)
      : !ambient && ((symbol?.flags ?? 0) & ts.SymbolFlags.Value) !== 0;
    if (isValue) names.push(name);
  }
  return names;
}

function functionOf(emitted: Emitted, anatomy: Anatomy, values: readonly string[], prefix: string): string {
  const names = handed(prefix);
  const modules = emitted.imports.map(
    (_, index) => `${names.module(index)} = ${prefix}kernel.modules[${index}]`,
  );
  const given = ["scope", "last", "wait", "each", "load", "meta"].map(
    (name) => `${prefix}${name} = ${prefix}kernel.${name}`,
  );
  const accessors = values.map((name) => {
    const held = emitted.imported.get(name);
    if (held) {
      const property = held.property === undefined ? "" : `[${JSON.stringify(held.property)}]`;
      return `[${JSON.stringify(name)}, () => ${held.object}${property}]`;
    }
    const write = anatomy.declared.get(name)?.assignable ? `, ${prefix}v => { ${name} = ${prefix}v; }` : "";
    return `[${JSON.stringify(name)}, () => ${name}${write}]`;
  });
  const kernel = `${prefix}kernel`;
  const first = `"use strict"; const ${[...given, ...modules].join(", ")}; ${kernel}.declare([${accessors.join(", ")}]);`;
  // Node's own five are in a scope around, so that a cell may declare the same names.
  const around = `const { require, module, exports, __filename, __dirname } = ${kernel}.node;`;
  const open = `(function (${kernel}) { ${around} return (${anatomy.waits ? "async " : ""}function () { ${first}`;
  return `${open}\n${emitted.code}\n}).call(undefined); })`;
}

/** A problem with its explanations, which TypeScript gives as a tree. */
function problemsOf(
  ts: Ts,
  problem: TypeScript.Diagnostic,
  source: string,
  text: string,
  start: number,
): CellProblem[] {
  const at = Math.min(Math.max((problem.start ?? 0) - start, 0), source.length);
  const before = text.slice(start, start + at).split(/\r\n|\n|\r/);
  const place = { line: before.length - 1, column: before.at(-1)!.length };
  const lines = ts.flattenDiagnosticMessageText(problem.messageText, "\n").split("\n");
  return lines.map((message) => ({ message: message.trim(), code: problem.code, start: place }));
}

function originFinder(map: string, lines: number) {
  let parsed: SourceMap | undefined;
  return (line: number, column: number): Position | undefined => {
    if (line < 0) return undefined;
    parsed ??= new SourceMap(JSON.parse(map) as ConstructorParameters<typeof SourceMap>[0]);
    const entry = parsed.findEntry(line, column);
    if (!("originalLine" in entry) || entry.originalLine < lines) return undefined;
    return { line: entry.originalLine - lines, column: entry.originalColumn };
  };
}
