import { InputError } from "../base/index.js";
import { addressOf } from "./address.js";
import { Cache } from "./cache.js";
import { parseAction } from "./actions.js";
import { toHtml } from "./markup.js";
import { ProductTexts, richObservation, textObservation } from "./observation.js";
import { pageBody, type PageContents } from "./pages.js";
import { resolveQuirks, type Quirks } from "./quirks.js";
import { clickables, clickTarget, follow, searched, type Shop, startPage } from "./transitions.js";
import { RESULT_LIMIT, runSearch } from "./searches.js";
import { chooseTagger, type NounFinder } from "./taggers.js";
import type {
  AvailableActions,
  Catalogue,
  Environment,
  EnvironmentSettings,
  Goal,
  ObservationMode,
  Product,
  SessionState,
  StepResult,
} from "./types.js";

/** WebShop's page size. */
const PAGE_SIZE = 10;
const MODES: readonly ObservationMode[] = ["html", "text", "text_rich", "url"];
const DEFAULTS: EnvironmentSettings = {
  mode: "text",
  compat: "webshop",
  quirks: {},
  showAttributes: false,
  previousObservations: 0,
  previousActions: 0,
};

/**
 * A shop to act in, on an opened catalogue. Holds nothing but caches: every answer is a function of the state.
 * @throws InputError when a setting is unknown or has an impossible value.
 */
export function openEnvironment(
  catalogue: Catalogue,
  settings: Partial<EnvironmentSettings> = {},
): Environment {
  const names = [...Object.keys(DEFAULTS), "tagger"];
  const unknown = Object.keys(settings).find((name) => !names.includes(name));
  if (unknown !== undefined) {
    throw new InputError(`There is no environment setting "${unknown}"; there are ${names.join(", ")}.`);
  }
  const given = Object.entries(settings).filter(([, value]) => value !== undefined);
  const { tagger: asked, ...full }: EnvironmentSettings = { ...DEFAULTS, ...Object.fromEntries(given) };
  checkMode(full.mode);
  for (const name of ["previousObservations", "previousActions"] as const) {
    if (!Number.isSafeInteger(full[name]) || full[name] < 0) {
      throw new InputError(`${name} must be a whole number of at least 0, not ${String(full[name])}.`);
    }
  }
  const quirks = resolveQuirks(full.compat, full.quirks);
  const tagger = chooseTagger(catalogue, { compat: full.compat, tagger: asked });
  const resolved = tagger.kind === "spacy" ? { ...full, tagger: tagger.kind } : full;
  return new ShopEnvironment(catalogue, Object.freeze(resolved), quirks, tagger);
}

/** Data common to all environments on one catalogue, so that thousands of different ones take no more memory than one. */
class SharedCaches {
  readonly hits = new Cache<string, readonly number[] | null>(1_000_000);
  /** Texts live as long as the catalogue keeps their product. */
  readonly texts = new WeakMap<Product, ProductTexts>();
  /** The same with the Attributes button. */
  readonly textsWithAttributes = new WeakMap<Product, ProductTexts>();
}
const cachesOf = new WeakMap<Catalogue, SharedCaches>();

class ShopEnvironment implements Environment, Shop {
  readonly #texts: WeakMap<Product, ProductTexts>;
  readonly #recent = new WeakMap<readonly string[], readonly number[]>();
  readonly #hits: Cache<string, readonly number[] | null>;

  constructor(
    readonly catalogue: Catalogue,
    readonly settings: EnvironmentSettings,
    readonly quirks: Quirks,
    private readonly finder: NounFinder,
  ) {
    let caches = cachesOf.get(catalogue);
    if (!caches) cachesOf.set(catalogue, (caches = new SharedCaches()));
    this.#hits = caches.hits;
    this.#texts = settings.showAttributes ? caches.textsWithAttributes : caches.texts;
  }

  get tagger(): string {
    return this.finder.name;
  }

  nounsOf(title: string): readonly string[] {
    return this.finder.nouns(title);
  }

  reset(options: { goal: number; session?: string; instruction?: string }): SessionState {
    const { goal, session = String(goal), instruction = null } = options;
    const count = this.catalogue.goalCount;
    if (!Number.isInteger(goal) || goal < 0 || goal >= count) {
      const range = count === 0 ? "there are no goals" : `they are numbered 0 to ${count - 1}`;
      throw new InputError(`There is no goal ${String(goal)} in this shop: ${range}.`);
    }
    return Object.freeze({
      goal,
      session,
      instruction,
      ...startPage(),
      done: false,
      reward: null,
      steps: 0,
      history: [],
    });
  }

  observe(state: SessionState, mode: ObservationMode = this.settings.mode): string {
    checkMode(mode);
    const current = this.#observePage(state, mode);
    if (state.history.length === 0 || mode !== this.settings.mode) return current;
    const { previousObservations, previousActions } = this.settings;
    const parts: string[] = [];
    state.history.forEach(({ observation, action }, i) => {
      const ago = state.history.length - i;
      if (ago <= previousObservations) parts.push(observation);
      if (ago <= previousActions) parts.push(action);
    });
    return [...parts, current].join(" [SEP] ");
  }

