/** Requests in pieces, for several replicas or for a small memory: a sample does not depend on its company (generate.ts). */
import type { Sample, SampleRequest } from "./types.js";

/** A request, or some of its samples, and where the result belongs. */
export interface Piece {
  readonly index: number;
  readonly request: SampleRequest;
}

/** A request as at most `parts` requests for about as many samples each. */
export function cut(request: SampleRequest, parts: number): SampleRequest[] {
  const { n = 1, first = 0 } = request;
  const count = Math.min(parts, n);
  return Array.from({ length: count }, (_, i) => {
    const [from, to] = [Math.floor((i * n) / count), Math.floor(((i + 1) * n) / count)];
    const numbers = request.numbers?.slice(from, to);
    return { ...request, first: first + from, n: to - from, ...(numbers ? { numbers } : {}) };
  });
}

/** Puts the samples of pieces where they belong among those of the requests that were cut. */
export function place(
  samples: Sample[][],
  requests: readonly SampleRequest[],
  pieces: readonly Piece[],
  drawn: readonly (readonly Sample[])[],
): void {
  drawn.forEach((of, i) => {
    const { index, request } = pieces[i]!;
    const offset = (request.first ?? 0) - (requests[index]!.first ?? 0);
    of.forEach((sample, s) => (samples[index]![offset + s] = sample));
  });
}
