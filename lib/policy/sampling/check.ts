import { InputError } from "../../base/index.js";
import { checkIds, type Limits } from "../pack.js";
import { tokenTrie, type TrieNode } from "./trie.js";
import type { SampleOptions, SampleRequest } from "./types.js";

/**
 * Refuses requests that cannot be sampled, before any work begins.
 * @throws InputError saying which request or option is wrong.
 */
export function checkRequests(
  requests: readonly SampleRequest[],
  options: SampleOptions,
  limits: Limits,
): void {
  const { temperature = 1, topP = 1, topK = 0, maxTokens, stop = [] } = options;
  if (!(temperature >= 0 && temperature < Infinity)) {
    throw new InputError(`The temperature must be at least 0, not ${temperature}.`);
  }
  if (!(topP > 0 && topP <= 1)) throw new InputError(`top-p must be in (0, 1], not ${topP}.`);
  if (!Number.isInteger(topK) || topK < 0) throw new InputError(`top-k must be 0 or more, not ${topK}.`);
  if (!Number.isInteger(maxTokens) || maxTokens < 1) {
    throw new InputError(`The most tokens of a sample must be a positive integer, not ${maxTokens}.`);
  }
  checkIds(stop, "The list of stop tokens", limits);
  if (requests.length === 0) throw new InputError("There is nothing to sample: give at least one prompt.");
  requests.forEach(({ prompt, n = 1, first = 0, numbers, shared = 0, given = [], choices }, r) => {
    if (prompt.length === 0) throw new InputError(`Prompt ${r} is empty: give at least one token.`);
    if (!Number.isInteger(n) || n < 1) {
      throw new InputError(`Prompt ${r} must have a positive number of samples, not ${n}.`);
    }
    if (!Number.isInteger(first) || first < 0) {
      throw new InputError(`The first sample of prompt ${r} must be 0 or more, not ${first}.`);
    }
    if (
      numbers &&
      (numbers.length !== n || !numbers.every((number) => Number.isInteger(number) && number >= 0))
    ) {
      throw new InputError(`Prompt ${r} needs a number of at least 0 for each of its ${n} samples.`);
    }
    if (!Number.isInteger(shared) || shared < 0 || shared >= prompt.length) {
      throw new InputError(
        `Prompt ${r} of ${prompt.length} tokens cannot share its first ${shared}: leave it at least one.`,
      );
    }
    checkIds(prompt, `Prompt ${r}`, limits);
    if (given.length > 0 && choices) {
      throw new InputError(`Prompt ${r} has both given tokens and choices: give one of them.`);
    }
    checkIds(
      given.filter((id) => id !== null),
      `The given tokens of prompt ${r}`,
      limits,
    );
    const most = given.length + maxTokens;
    if (prompt.length + most > limits.maxPositions) {
      throw new InputError(
        `Prompt ${r} has ${prompt.length} tokens; with ${most} new ones it exceeds the model's ` +
          `${limits.maxPositions} positions: shorten it.`,
      );
    }
    if (choices) checkChoices(choices, r, maxTokens, stop, limits);
  });
}

function checkChoices(
  choices: readonly (readonly number[])[],
  request: number,
  maxTokens: number,
  stop: readonly number[],
  limits: Limits,
): void {
  choices.forEach((ids, c) => {
    checkIds(ids, `Choice ${c} of prompt ${request}`, limits);
    if (ids.length > maxTokens) {
      throw new InputError(
        `Choice ${c} of prompt ${request} has ${ids.length} tokens, more than the ${maxTokens} allowed.`,
      );
    }
  });
  const trie = tokenTrie(choices);
  const nested = (node: TrieNode): number =>
    node.choice >= 0 && node.next.size > 0
      ? node.choice
      : ([...node.next.values()].map(nested).find((choice) => choice >= 0) ?? -1);
  const inner = nested(trie);
  if (inner >= 0 && stop.length === 0) {
    throw new InputError(
      `Choice ${inner} of prompt ${request} is the beginning of another: give a stop token to end it with.`,
    );
  }
}
