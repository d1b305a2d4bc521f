import { MatchAgent } from "../agents/index.js";
import { type Catalogue, openEnvironment } from "../simulator/index.js";
import { isSuccess } from "../records/index.js";
import type { MainResult } from "./main-results.js";

/** A page of an episode, as a figure draws it. */
export interface SamplePage {
  readonly kind: string;
  /** The page's texts without the instruction, in order; `chosen` is what was clicked. */
  readonly lines: readonly { readonly text: string; readonly chosen: boolean }[];
  /** The action on it; "" on the last. */
  readonly action: string;
}

/** One played episode to look at. */
export interface SampleEpisode {
  readonly agent: string;
  readonly goal: number;
  readonly instruction: string;
  readonly pages: readonly SamplePage[];
  readonly reward: number;
}

const KINDS = ["Search", "Results", "Product", "Option chosen"];

/**
 * An episode to look at: the first success of the match agent's record that asked for one option in few words, played
 * again (the agent draws nothing at random). Null where there is no record or no such episode.
 * @throws RangeError when the episode does not end as the record says
 */
export function sampleEpisode(catalogue: Catalogue, results: readonly MainResult[]): SampleEpisode | null {
  const record = results.find(({ agent }) => agent === "match")?.record;
  const found = record?.results.find(
    (result) =>
      isSuccess(result) &&
      result.options === 1 &&
      result.steps === 4 &&
      catalogue.goal(result.goal).instruction.length < 110,
  );
  if (!found) return null;
  const environment = openEnvironment(catalogue);
  const { instruction } = catalogue.goal(found.goal);
  const played = new MatchAgent().play(environment, found.goal);
  if (played.reward !== found.reward) {
    throw new RangeError(`Goal ${found.goal} no longer ends as its record says: evaluate match again.`);
  }
  const pages = played.steps.map(({ observation, action }, step): SamplePage => {
    const texts = observation
      .split(" [SEP] ")
      .filter((text) => text !== "Instruction:" && text.trim() !== instruction.trim());
    const clicked = /^click\[(.*)\]$/.exec(action)?.[1]?.toLowerCase();
    // A product is opened by its identifier: what is read there is the title beneath it.
    return {
      kind: KINDS[step] ?? "Product",
      lines: texts.map((text) => ({ text, chosen: text.toLowerCase() === clicked })),
      action,
    };
  });
  const last: SamplePage = {
    kind: "Bought",
    lines: [{ text: "Thank you for shopping with us!", chosen: false }],
    action: "",
  };
  return { agent: "match", goal: found.goal, instruction, pages: [...pages, last], reward: played.reward };
}
