import { dictText, jsonObjectText } from "./python-text.js";
import type { PageKind, SessionState } from "./types.js";

const BASE = "http://127.0.0.1:3000";

/** The address of a session's page, character for character WebShop's (docs/webshop.md §4). */
export function addressOf(state: SessionState): string {
  const { session, asin, pageNumber, options } = state;
  const keywords = state.keywords?.join("+") ?? "";
  switch (state.page) {
    case "search":
      return `${BASE}/${session}`;
    case "results":
      return `${BASE}/search_results/${session}/${keywords}/${pageNumber}`;
    case "item":
      return `${BASE}/item_page/${session}/${asin}/${keywords}/${pageNumber}/${jsonObjectText(options)}`;
    case "subpage":
      return `${BASE}/item_sub_page/${session}/${asin}/${keywords}/${pageNumber}/${state.subPage}/${dictText(options)}`;
    case "done":
      return `${BASE}/done/${session}/${asin}/${dictText(options)}`;
  }
}

const NAMED: readonly (readonly [name: string, page: PageKind])[] = [
  ["search_results", "results"],
  ["item_page", "item"],
  ["item_sub_page", "subpage"],
  ["done", "done"],
];

/** The page that WebShop takes an address for: the first page name that occurs anywhere in it. */
export function pageNamedIn(address: string): PageKind {
  return NAMED.find(([name]) => address.includes(name))?.[1] ?? "search";
}
