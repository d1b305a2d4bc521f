import type { Quirks } from "./quirks.js";

/** An action taken apart: `search[red shoes]` is a search for "red shoes". */
export interface ParsedAction {
  readonly name: string;
  /** In lower case; null when there is no usable bracket. */
  readonly argument: string | null;
}

/** `search` or `click`, however written, and all up to the last bracket. */
const LENIENT = /^\s*(search|click)\s*\[([^]*)\]\s*$/i;

/**
 * Takes an action apart as WebShop does (docs/webshop.md §4.1): the name is all before the LAST usable bracket and is
 * case-sensitive, so `search[abc [x]]` and `Search[x]` are nothing that the shop knows. With the quirk mended, `search` and
 * `click` are known in any case, with any white space, and their argument may hold brackets.
 */
export function parseAction(action: string, quirks: Pick<Quirks, "strictActions">): ParsedAction {
  if (quirks.strictActions) return parseStrict(action);
  const match = LENIENT.exec(action);
  if (!match) return { name: action, argument: null };
  return { name: match[1]!.toLowerCase(), argument: match[2]!.toLowerCase() };
}

/** The match of `^(.+)\[(.+)\]` on the first line, found without backtracking, for actions may be long. */
function parseStrict(action: string): ParsedAction {
  const end = action.indexOf("\n");
  const line = end === -1 ? action : action.slice(0, end);
  // The last "]" that has a "[" at least two before it; then the last such "[" that is not at the very start.
  const close = line.lastIndexOf("]");
  const open = close < 3 ? -1 : line.lastIndexOf("[", close - 2);
  if (open < 1) return { name: action, argument: null };
  return { name: line.slice(0, open), argument: line.slice(open + 1, close).toLowerCase() };
}
