/** TypeScript's help for a cell that is being written: completions, types and documentation, whether it is whole. */
import type * as TypeScript from "typescript";
import type { Content } from "../wire.js";
import type { CellCompiler } from "./compiler.js";

/** Answers complete_request: the names that may stand at the cursor. */
export function complete(compiler: CellCompiler, code: string, cursor: number): Content {
  const at = toUnits(code, cursor);
  const { path, offset } = compiler.place(code);
  const found = compiler.language.service.getCompletionsAtPosition(path, offset + at, {});
  const before = /[\p{ID_Continue}$]*$/u.exec(code.slice(0, at))![0];
  const after = /^[\p{ID_Continue}$]*/u.exec(code.slice(at))![0];
  const matches = ranked(found?.entries ?? [], before);
  return {
    status: "ok",
    matches,
    cursor_start: toPoints(code, at - before.length),
    cursor_end: toPoints(code, at + after.length),
    metadata: {},
  };
}

/** Names that begin with what is written, then those that hold it; in TypeScript's order. */
function ranked(entries: readonly TypeScript.CompletionEntry[], typed: string): string[] {
  const lower = typed.toLowerCase();
  const rank = (name: string): number => {
    if (name.startsWith(typed)) return 0;
    const place = name.toLowerCase().indexOf(lower);
    return place === 0 ? 1 : place > 0 ? 2 : 3;
  };
  return entries
    .filter(({ name }) => !name.startsWith("__aisle"))
    .map((entry) => ({ name: entry.name, rank: rank(entry.name), sort: entry.sortText }))
    .filter((entry) => entry.rank < 3)
    .sort(
      (a, b) => a.rank - b.rank || (a.sort < b.sort ? -1 : a.sort > b.sort ? 1 : a.name < b.name ? -1 : 1),
    )
    .map(({ name }) => name);
}

/** Answers inspect_request: the type and documentation of what is under the cursor, or of the function whose call it is in. */
export function inspect(compiler: CellCompiler, code: string, cursor: number): Content {
  const at = toUnits(code, cursor);
  const { path, offset } = compiler.place(code);
  const { service } = compiler.language;
  const text = (parts: readonly TypeScript.SymbolDisplayPart[] | undefined): string =>
    compiler.ts.displayPartsToString(parts ? [...parts] : undefined);
  const quick = (place: number): string | undefined => {
    const info = service.getQuickInfoAtPosition(path, offset + place);
    return info && [text(info.displayParts), text(info.documentation)].filter(Boolean).join("\n\n");
  };
  // The end of a name is still that name.
  let found = quick(at) ?? (at > 0 && /[\p{ID_Continue}$]/u.test(code[at - 1]!) ? quick(at - 1) : undefined);
  if (found === undefined) {
    const help = service.getSignatureHelpItems(path, offset + at, undefined);
    const item = help?.items[help.selectedItemIndex];
    if (help && item) {
      const parameters = item.parameters
        .map((one) => text(one.displayParts))
        .join(text(item.separatorDisplayParts));
      const current = item.parameters[help.argumentIndex];
      found = [
        text(item.prefixDisplayParts) + parameters + text(item.suffixDisplayParts),
        text(item.documentation),
        current && current.documentation.length > 0 ? `${current.name}: ${text(current.documentation)}` : "",
      ]
        .filter(Boolean)
        .join("\n\n");
    }
  }
  return {
    status: "ok",
    found: found !== undefined,
    data: found === undefined ? {} : { "text/plain": found },
    metadata: {},
  };
}

/** Answers is_complete_request: whether Enter should run the cell or begin a line. */
export function isComplete(compiler: CellCompiler, code: string): Content {
  const { ts } = compiler;
  const output = ts.transpileModule(code, {
    reportDiagnostics: true,
    fileName: "cell.ts",
    compilerOptions: { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext },
  });
  const problems = (output.diagnostics ?? []).filter(
    ({ category }) => category === ts.DiagnosticCategory.Error,
  );
  if (problems.length === 0) return { status: "complete" };
  const end = code.trimEnd().length;
  // Something is missing at the very end, or a comment or a template is still open.
  const open = problems.some(
    ({ code: number, start }) =>
      [1010, 1160].includes(number) || (start !== undefined && start >= end && number !== 1002),
  );
  return open ? { status: "incomplete", indent: indentAfter(code) } : { status: "invalid" };
}

function indentAfter(code: string): string {
  const line = code.trimEnd().split("\n").at(-1)!;
  const indent = /^\s*/.exec(line)![0];
  return /[{([]\s*$/.test(line) ? `${indent}  ` : indent;
}

/** Jupyter counts characters (code points), JavaScript UTF-16 units. */
function toUnits(code: string, points: number): number {
  let units = 0;
  for (const character of code) {
    if (points-- <= 0) break;
    units += character.length;
  }
  return units;
}

function toPoints(code: string, units: number): number {
  return [...code.slice(0, units)].length;
}
