/** Runs a notebook from top to bottom without a Jupyter, on the very kernel that Jupyter would use. */
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { besideName, InputError, RunError, whyNot } from "../base/index.js";
import { startKernelClient, type KernelClient, type KernelOptions } from "./client.js";
import { KERNEL_NAME } from "./kernelspec.js";
import { formatNotebook, readNotebook, writeNotebook, type Cell, type Notebook } from "./nbformat.js";
import { createCollector } from "./outputs.js";
import { withParameters, type ParameterValue } from "./parameters.js";
import { readCellTimes, type CellTimes } from "./times.js";

/** How far a run is. */
export interface RunProgress {
  readonly notebook: string;
  /** The cell that starts, from 1; `cells + 1` when all are done. */
  readonly cell: number;
  readonly cells: number;
  readonly secondsLeft: number | undefined;
}

/** The notebook to run and the settings. */
export interface RunOptions {
  /** Where the executed notebook goes. Default: the notebook itself. */
  readonly out?: string | undefined;
  /** Values for the cell tagged `parameters`. */
  readonly parameters?: Readonly<Record<string, ParameterValue>> | undefined;
  /** Seconds that one cell may take. Default: as long as it needs. */
  readonly timeoutSeconds?: number | undefined;
  /** Aborting it interrupts the running cell, saves what ran and ends the kernel. */
  readonly signal?: AbortSignal | undefined;
  readonly kernel?: KernelOptions | undefined;
  readonly onProgress?: ((progress: RunProgress) => void) | undefined;
}

/** A run that ended well. */
export interface RunResult {
  readonly out: string;
  readonly cells: number;
  readonly seconds: number;
}

/** A cell failed, or the kernel died under it. What ran before it is saved. */
export class CellError extends RunError {
  constructor(
    readonly notebook: string,
    /** The cell's number among the code cells, from 1: the one in Jupyter's brackets. */
    readonly cell: number,
    /** The line of the cell, from 1, when it is known. */
    readonly line: number | undefined,
    message: string,
  ) {
    super(message);
  }
}

/** How long an interrupted cell may take to notice. */
const INTERRUPT_MS = 3000;

/**
 * Runs a notebook and writes it with its outputs.
 * @throws InputError for a notebook or parameter that is not there, CellError when a cell fails, RunError when the kernel does
 * not start, the run is aborted or the result cannot be written.
 */
export async function runNotebook(file: string, options: RunOptions = {}): Promise<RunResult> {
  const out = options.out ?? file;
  const book = prepare(readNotebook(file), options.parameters ?? {}, file);
  checkWritable(out);
  const cells = book.cells.filter(isCode);
  const times = readCellTimes(file);
  const started = performance.now();
  if (options.signal?.aborted) throw new RunError(`${file} was not run: interrupted.`);
  const kernel = await startKernelClient(options.kernel);
  const killAtOnce = (): void => kernel.kill();
  try {
    book.metadata["language_info"] = kernel.languageInfo;
    await runCells(kernel, cells, { ...options, file, times, started });
    times.save();
  } finally {
    await kernel.shutdown().catch(killAtOnce);
    save(out, book);
  }
  return { out, cells: cells.length, seconds: (performance.now() - started) / 1000 };
}

/** An untouched copy of what will run: parameters in, old outputs out, kernel and cell names filled in. */
function prepare(
  book: Notebook,
  parameters: Readonly<Record<string, ParameterValue>>,
  file: string,
): Notebook {
  const spec = book.metadata["kernelspec"] as { language?: unknown; name?: unknown } | undefined;
  const language = spec?.language ?? "typescript";
  if (language !== "typescript")
    throw new InputError(
      `The notebook ${file} is written in ${String(language)}; this kernel runs TypeScript.`,
    );
  const ready = withParameters(book, parameters, file);
  ready.metadata = {
    ...ready.metadata,
    // A notebook made elsewhere (plain tslab) from now on finds the kernel that has run it.
    kernelspec: { display_name: "TypeScript (Aisle)", language: "typescript", name: KERNEL_NAME },
  };
  const taken = new Set(ready.cells.map((cell) => cell.id));
  ready.cells.forEach((cell, index) => {
    if (cell.cell_type === "code") {
      cell.outputs = [];
      cell.execution_count = null;
    }
    if (cell.id !== undefined || ready.nbformat_minor < 5) return;
    let id = `cell-${index}`;
    while (taken.has(id)) id += "-";
    taken.add(id);
    cell.id = id;
  });
  return ready;
}

