/** How much there is to do in a notebook, before it is done. */
import { readNotebook } from "./nbformat.js";
import { parametersOf } from "./parameters.js";
import { readCellTimes } from "./times.js";

/** A notebook about to be run. */
export interface NotebookEstimate {
  readonly file: string;
  /** Its first heading, else its file name. */
  readonly title: string;
  /** Cells with code in them. */
  readonly cells: number;
  readonly seconds: number;
  readonly parameters: readonly string[];
}

/** A kernel's start and end. */
const KERNEL_SECONDS = 2;
/** A cell of which nothing is known. */
const CELL_SECONDS = 0.5;

/**
 * Seconds come from the last run on this machine; for a cell that never ran here, from the notebook's own word
 * (`metadata.aisle.seconds`, by profile), else they are guessed.
 * @throws InputError when it is no notebook
 */
export function estimateNotebook(file: string, profile: string): NotebookEstimate {
  const book = readNotebook(file);
  const code = book.cells.filter((cell) => cell.cell_type === "code" && cell.source.trim() !== "");
  const times = readCellTimes(file);
  const known = code.map((cell) => times.get(cell.source));
  const said = (book.metadata["aisle"] as { seconds?: Record<string, number> } | undefined)?.seconds?.[
    profile
  ];
  const seconds =
    said !== undefined && known.includes(undefined)
      ? said
      : known.reduce<number>((sum, one) => sum + (one ?? CELL_SECONDS), KERNEL_SECONDS);
  const heading = book.cells.find((cell) => cell.cell_type === "markdown" && /^# /m.test(cell.source));
  const title = heading ? /^# (.*)$/m.exec(heading.source)![1]!.trim() : file;
  return { file, title, cells: code.length, seconds, parameters: parametersOf(book).map((one) => one.name) };
}
