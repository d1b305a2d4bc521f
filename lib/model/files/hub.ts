/**
 * Fetching a model from the Hugging Face hub into the cache that all its tools share. What there is, is asked through
 * @huggingface/hub; the bytes are fetched by `download`, because that package neither resumes nor reports progress.
 */
import { existsSync, statfsSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { InputError, PassingError, RunError } from "../../base/index.js";
import { HubRepo, type HubFile } from "./hub-api.js";
import { CachedRepo, isRepoName, isRevision, noRevision, type Environment } from "./hub-cache.js";
import { download } from "./hub-download.js";
import { loadModel } from "./model-folder.js";
import { readSafetensorsHeader } from "./safetensors-header.js";

/** How far a download is. */
export interface PullProgress {
  /** The file that is coming in. */
  readonly file: string;
  /** Bytes here so far, of all files, those of earlier runs included. */
  readonly done: number;
  /** Bytes in all. */
  readonly total: number;
}

/** How to pull. */
export interface PullOptions {
  /** A branch, a tag or a commit. __Default:__ `main` */
  readonly revision?: string;
  /** Where `HF_TOKEN`, `HF_ENDPOINT`, `HF_HOME`, `HF_HUB_CACHE`, `HF_HUB_OFFLINE` are looked up. __Default:__ `process.env` */
  readonly environment?: Environment;
  /** Called as bytes arrive. */
  readonly onProgress?: (progress: PullProgress) => void;
  /** Called with a sentence when a connection is lost and tried again. */
  readonly onRetry?: (what: string) => void;
  /** The first wait before trying again, in milliseconds, doubled each time. __Default:__ 1000 */
  readonly retryMs?: number;
  /** Stops the download; what has arrived is kept. */
  readonly signal?: AbortSignal;
}

/** A model that was pulled. */
export interface PulledModel {
  /** The model folder: a snapshot in the cache. */
  readonly folder: string;
  readonly commit: string;
  /** Bytes that came over the network now. */
  readonly fetched: number;
  /** Whether the hub could not be reached and what was here already serves. */
  readonly offline: boolean;
}

/**
 * Pulls a model's configuration, weights and tokenizer. What is in the cache already is not fetched again, and what was cut
 * off goes on where it stopped.
 * @throws InputError when the name is malformed, or the hub knows no such model or revision or does not let it be read
 * @throws RunError when the hub cannot be reached, a file arrives damaged, or the disk is full
 */
export async function pullModel(name: string, options: PullOptions = {}): Promise<PulledModel> {
  const { revision = "main", environment = process.env } = options;
  if (!isRepoName(name)) {
    throw new InputError(
      `"${name}" is not a model on the hub; a name looks like Qwen/Qwen2.5-1.5B-Instruct.`,
    );
  }
  if (!isRevision(revision)) throw noRevision(revision);
  const hub = new HubRepo(name, revision, environment);
  const cache = new CachedRepo(name, environment);
  let commit: string;
  let files: readonly HubFile[];
  try {
    commit = await hub.commit();
    files = await hub.files(commit);
  } catch (error) {
    const known = cache.commit(revision);
    if (!(error instanceof PassingError) || known === undefined || !isWhole(cache.snapshot(known)))
      throw error;
    return { folder: cache.snapshot(known), commit: known, fetched: 0, offline: true };
  }

  const total = files.reduce((sum, { size }) => sum + size, 0);
  const missing = files.filter(({ hash }) => !existsSync(cache.blob(hash)));
  let done = total - missing.reduce((sum, { size }) => sum + size, 0);
  checkSpace(cache, missing);
  let fetched = 0;
  for (const file of files) {
    const before = done;
    if (!existsSync(cache.blob(file.hash))) {
      fetched += await download(hub, commit, file, cache.blob(file.hash), {
        ...options,
        onBytes: (here) => options.onProgress?.({ file: file.path, done: before + here, total }),
      });
    }
    if (missing.includes(file)) done += file.size;
    cache.place(commit, file.path, file.hash);
  }
  cache.setCommit(revision, commit); // last: a revision is known here when its files are
  return { folder: cache.snapshot(commit), commit, fetched, offline: false };
}

/** Whether a snapshot can serve as a model, or as an adapter. */
function isWhole(folder: string): boolean {
  try {
    const alone = existsSync(join(folder, "adapter_config.json")) && !existsSync(join(folder, "config.json"));
    if (alone) readSafetensorsHeader(join(folder, "adapter_model.safetensors"));
    else loadModel(folder);
    return true;
  } catch {
    return false;
  }
}

/** Refuses a download that cannot fit before it begins. */
function checkSpace(cache: CachedRepo, missing: readonly HubFile[]): void {
  if (missing.length === 0) return;
  const folder = dirname(cache.blob(missing[0]!.hash));
  const needed = missing.reduce((sum, { hash, size }) => {
    const part = `${cache.blob(hash)}.incomplete`;
    return sum + size - (existsSync(part) ? Math.min(size, statSync(part).size) : 0);
  }, 0);
  const { bavail, bsize } = statfsSync(folder);
  if (bavail * bsize < needed) {
    const gigabytes = (bytes: number): string => (bytes / 1e9).toFixed(1);
    throw new RunError(
      `The download needs ${gigabytes(needed)} GB and ${folder} has ${gigabytes(bavail * bsize)} GB free; ` +
        "make room, or set HF_HUB_CACHE to a folder on another disk.",
    );
  }
}
