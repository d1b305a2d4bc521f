/** Notebook files: read with care, written byte for byte as Jupyter writes them. https://nbformat.readthedocs.io */
import { z } from "zod";
import { InputError, messageOf, readText, writeFileWhole } from "../base/index.js";

/** A cell's output, as in the file but with text whole instead of in lines. */
export type Output =
  | { output_type: "stream"; name: string; text: string }
  | { output_type: "display_data"; data: Record<string, unknown>; metadata: Record<string, unknown> }
  | {
      output_type: "execute_result";
      data: Record<string, unknown>;
      metadata: Record<string, unknown>;
      execution_count: number | null;
    }
  | { output_type: "error"; ename: string; evalue: string; traceback: string[] };

/** A cell, with its source whole. What we do not know of is kept. */
export interface Cell {
  cell_type: string;
  id?: string;
  metadata: Record<string, unknown>;
  source: string;
  outputs?: Output[];
  execution_count?: number | null;
  [other: string]: unknown;
}

/** A notebook of format 4. */
export interface Notebook {
  cells: Cell[];
  metadata: Record<string, unknown>;
  nbformat: number;
  nbformat_minor: number;
  [other: string]: unknown;
}

const text = z.union([z.string(), z.array(z.string()).transform((lines) => lines.join(""))]);
const record = z.record(z.string(), z.unknown());
const data = record.transform((bundle) =>
  Object.fromEntries(
    Object.entries(bundle).map(([mime, value]) => [
      mime,
      isText(mime) && isLines(value) ? value.join("") : value,
    ]),
  ),
);
const count = z.number().int().nullable();
const output = z.discriminatedUnion("output_type", [
  z.looseObject({ output_type: z.literal("stream"), name: z.string(), text }),
  z.looseObject({ output_type: z.literal("display_data"), data, metadata: record.default({}) }),
  z.looseObject({
    output_type: z.literal("execute_result"),
    data,
    metadata: record.default({}),
    execution_count: count,
  }),
  z.looseObject({
    output_type: z.literal("error"),
    ename: z.string(),
    evalue: z.string(),
    traceback: z.array(z.string()),
  }),
]);
const cell = z.looseObject({
  cell_type: z.string(),
  id: z.string().optional(),
  metadata: record.default({}),
  source: text,
  outputs: z.array(output).optional(),
  execution_count: count.optional(),
});
const notebook = z.looseObject({
  cells: z.array(cell),
  metadata: record,
  nbformat: z.literal(4),
  nbformat_minor: z.number().int().nonnegative(),
});

/**
 * Reads a notebook.
 * @throws InputError when there is no such file, it is not JSON or not a notebook of format 4.
 */
export function readNotebook(path: string): Notebook {
  return parseNotebook(readText(path, "notebook"), path);
}

/** {@link readNotebook} of text; `name` is what messages call it. */
export function parseNotebook(content: string, name: string): Notebook {
  let value: unknown;
  try {
    value = JSON.parse(content.replace(/^\uFEFF/, ""));
  } catch (error) {
    throw new InputError(
      `The notebook ${name} is not JSON (${messageOf(error)}); is it whole, and an .ipynb file?`,
    );
  }
  const version = (value as { nbformat?: unknown } | null)?.nbformat;
  if (typeof version === "number" && version !== 4)
    throw new InputError(
      `The notebook ${name} is of format ${version}, and only format 4 is read; open it in Jupyter and save it to convert it.`,
    );
  const parsed = notebook.safeParse(value);
  if (!parsed.success) {
    const issue = parsed.error.issues[0]!;
    const place = issue.path.length > 0 ? ` at ${issue.path.join(".")}` : "";
    throw new InputError(`The file ${name} is not a Jupyter notebook: ${issue.message}${place}.`);
  }
  return parsed.data as Notebook;
}

/** The file's text: keys sorted, one space of indent, text in lines, a final newline. The same notebook gives the same bytes. */
export function formatNotebook(book: Notebook): string {
  const cells = book.cells.map((one) => ({
    ...one,
    source: toLines(one.source),
    ...(one.outputs && { outputs: one.outputs.map(formatOutput) }),
  }));
  return `${JSON.stringify(sorted({ ...book, cells }), null, 1)}\n`;
}

/**
 * Writes a notebook whole or not at all.
 * @throws RunError when it cannot be written.
 */
export function writeNotebook(path: string, book: Notebook): void {
  writeFileWhole(path, formatNotebook(book));
}

function formatOutput(one: Output): unknown {
  if (one.output_type === "stream") return { ...one, text: toLines(one.text) };
  if (one.output_type === "error") return one;
  const bundle = Object.entries(one.data).map(([mime, value]) => [
    mime,
    isText(mime) && typeof value === "string" ? toLines(value) : value,
  ]);
  return { ...one, data: Object.fromEntries(bundle) as Record<string, unknown> };
}

/** The formats that Jupyter stores line by line. */
function isText(mime: string): boolean {
  return mime.startsWith("text/") || mime === "application/javascript" || mime === "image/svg+xml";
}

function isLines(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((line) => typeof line === "string");
}

/** Lines with their ends, as Python's `splitlines(True)` gives them for the ends that JSON text has in practice. */
function toLines(whole: string): string[] {
  return whole.match(/[^\n]*\n|[^\n]+$/g) ?? [];
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  return Object.fromEntries(entries.map(([key, inner]) => [key, sorted(inner)]));
}
