import { stream } from "../base/index.js";
import type { Cache } from "./cache.js";
import type { Quirks } from "./quirks.js";
import type { Catalogue, SessionState } from "./types.js";

/** WebShop shows the best 50 results. */
export const RESULT_LIMIT = 50;

/**
 * Products that a session's search found, best first, or null where the search is impossible. The first word can be
 * special (docs/webshop.md §3): `<r>` random products, `<a>` all with an attribute, `<c>` a category, `<q>` a scraping query;
 * the last three are in load order and not cut to 50.
 *
 * `<r>` draws from a stream named by the session, its goal and its count of searches, so it is a function of the state; as in
 * WebShop, turning a page draws anew (`pagingCounts`).
 */
export function runSearch(
  catalogue: Catalogue,
  state: SessionState,
  quirks: Quirks,
  cache: Cache<string, readonly number[] | null>,
): readonly number[] | null {
  const [first, ...others] = state.keywords ?? [];
  const random = first === "<r>";
  const counter = state.counts["search"] ?? 0;
  const query = state.keywords?.join(" ") ?? "";
  const asked = random ? `${counter} ${state.goal} ${state.session}\n` : query;
  const key = quirks.specialSearchesFail ? asked : `\n${asked}`; // environments of one catalogue share the cache
  return cache.get(
    key,
    () => {
      const rest = others.join(" ").trim();
      if (random) return randomProducts(catalogue, state, counter, quirks);
      if (first === "<a>") return quirks.specialSearchesFail ? null : catalogue.where("attribute", rest);
      if (first === "<q>") return catalogue.where("query", rest);
      if (first === "<c>") {
        const word = others[0];
        return word === undefined && quirks.specialSearchesFail
          ? null
          : catalogue.where("category", word?.trim() ?? "");
      }
      return catalogue.search(query, RESULT_LIMIT).map((hit) => hit.index);
    },
    (found) => 20 + query.length + (found?.length ?? 0),
  );
}

function randomProducts(
  catalogue: Catalogue,
  state: SessionState,
  counter: number,
  quirks: Quirks,
): readonly number[] | null {
  if (catalogue.size < RESULT_LIMIT && quirks.specialSearchesFail) return null;
  const random = stream("random-search", state.session, state.goal, counter);
  const count = Math.min(RESULT_LIMIT, catalogue.size);
  const drawn = new Set<number>();
  while (drawn.size < count) drawn.add(random.below(catalogue.size));
  return [...drawn];
}
