/** Bringing one file of the hub to disk, whole and checked, whatever happens to the connection. */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { rename, rm, stat } from "node:fs/promises";
import { type Content, PassingError, resumeDownload, RunError, Stopped, whyNot } from "../../base/index.js";
import { networkReason, type HubFile, type HubRepo } from "./hub-api.js";

/** Progress of a download. */
export interface DownloadEvents {
  /** Bytes of this file that are on disk. */
  readonly onBytes: (here: number) => void;
  /** A connection was lost and is tried again. */
  readonly onRetry?: (what: string) => void;
  /** The first wait before trying again, in milliseconds, doubled each time. __Default:__ 1000 */
  readonly retryMs?: number;
  /** Stops the download; what has arrived is kept. */
  readonly signal?: AbortSignal;
}

/**
 * Brings a file to `blob`. What has arrived lies beside it under `.incomplete`, as for Hugging Face's own tools, and the
 * next try, now or in a later run, goes on from there.
 * @returns how many bytes came over the network
 * @throws InputError when the hub refuses; RunError when the connection stays away, the disk is full or the file is damaged
 */
export async function download(
  repo: HubRepo,
  commit: string,
  file: HubFile,
  blob: string,
  events: DownloadEvents,
): Promise<number> {
  const part = `${blob}.incomplete`;
  if ((await sizeOf(part)) > file.size) await rm(part, { force: true });
  let fetched: number;
  try {
    fetched = await resumeDownload(part, {
      open: (have, signal) => openAt(repo, commit, file, have, signal),
      lost: (error) => `The connection was lost while ${file.path} came in (${networkReason(error)}).`,
      onBytes: (here) => events.onBytes(Math.min(here, file.size)),
      onRetry: (failure) => events.onRetry?.(`${failure.message} Trying again.`),
      patience: events.retryMs,
      signal: events.signal,
    });
  } catch (error) {
    if (!(error instanceof Stopped)) throw error;
    throw new RunError("Stopped. What has arrived is kept, and pulling again goes on from there.");
  }
  if ((await hashOf(part, file)) !== file.hash) {
    await rm(part, { force: true });
    throw new RunError(`${file.path} of ${repo.name} arrived damaged and was deleted; pull it again.`);
  }
  await rename(part, blob);
  return fetched;
}

/** A file of the hub from a byte on. */
async function openAt(
  repo: HubRepo,
  commit: string,
  file: HubFile,
  have: number,
  signal: AbortSignal,
): Promise<Content> {
  const total = file.size;
  if (have === total) return { body: null, start: have, total };
  const rest = await repo.open(commit, file, have, signal);
  if (rest !== undefined) return { body: rest as AsyncIterable<Uint8Array>, start: have, total };
  // A server that cannot go on in the middle: from the start, then.
  const whole = await repo.open(commit, file, 0, signal);
  if (whole === undefined) throw new PassingError(`${file.path} of ${repo.name} came without content.`);
  return { body: whole as AsyncIterable<Uint8Array>, start: 0, total };
}

/** The name under which the hub knows a content: its SHA-256, or Git's SHA-1 over a short header and the content. */
function hashOf(path: string, file: HubFile): Promise<string> {
  const hash = createHash(file.kind === "git" ? "sha1" : "sha256");
  if (file.kind === "git") hash.update(`blob ${file.size}\0`);
  return new Promise((resolve, reject) => {
    createReadStream(path)
      .on("data", (piece) => hash.update(piece))
      .on("error", (error) => reject(new RunError(`Could not read ${path}: ${whyNot(error)}.`)))
      .on("end", () => resolve(hash.digest("hex")));
  });
}

async function sizeOf(path: string): Promise<number> {
  try {
    return (await stat(path)).size;
  } catch {
    return 0;
  }
}
