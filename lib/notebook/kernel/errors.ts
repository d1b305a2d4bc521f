/** Errors as a notebook shows them: the message, and where in which cell or file of the project, without this machine's paths. */
import path from "node:path";
import { fileURLToPath } from "node:url";
import { inspect } from "node:util";
import type { CellProblem, Position } from "./compiler.js";

/** What Jupyter's `error` message holds, and the line of the cell (from 1) where it happened. */
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
  const evalue = withoutRoot(error instanceof Error ? error.message : inspect(error), root);
  const traceback = [`${ename}: ${evalue}`, ...own.map((place) => `    at ${place.text}`)];
  let cause = error instanceof Error ? error.cause : undefined;
  for (let depth = 0; cause !== undefined && cause !== null && depth < 5; depth++) {
    traceback.push(
      withoutRoot(
        `Caused by: ${cause instanceof Error ? `${cause.name}: ${cause.message}` : inspect(cause)}`,
        root,
      ),
    );
    traceback.push(...ownPlaces(cause, root, past).map((place) => `    at ${place.text}`));
    cause = cause instanceof Error ? cause.cause : undefined;
  }
  return { ename, evalue, traceback, line: own.find((place) => place.cell === count)?.line };
}

interface Place {
  readonly text: string;
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
    // Cells call each other through the shared scope, which is a Proxy; nobody wants to know.
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
        places.push({ text: named(name, `${relative}:${line}:${column}`), cell: undefined, line });
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
      places.push({ text, cell: number, line: origin.line + 1 });
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

function withoutRoot(text: string, root: string): string {
  return text.split(`${root}${path.sep}`).join("");
}
