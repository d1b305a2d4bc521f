/** Errors as a notebook shows them: the message, and where in which cell or file of the project, without this machine's paths. */
import path from "node:path";
import { fileURLToPath } from "node:url";
import { inspect } from "node:util";
import type { CellProblem, Position } from "./compiler.js";
import type { ImportFailure } from "./imports.js";

/** The content of Jupyter's `error` message, and the line of the cell (from 1) where it happened. */
export interface CellFailure {
  readonly ename: string;
  readonly evalue: string;
  readonly traceback: readonly string[];
  readonly line: number | undefined;
}

/** A cell that has run, for places in functions that it defined. */
export interface PastCell {
  readonly source: string;
  originOf(line: number, column: number): Position | undefined;
}

/** The failure of a cell that does not compile. */
export function compileFailure(problems: readonly CellProblem[], source: string, count: number): CellFailure {
  const lines = problems.flatMap((problem, index) => {
    const { line, column } = problem.start;
    const place = `cell ${count}, line ${line + 1}, column ${column + 1}`;
    const previous = problems[index - 1]?.start;
    // TypeScript explains one problem in several messages at the same place.
    if (previous && previous.line === line && previous.column === column) return [`    ${problem.message}`];
    return [`${place}: ${problem.message}`, ...pointAt(source, problem.start)];
  });
  const first = problems[0]!;
  return {
    ename: "TypeScriptError",
    evalue: `${first.message} (TS${first.code})`,
    traceback: [`TypeScriptError in cell ${count}`, ...lines],
    line: first.start.line + 1,
  };
}

/** The failure of a cell that threw `error`. */
export function describeError(
  error: unknown,
  root: string,
  past: ReadonlyMap<number, PastCell>,
  count: number,
): CellFailure {
  const own = ownPlaces(error, root, past);
  const ename = error instanceof Error ? error.name : "Thrown";
  const evalue = plainly(messageOf(error), root);
  const traceback = [`${ename}: ${evalue}`, ...own.map((place) => `    at ${place.text}`)];
  let cause = error instanceof Error ? error.cause : undefined;
  for (let depth = 0; cause !== undefined && cause !== null && depth < 5; depth++) {
    const what = cause instanceof Error ? `${cause.name}: ${cause.message}` : inspect(cause);
    traceback.push(plainly(`Caused by: ${what}`, root));
    traceback.push(...ownPlaces(cause, root, past).map((place) => `    at ${place.text}`));
    cause = cause instanceof Error ? cause.cause : undefined;
  }
  const importLine = (error as Partial<ImportFailure> | undefined)?.importLine;
  const line =
    own.find((place) => place.cell === count)?.line ??
    (importLine === undefined ? undefined : importLine + 1);
  return { ename, evalue, traceback, line };
}

/** An error in one line: what, and where in the project's own code. */
export function describeBriefly(error: unknown, root: string, past: ReadonlyMap<number, PastCell>): string {
  const name = error instanceof Error ? error.name : "Thrown";
  const place = ownPlaces(error, root, past)[0];
  const where = place ? ` (${place.where})` : "";
  return `${name}: ${plainly(messageOf(error), root)
    .trim()
    .replace(/\s*\n\s*/g, " ")}${where}`;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : inspect(error);
}

interface Place {
  readonly text: string;
  /** Only the cell and its line, or the file and its. */
  readonly where: string;
  readonly cell: number | undefined;
  readonly line: number;
}

/** The frames of the stack that lie in cells or in the project's own files. */
function ownPlaces(error: unknown, root: string, past: ReadonlyMap<number, PastCell>): Place[] {
  if (!(error instanceof Error) || typeof error.stack !== "string") return [];
  const places: Place[] = [];
  for (const frame of error.stack.split("\n")) {
    const match =
      /^\s*at (?:(.*?) \()?(.*?):(\d+):(\d+)\)?$/.exec(frame) ??
      /^(?:(.*)@)?(.*cell-\d+\.js):(\d+)()$/.exec(frame);
    if (!match) continue;
    // Cells call each other through the shared scope, which is a Proxy: of no interest to the user.
    const name = match[1]?.replace(/^async /, "").replace(/^Proxy\./, "");
    const address = match[2]!.replace(/^async /, "");
    const file = address.startsWith("file:") ? fileURLToPath(address) : address;
    const [line, column] = [Number(match[3]), Number(match[4] || 1)];
    const relative = path.relative(root, file).split(path.sep).join("/");
    if (relative.startsWith("..") || path.isAbsolute(relative) || relative.startsWith("node_modules/"))
      continue;
    if (relative.startsWith("lib/notebook/kernel/") || relative.startsWith("node:")) continue;
    const cell = /^cell-(\d+)\.js$/.exec(relative);
    if (!cell) {
      if (path.isAbsolute(file))
        places.push({
          text: named(name, `${relative}:${line}:${column}`),
          where: `${relative}:${line}`,
          cell: undefined,
          line,
        });
      continue;
    }
    const number = Number(cell[1]);
    // The first line of what ran is the wrapper's.
    const origin = past.get(number)?.originOf(line - 2, column - 1);
    if (!origin) continue;
    const source = past.get(number)!.source.split("\n")[origin.line]?.trim() ?? "";
    const text = named(name, `cell ${number}, line ${origin.line + 1}`) + (source ? `: ${source}` : "");
    const last = places.at(-1);
    if (last?.cell !== number || last.line !== origin.line + 1)
      places.push({
        text,
        where: `cell ${number}, line ${origin.line + 1}`,
        cell: number,
        line: origin.line + 1,
      });
  }
  return places.slice(0, 20);
}

function named(name: string | undefined, place: string): string {
  return name && !/^(exports\.?|Object\.<anonymous>|<anonymous>|__aisle)/.test(name)
    ? `${name} (${place})`
    : place;
}

function pointAt(source: string, at: Position): string[] {
  const line = source.split("\n")[at.line];
  return line === undefined ? [] : [`    ${line}`, `    ${" ".repeat(at.column)}^`];
}

/** A message without this machine's paths and the names under which the compiler puts what a cell takes from elsewhere. */
function plainly(text: string, root: string): string {
  return text
    .split(`${root}${path.sep}`)
    .join("")
    .replace(/\(0 ?, ?\$aisle\d*_(?:scope|module\d+)\.([\w$]+)\)/g, "$1")
    .replace(/\$aisle\d*_(?:scope|module\d+)\./g, "");
}
