/** Special cases that a tokenizer's own rules would cut: they are found among the tokens and put together again. */
import type { Token } from "./token.js";

interface Node {
  readonly next: Map<string, Node>;
  /** Whether a special case ends here. */
  ends: boolean;
}

interface Match {
  readonly start: number;
  readonly end: number;
}

/** Sequences of token texts that stand for a special case. */
export class SpecialCaseFinder {
  readonly #root: Node = { next: new Map(), ends: false };

  /** @param tokens the special case as cut without special cases. */
  add(tokens: readonly Token[]): void {
    let node = this.#root;
    for (const { word } of tokens) {
      let next = node.next.get(word.text);
      if (next === undefined) node.next.set(word.text, (next = { next: new Map(), ends: false }));
      node = next;
    }
    node.ends = true;
  }

  /**
   * The tokens with every found special case in its own parts. The longest win, of equals the first; what touches a longer
   * one with an end is left as it is.
   * @param partsOf the parts of a special case, or undefined where the text is none.
   */
  apply(tokens: readonly Token[], partsOf: (text: string) => readonly Token[] | undefined): readonly Token[] {
    const matches = this.#matches(tokens);
    if (matches.length === 0) return tokens;
    const chosen = longestFirst(matches);
    const result: Token[] = [];
    let at = 0;
    for (const { start, end } of chosen) {
      result.push(...tokens.slice(at, start));
      const own = tokens.slice(start, end);
      const text = own
        .map(({ word, spaced }, i) => word.text + (spaced && i < own.length - 1 ? " " : ""))
        .join("");
      const parts = partsOf(text);
      if (parts === undefined) result.push(...own);
      else
        result.push(...parts.slice(0, -1), {
          ...parts[parts.length - 1]!,
          spaced: own[own.length - 1]!.spaced,
        });
      at = end;
    }
    result.push(...tokens.slice(at));
    return result;
  }

  #matches(tokens: readonly Token[]): Match[] {
    const matches: Match[] = [];
    for (let start = 0; start < tokens.length; start++) {
      let node = this.#root.next.get(tokens[start]!.word.text);
      for (let end = start + 1; node !== undefined; end++) {
        if (node.ends) matches.push({ start, end });
        node = end < tokens.length ? node.next.get(tokens[end]!.word.text) : undefined;
      }
    }
    return matches;
  }
}

/** The matches that hold, in order. A match that lost still keeps others off its tokens. */
function longestFirst(matches: readonly Match[]): Match[] {
  const length = ({ start, end }: Match): number => end - start;
  const sorted = [...matches].sort((a, b) => length(b) - length(a) || a.start - b.start);
  const taken = new Set<number>();
  const chosen: Match[] = [];
  for (const match of sorted) {
    if (!taken.has(match.start) && !taken.has(match.end - 1)) chosen.push(match);
    for (let i = match.start; i < match.end; i++) taken.add(i);
  }
  return chosen.sort((a, b) => a.start - b.start);
}
