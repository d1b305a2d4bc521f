import { createHash } from "node:crypto";
import {
  closeSync,
  createReadStream,
  existsSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { InputError, messageOf, readJson, RunError, whyNot, writeJson } from "../../base/index.js";

/** Attempts in a row that may fail without a byte gained. */
const ATTEMPTS = 5;

export interface DownloadOptions {
  /** Bytes that are there and, where the server says so, bytes in all. */
  readonly progress?: (bytes: number, total: number | null) => void;
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds before the second attempt, doubled for each further one. Default 1000. */
  readonly patience?: number;
}

/** A file that arrived whole. */
export interface Downloaded {
  readonly url: string;
  readonly bytes: number;
  readonly sha256: string;
}

const stateSchema = z.object({
  url: z.string(),
  validator: z.string().nullable(),
  total: z.number().nullable(),
});
type State = z.infer<typeof stateSchema>;

/**
 * Downloads a file. What has arrived stays in `PATH.part`, and the next call goes on from there where the server can and
 * the file there is still the same; the file appears under its own name only when it is whole.
 * @throws RunError when the network or the server fails; InputError when there is no such file at the address.
 */
export async function download(
  url: string,
  path: string,
  options: DownloadOptions = {},
): Promise<Downloaded> {
  const part = `${path}.part`;
  mkdirSync(dirname(path), { recursive: true });
  let wait = options.patience ?? 1000;
  for (let failures = 0; ;) {
    const before = sizeOf(part);
    try {
      await attempt(url, part, options);
      break;
    } catch (error) {
      if (error instanceof InputError || options.signal?.aborted)
        throw interrupted(error, options.signal, path);
      failures = sizeOf(part) > before ? 1 : failures + 1;
      if (failures >= ATTEMPTS) {
        const why =
          error instanceof RunError ? error.message : `Could not download ${url}: ${reason(error)}.`;
        throw new RunError(`${why} Run it again to go on from there.`);
      }
      await sleep(wait);
      wait *= 2;
    }
  }
  const sha256 = await hashOf(part);
  const bytes = sizeOf(part);
  renameSync(part, path);
  rmSync(`${part}.json`, { force: true });
  return { url, bytes, sha256 };
}

/** One request, from where the part ends. Returns when the file is whole. */
async function attempt(url: string, part: string, options: DownloadOptions): Promise<void> {
  let state = readState(part, url);
  const have = state === null ? 0 : sizeOf(part);
  const headers: Record<string, string> = { "accept-encoding": "identity" };
  if (state !== null && have > 0) {
    headers["range"] = `bytes=${have}-`;
    if (state.validator !== null) headers["if-range"] = state.validator;
  }
  const response = await fetch(url, { headers, ...(options.signal ? { signal: options.signal } : {}) });
  if (response.status === 416 && state?.total === have) {
    await response.body?.cancel();
    return;
  }
  const resumed = response.status === 206 && continues(response, have, state);
  if (!resumed && response.status !== 200) {
    await response.body?.cancel();
    if (response.status === 206 || response.status === 416) {
      rmSync(part, { force: true });
      rmSync(`${part}.json`, { force: true });
      throw new RunError(`${url} has changed while it was downloaded.`);
    }
    const text = `${url} answered ${response.status} ${response.statusText}`.trim();
    if (
      response.status >= 400 &&
      response.status < 500 &&
      response.status !== 429 &&
      response.status !== 408
    ) {
      throw new InputError(`${text}: check the address, or fetch the file by hand.`);
    }
    throw new RunError(`${text}.`);
  }
  if (/text\/html/i.test(response.headers.get("content-type") ?? "")) {
    await response.body?.cancel();
    throw new InputError(
      `${url} answered with a web page instead of the file: open it in a browser and fetch it by hand.`,
    );
  }
  const start = resumed ? have : 0;
  const length = response.headers.get("content-length");
  const total = length === null ? null : start + Number(length);
  if (!resumed) {
    state = { url, validator: validatorOf(response), total };
    writeJson(`${part}.json`, state);
  }
  const file = openPart(part, resumed);
  let bytes = start;
  try {
    for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
      for (let done = 0; done < chunk.length;) done += write(file, chunk, done, part);
      bytes += chunk.length;
      options.progress?.(bytes, total);
    }
  } finally {
    closeSync(file);
  }
  if (total !== null && bytes !== total) throw new RunError(`${url} ended after ${bytes} of ${total} bytes.`);
}

/** Whether the server goes on where the part ends, in the same file. */
function continues(response: Response, have: number, state: State | null): boolean {
  const range = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(response.headers.get("content-range") ?? "");
  if (!range || Number(range[1]) !== have) return false;
  const validator = validatorOf(response);
  if (state?.validator && validator && validator !== state.validator) return false;
  return range[2] === "*" || !state?.total || Number(range[2]) === state.total;
}

/** What tells one version of the file from another: a strong ETag, or the date of the last change. */
function validatorOf(response: Response): string | null {
  const tag = response.headers.get("etag");
  return tag !== null && !tag.startsWith("W/") ? tag : response.headers.get("last-modified");
}

function readState(part: string, url: string): State | null {
  if (!existsSync(part) || !existsSync(`${part}.json`)) return null;
  try {
    const state = stateSchema.parse(readJson(`${part}.json`));
    return state.url === url ? state : null;
  } catch {
    return null; // A record that cannot be read is no reason to stop: the download begins anew.
  }
}

function openPart(part: string, append: boolean): number {
  try {
    return openSync(part, append ? "a" : "w");
  } catch (error) {
    throw new InputError(`Could not write ${part}: ${whyNot(error)}.`);
  }
}

function write(file: number, chunk: Uint8Array, from: number, part: string): number {
  try {
    return writeSync(file, chunk, from);
  } catch (error) {
    throw new InputError(`Could not write ${part}: ${whyNot(error)}.`);
  }
}

function interrupted(error: unknown, signal: AbortSignal | undefined, path: string): unknown {
  return signal?.aborted
    ? new RunError(`Stopped; what arrived is in ${path}.part and will be used next time.`)
    : error;
}

function sizeOf(path: string): number {
  return existsSync(path) ? statSync(path).size : 0;
}

async function hashOf(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(chunk as Buffer);
  return hash.digest("hex");
}

/** `fetch` hides what happened in the error's cause. */
function reason(error: unknown): string {
  return error instanceof Error && error.cause !== undefined ? messageOf(error.cause) : messageOf(error);
}