interface CellsOptions extends RunOptions {
  readonly file: string;
  readonly times: CellTimes;
  readonly started: number;
}

async function runCells(kernel: KernelClient, cells: readonly Cell[], options: CellsOptions): Promise<void> {
  const { file, times, signal } = options;
  const collector = createCollector();
  const known = cells.map((cell) => times.get(cell.source));
  for (const [index, cell] of cells.entries()) {
    const number = index + 1;
    options.onProgress?.({
      notebook: file,
      cell: number,
      cells: cells.length,
      secondsLeft: timeLeft(known, index),
    });
    const shown = collector.begin();
    cell.outputs = shown.outputs;
    const began = performance.now();
    const watch = watchCell(kernel, options.timeoutSeconds, signal);
    let reply;
    try {
      reply = await kernel.execute(cell.source, (type, content) => shown.take(type, content));
    } catch (error) {
      const why = watch.reason() ?? (error as Error).message;
      throw new CellError(
        file,
        number,
        undefined,
        failure(file, number, cells.length, cell, undefined, [why]),
      );
    } finally {
      watch.stop();
    }
    cell.execution_count = reply.executionCount;
    known[index] = (performance.now() - began) / 1000;
    if (reply.status !== "ok") {
      const said = cell.outputs.flatMap((output) => (output.output_type === "error" ? output.traceback : []));
      const reason = watch.reason();
      const lines = reason === undefined ? said : [reason];
      throw new CellError(
        file,
        number,
        reply.line,
        failure(file, number, cells.length, cell, reply.line, lines),
      );
    }
    times.set(cell.source, known[index]!);
  }
  options.onProgress?.({ notebook: file, cell: cells.length + 1, cells: cells.length, secondsLeft: 0 });
}

/** Ends a cell that takes too long or is not wanted any more: first by interrupting it, then by killing its kernel. */
function watchCell(kernel: KernelClient, seconds: number | undefined, signal: AbortSignal | undefined) {
  let why: string | undefined;
  let timer: NodeJS.Timeout | undefined;
  const end = (reason: string): void => {
    if (why !== undefined) return;
    why = reason;
    clearTimeout(timer);
    kernel.interrupt();
    timer = setTimeout(() => kernel.kill(), INTERRUPT_MS);
  };
  if (seconds !== undefined)
    timer = setTimeout(() => end(`The cell was stopped after ${seconds} s (--timeout).`), seconds * 1000);
  const onAbort = (): void => end("The run was interrupted.");
  if (signal?.aborted) onAbort();
  signal?.addEventListener("abort", onAbort);
  return {
    reason: () => why,
    stop() {
      clearTimeout(timer);
      signal?.removeEventListener("abort", onAbort);
    },
  };
}

function failure(
  file: string,
  number: number,
  total: number,
  cell: Cell,
  line: number | undefined,
  said: readonly string[],
): string {
  const source = line === undefined ? undefined : cell.source.split("\n")[line - 1]?.trim();
  const place = `${file} failed in cell ${number} of ${total}${line === undefined ? "" : `, line ${line}`}:`;
  return [place, ...(source ? [`    ${source}`] : []), ...said].join("\n");
}

/** Seconds until the end: from the last run where it is known, at the pace so far where it is not. */
function timeLeft(known: readonly (number | undefined)[], done: number): number | undefined {
  const rest = known.slice(done);
  const past = known.slice(0, done) as number[];
  if (rest.some((seconds) => seconds === undefined) && past.length === 0) return undefined;
  const pace = past.reduce((sum, seconds) => sum + seconds, 0) / Math.max(1, past.length);
  return rest.reduce<number>((sum, seconds) => sum + (seconds ?? pace), 0);
}

/** Jupyter gives cells without code no number and sends them nowhere. */
function isCode(cell: Cell): boolean {
  return cell.cell_type === "code" && cell.source.trim() !== "";
}

/** Says before a long run, not after it, that its result has nowhere to go. */
function checkWritable(out: string): void {
  const trial = besideName(out);
  try {
    writeFileSync(trial, "");
  } catch (error) {
    throw new InputError(`The executed notebook cannot be written to ${out}: ${whyNot(error)}; use --out.`);
  } finally {
    if (existsSync(trial)) rmSync(trial);
  }
}

function save(out: string, book: Notebook): void {
  const unchanged = existsSync(out) && readFileSync(out, "utf8") === formatNotebook(book);
  if (!unchanged) writeNotebook(out, book);
}
