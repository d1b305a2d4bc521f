import { InputError } from "../../base/index.js";

/** A node of a token trie: where each next token leads, and whether a choice ends here. */
export interface TrieNode {
  readonly next: ReadonlyMap<number, TrieNode>;
  /** Index of the choice that ends here, or -1. */
  readonly choice: number;
}

interface Growing {
  readonly next: Map<number, Growing>;
  choice: number;
}

/**
 * A trie over the token ids of admissible strings: at each node only its children may follow.
 * @throws InputError when there is no choice, one is empty, or two are the same.
 */
export function tokenTrie(choices: readonly (readonly number[])[]): TrieNode {
  if (choices.length === 0)
    throw new InputError("There is nothing to choose from: give at least one choice.");
  const root: Growing = { next: new Map(), choice: -1 };
  choices.forEach((ids, index) => {
    if (ids.length === 0)
      throw new InputError(`Choice ${index} is empty: each choice needs at least one token.`);
    let node = root;
    for (const id of ids) {
      let child = node.next.get(id);
      if (!child) node.next.set(id, (child = { next: new Map(), choice: -1 }));
      node = child;
    }
    if (node.choice >= 0) {
      throw new InputError(
        `Choices ${node.choice} and ${index} have the same tokens: give each choice once.`,
      );
    }
    node.choice = index;
  });
  return root;
}
