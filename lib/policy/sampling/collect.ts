import type { Sample, SampledToken, SampleRequest } from "./types.js";

interface Growing {
  ids: number[];
  logProbs: number[];
  drawnLogProbs: number[];
  entropies: number[];
  scored?: boolean[];
  finish: Sample["finish"];
  choice?: number;
}

/** Gathers tokens into finished samples, `[request][sample]`. */
export async function collect(
  requests: readonly SampleRequest[],
  tokens: AsyncIterable<SampledToken>,
): Promise<Sample[][]> {
  const samples = requests.map(({ n = 1, given }) =>
    Array.from({ length: n }, (): Growing => ({
      ...(given ? { scored: [] } : {}),
      ids: [],
      logProbs: [],
      drawnLogProbs: [],
      entropies: [],
      finish: "length",
    })),
  );
  for await (const token of tokens) {
    const sample = samples[token.request]![token.sample]!;
    sample.ids.push(token.id);
    sample.scored?.push(!token.given);
    sample.logProbs.push(token.logProb);
    sample.drawnLogProbs.push(token.drawnLogProb);
    sample.entropies.push(token.entropy);
    if (token.finish) sample.finish = token.finish;
    if (token.choice !== undefined) sample.choice = token.choice;
  }
  return samples;
}
