import { createHash } from "node:crypto";
import { createReadStream, existsSync, renameSync, rmSync, statSync } from "node:fs";
import { z } from "zod";
import {
  type Content,
  InputError,
  messageOf,
  PassingError,
  readJson,
  resumeDownload,
  RunError,
  Stopped,
  writeJson,
} from "../../base/index.js";

export interface DownloadOptions {
  /** Bytes that are there and, where the server says so, bytes in all. */
  readonly progress?: (bytes: number, total: number | null) => void;
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds before another attempt, doubled for each further one that gains nothing. Default 1000. */
  readonly patience?: number;
  /** Milliseconds without a byte after which a connection counts as lost. Default 60000. */
  readonly stalled?: number;
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
  try {
    await resumeDownload(part, {
      open: (have, signal) => openAt(url, part, have, signal),
      lost: (error) => `Could not download ${url}: ${reason(error)}.`,
      ...(options.progress ? { onBytes: options.progress } : {}),
      patience: options.patience,
      stalled: options.stalled,
      signal: options.signal,
    });
  } catch (error) {
    if (error instanceof Stopped) {
      throw new RunError(`Stopped; what arrived is in ${part} and will be used next time.`);
    }
    if (!(error instanceof PassingError)) throw error;
    const where = error.message.includes(url) ? "" : `Could not download ${url}: `;
    throw new RunError(`${where}${error.message} Run it again to go on from there.`);
  }
  const sha256 = await hashOf(part);
  const bytes = sizeOf(part);
  renameSync(part, path);
  rmSync(`${part}.json`, { force: true });
  return { url, bytes, sha256 };
}

/** One request, from where the part ends. */
async function openAt(url: string, part: string, size: number, signal: AbortSignal): Promise<Content> {
  const state = readState(part, url);
  const have = state === null ? 0 : size;
  const headers: Record<string, string> = { "accept-encoding": "identity" };
  if (state !== null && have > 0) {
    headers["range"] = `bytes=${have}-`;
    if (state.validator !== null) headers["if-range"] = state.validator;
  }
  const response = await fetch(url, { headers, signal });
  if (response.status === 416 && state?.total === have) {
    await response.body?.cancel();
    return { body: null, start: have, total: have };
  }
  const resumed = response.status === 206 && continues(response, have, state);
  if (!resumed && response.status !== 200) {
    await response.body?.cancel();
    if (response.status === 206 || response.status === 416) {
      rmSync(part, { force: true });
      rmSync(`${part}.json`, { force: true });
      throw new PassingError(`${url} has changed while it was downloaded.`);
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
    throw new PassingError(`${text}.`);
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
  if (!resumed) writeJson(`${part}.json`, { url, validator: validatorOf(response), total } satisfies State);
  return { body: response.body as AsyncIterable<Uint8Array> | null, start, total };
}

/** Whether the server goes on where the part ends, in the same file. */
function continues(response: Response, have: number, state: State | null): boolean {
  const range = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(response.headers.get("content-range") ?? "");
  if (!range || Number(range[1]) !== have) return false;
  const validator = validatorOf(response);
  if (state?.validator && validator && validator !== state.validator) return false;
  return range[2] === "*" || !state?.total || Number(range[2]) === state.total;
}

/** The version of the file: a strong ETag, or the date of the last change. */
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
