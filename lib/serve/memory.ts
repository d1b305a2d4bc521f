import { getHeapStatistics } from "node:v8";
import type { SessionState } from "../simulator/index.js";

/** Bytes of a session's own objects: its entry, its frozen state, the results that its search found. */
const FIXED = 1500;
/** Bytes of a text beside its characters: its header, and the place that refers to it. */
const TEXT = 40;

/**
 * About how many bytes a session keeps alive, never fewer: what it shares with a clone counts for both, and each
 * character counts two bytes, as many as it takes where one of a text is not Latin.
 */
export function bytesOf(state: SessionState): number {
  let texts = 2;
  let characters = state.session.length + (state.instruction?.length ?? 0);
  const add = (text: string): void => {
    texts++;
    characters += text.length;
  };
  state.keywords?.forEach(add);
  state.opened.forEach(add);
  for (const [name, value] of Object.entries(state.options)) {
    add(name);
    add(value);
  }
  for (const { observation, action } of state.history) {
    add(observation);
    add(action);
  }
  return FIXED + TEXT * texts + 2 * characters;
}

/** The default limit of all sessions' memory together: a quarter of what this process may have. */
export function defaultMemory(): number {
  return Math.floor(getHeapStatistics().heap_size_limit / 4);
}
