/** Bringing bytes to disk over a connection that may break: what has arrived stays, and the next try goes on from there. */
import { type FileHandle, mkdir, open, rm, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { InputError, messageOf, RunError } from "./errors.js";
import { whyNot } from "./files.js";

/** A failure that may pass by itself: no connection, or a server in trouble. */
export class PassingError extends RunError {}

/** Attempts in a row that may fail without a byte gained. */
const ATTEMPTS = 5;

/** A file, or a part of it, from a server. */
export interface Content {
  /** Null where nothing is left to send. */
  readonly body: AsyncIterable<Uint8Array> | null;
  /** The byte of the file at which it begins: as asked for, or 0 from a server that sends whole files only. */
  readonly start: number;
  /** Bytes of the whole file, or null where that is unknown. */
  readonly total: number | null;
}

/** Where bytes come from, and what is told meanwhile. */
export interface ResumeOptions {
  /**
   * Asks for the file from byte `have` on.
   * @throws InputError for what will not pass; whatever else it throws is tried again
   */
  readonly open: (have: number, signal: AbortSignal) => Promise<Content>;
  /** A lost connection in a sentence. Default: its message. */
  readonly lost?: (error: unknown) => string;
  /** Bytes of the file that are on disk and, where known, bytes in all. */
  readonly onBytes?: (bytes: number, total: number | null) => void;
  /** Told before another attempt. */
  readonly onRetry?: (failure: PassingError) => void;
  /** Milliseconds before the next attempt, doubled for each further one that gains nothing. Default 1000. */
  readonly patience?: number | undefined;
  /** Milliseconds without a byte after which a connection counts as lost. Default 60000. */
  readonly stalled?: number | undefined;
  /** Stops the download, pauses included. */
  readonly signal?: AbortSignal | undefined;
}

/** It was stopped by its signal. */
export class Stopped extends RunError {}

/**
 * Fills `part` from what lies in it already to the end of the file. Any number of broken connections is survived as long
 * as each gains something; after one that did, the pauses begin anew.
 * @returns how many bytes came over the network
 * @throws InputError from `open`; PassingError when five attempts in a row gained nothing; Stopped; RunError when the disk is full
 */
export async function resumeDownload(part: string, options: ResumeOptions): Promise<number> {
  const { patience = 1000, signal } = options;
  let fetched = 0;
  let most = await sizeOf(part);
  for (let failures = 0; ;) {
    const { bytes, failure } = await attempt(part, await sizeOf(part), options);
    fetched += bytes;
    if (signal?.aborted) throw new Stopped("Stopped; what arrived is kept.");
    if (failure === null) return fetched;
    const have = await sizeOf(part);
    // A server that sends whole files only begins anew each time: that alone is no progress.
    failures = have > most ? 1 : failures + 1;
    most = Math.max(most, have);
    if (failures >= ATTEMPTS) throw failure;
    options.onRetry?.(failure);
    await sleep(patience * 2 ** (failures - 1), undefined, signal ? { signal } : {}).catch(() => undefined);
    if (signal?.aborted) throw new Stopped("Stopped; what arrived is kept.");
  }
}

/** One connection. What may pass is returned with what came before it; the rest is thrown. */
async function attempt(
  part: string,
  have: number,
  options: ResumeOptions,
): Promise<{ readonly bytes: number; readonly failure: PassingError | null }> {
  const { lost = (error) => messageOf(error), stalled = 60_000, signal } = options;
  const silence = new AbortController();
  const silent = (): void =>
    silence.abort(new PassingError(`Nothing came for ${Math.round(stalled / 1000)} seconds.`));
  let timer = setTimeout(silent, stalled);
  let bytes = 0;
  let output: FileHandle | null = null;
  try {
    const { body, start, total } = await options.open(
      have,
      signal ? AbortSignal.any([signal, silence.signal]) : silence.signal,
    );
    output = await openPart(part);
    if (start !== have) await output.truncate(start);
    let here = start;
    options.onBytes?.(here, total);
    for await (const chunk of body ?? []) {
      clearTimeout(timer);
      timer = setTimeout(silent, stalled);
      await write(output, chunk, part);
      bytes += chunk.length;
      here += chunk.length;
      options.onBytes?.(here, total);
    }
    if (total !== null && here !== total) {
      if (here > total) await rm(part, { force: true });
      throw new PassingError(`It ended after ${here} of ${total} bytes.`);
    }
    return { bytes, failure: null };
  } catch (error) {
    if (silence.signal.aborted) return { bytes, failure: silence.signal.reason as PassingError };
    if (error instanceof PassingError) return { bytes, failure: error };
    if (error instanceof InputError || error instanceof RunError) throw error;
    return { bytes, failure: new PassingError(lost(error)) };
  } finally {
    clearTimeout(timer);
    await output?.close();
  }
}

async function openPart(part: string): Promise<FileHandle> {
  try {
    await mkdir(dirname(part), { recursive: true });
    return await open(part, "a");
  } catch (error) {
    throw new RunError(`Could not write ${part}: ${whyNot(error)}.`);
  }
}

async function write(output: FileHandle, bytes: Uint8Array, part: string): Promise<void> {
  try {
    await output.writeFile(bytes);
  } catch (error) {
    throw new RunError(`Could not write ${part}: ${whyNot(error)}; what is there is kept for the next try.`);
  }
}

async function sizeOf(path: string): Promise<number> {
  try {
    return (await stat(path)).size;
  } catch {
    return 0;
  }
}
