/** Bringing one file of the hub to disk, whole and checked, whatever happens to the connection. */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { type FileHandle, open, rename, rm, stat } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { RunError, whyNot } from "../../base/index.js";
import { networkReason, PassingError, type HubFile, type HubRepo } from "./hub-api.js";

/** Tries without a single new byte before a download is given up. */
const TRIES = 5;

/** What happens meanwhile. */
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
  let fetched = 0;
  let failures = 0;
  for (;;) {
    let here = await sizeOf(part);
    if (here > file.size) {
      await rm(part, { force: true });
      here = 0;
    }
    events.onBytes(here);
    if (here === file.size && file.size > 0) break;
    const { bytes, lost } = await append(repo, commit, file, part, here, events);
    fetched += bytes;
    if (lost === undefined) break;
    if (events.signal?.aborted) {
      throw new RunError("Stopped. What has arrived is kept, and pulling again goes on from there.");
    }
    if (bytes > 0) failures = 0;
    if (++failures >= TRIES) throw lost;
    events.onRetry?.(`${lost.message} Trying again.`);
    const wait = (events.retryMs ?? 1000) * 2 ** (failures - 1);
    await sleep(wait, undefined, events.signal ? { signal: events.signal } : {}).catch(() => undefined);
  }
  if ((await hashOf(part, file)) !== file.hash) {
    await rm(part, { force: true });
    throw new RunError(`${file.path} of ${repo.name} arrived damaged and was deleted; pull it again.`);
  }
  await rename(part, blob);
  return fetched;
}

/** Appends what the server sends from byte `from` on; a lost connection is returned with what came before it. */
async function append(
  repo: HubRepo,
  commit: string,
  file: HubFile,
  part: string,
  from: number,
  { onBytes, signal }: DownloadEvents,
): Promise<{ readonly bytes: number; readonly lost?: PassingError }> {
  const output = await openPart(part, "a");
  let here = from;
  try {
    if (file.size === 0) return { bytes: 0 };
    let body = await repo.open(commit, file, from, signal);
    if (body === undefined) {
      // A server that cannot go on in the middle: from the start, then.
      await output.truncate(0);
      here = from = 0;
      body = await repo.open(commit, file, 0, signal);
    }
    if (body === undefined) throw new PassingError(`${file.path} of ${repo.name} came without content.`);
    const reader = body.getReader();
    try {
      for (;;) {
        const { value } = await reader.read().catch((error: unknown) => {
          throw new PassingError(
            `The connection was lost while ${file.path} came in (${networkReason(error)}).`,
          );
        });
        if (value === undefined) break;
        await writeAll(output, value, part);
        here += value.byteLength;
        onBytes(Math.min(here, file.size));
      }
    } finally {
      await reader.cancel().catch(() => undefined);
    }
    if (here < file.size) throw new PassingError(`${file.path} of ${repo.name} ended too early.`);
    return { bytes: here - from };
  } catch (error) {
    if (error instanceof PassingError) return { bytes: here - from, lost: error };
    throw error;
  } finally {
    await output.close();
  }
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

async function openPart(path: string, flags: string): Promise<FileHandle> {
  try {
    return await open(path, flags);
  } catch (error) {
    throw new RunError(`Could not write ${path}: ${whyNot(error)}.`);
  }
}

async function writeAll(output: FileHandle, bytes: Uint8Array, path: string): Promise<void> {
  try {
    await output.writeFile(bytes);
  } catch (error) {
    throw new RunError(`Could not write ${path}: ${whyNot(error)}; what is there is kept for the next try.`);
  }
}

async function sizeOf(path: string): Promise<number> {
  try {
    return (await stat(path)).size;
  } catch {
    return 0;
  }
}