  actions(state: SessionState): AvailableActions {
    if (state.done && !this.quirks.afterDone) return { search: false, click: [] };
    return { search: state.page === "search", click: clickables(this, state) };
  }

  step(state: SessionState, action: string): StepResult {
    const moved = this.#move(state, action);
    const next = Object.freeze({
      ...(moved ?? state),
      steps: state.steps + 1,
      history: this.#remember(state, action),
    });
    const bought = moved?.page === "done";
    const result: StepResult = {
      state: next,
      observation: this.observe(next),
      reward: bought ? (next.reward?.total ?? 0) : 0,
      done: this.quirks.afterDone ? bought : next.done,
      valid: moved !== null,
    };
    return next.done && next.reward ? { ...result, parts: next.reward } : result;
  }

  /** The state that an action leads to, or null where it leads nowhere. */
  #move(state: SessionState, action: string): SessionState | null {
    if (state.done && !this.quirks.afterDone) return null;
    const { name, argument } = parseAction(action, this.quirks);
    if (argument === null || argument === "") return null;
    if (name === "search") {
      if (!this.quirks.searchAnywhere && state.page !== "search") return null;
      const next = searched(state, argument.split(" "), 1, true);
      return this.hits(next) === null ? null : next;
    }
    if (name !== "click" || argument === "search") return null;
    const target = clickTarget(this, state, argument);
    return target === null ? null : follow(this, state, argument, target);
  }

  #remember(state: SessionState, action: string): SessionState["history"] {
    const { previousObservations, previousActions } = this.settings;
    const length = Math.max(previousObservations, previousActions);
    if (length === 0) return state.history;
    const observation = previousObservations > 0 ? this.#observePage(state, this.settings.mode) : "";
    return [...state.history, { observation, action }].slice(-length);
  }

  #observePage(state: SessionState, mode: ObservationMode): string {
    if (mode === "url") return addressOf(state);
    const contents = this.#contents(state);
    if (mode === "text") return textObservation(contents, (product) => this.#textsOf(product));
    const body = pageBody(contents);
    if (mode === "text_rich") return richObservation(contents, body, addressOf(state));
    return toHtml("WebShop", body);
  }

  #contents(state: SessionState): PageContents {
    const goal = this.goal(state);
    const onResults = state.page === "results";
    const hits = onResults ? (this.hits(state) ?? []) : [];
    return {
      state,
      instruction: state.instruction ?? goal.instruction,
      quirks: this.quirks,
      showAttributes: this.settings.showAttributes,
      product: state.asin === null ? null : this.productOf(state.asin),
      results: onResults ? this.#productsOf(hits, state.pageNumber!) : [],
      total: hits.length,
      hasNext: onResults && this.#goesOn(hits, state.pageNumber!),
      goal,
    };
  }

  goal(state: SessionState): Goal {
    return this.catalogue.goal(state.goal);
  }

  productOf(asin: string): Product {
    return this.catalogue.product(this.catalogue.indexOf(asin));
  }

  #textsOf(product: Product): ProductTexts {
    let texts = this.#texts.get(product);
    if (!texts) this.#texts.set(product, (texts = new ProductTexts(product, this.settings.showAttributes)));
    return texts;
  }

  hits(state: SessionState): readonly number[] | null {
    const { keywords } = state;
    if (keywords === null) return [];
    const kept = this.#recent.get(keywords);
    if (kept) return kept;
    const hits = runSearch(this.catalogue, state, this.quirks, this.#hits);
    // The list of words is one object for as long as a session stays with its search.
    if (hits !== null && hits.length <= RESULT_LIMIT && keywords[0] !== "<r>")
      this.#recent.set(keywords, hits);
    return hits;
  }

  pageOfResults(state: SessionState): readonly Product[] {
    return this.#productsOf(this.hits(state) ?? [], state.pageNumber!);
  }

  hasNext(state: SessionState): boolean {
    return this.#goesOn(this.hits(state) ?? [], state.pageNumber!);
  }

  #productsOf(hits: readonly number[], page: number): readonly Product[] {
    // Page 0, which a keyword that reads like a page name can lead to, is empty: -10 to 0.
    const shown = hits.slice((page - 1) * PAGE_SIZE, page * PAGE_SIZE);
    return shown.map((index) => this.catalogue.product(index));
  }

  #goesOn(hits: readonly number[], page: number): boolean {
    return this.quirks.endlessPaging || page * PAGE_SIZE < hits.length;
  }
}

function checkMode(mode: ObservationMode): void {
  if (MODES.includes(mode)) return;
  throw new InputError(`There is no observation mode "${String(mode)}"; there are ${MODES.join(", ")}.`);
}
