/** The base model's tokenizer: trained on what it will read. */
import { listingLine, queryPrompt, selectPrompt, VERDICTS } from "../agents/index.js";
import { type TokenizerFile, trainByteLevelBpe } from "../model/index.js";
import { type Catalogue, openEnvironment } from "../simulator/index.js";
import { verdictHead } from "../imitation/index.js";

/** How often each fixed text counts: as often as many listings, so that its words become single tokens. */
const FIXED_WEIGHT = 1000;

/**
 * A byte-level BPE over a shop's listings and requests and the prompts' own words. Text is put into lower case first: titles have
 * capitals, requests have none, and a word should be one token in both.
 * @param size entries in all
 */
export function trainShopTokenizer(shop: Catalogue, size: number): TokenizerFile {
  const tokenizer = trainByteLevelBpe(texts(shop), size);
  return {
    ...tokenizer,
    normalizer: { type: "Sequence", normalizers: [{ type: "NFC" }, { type: "Lowercase" }] },
  };
}

function* texts(shop: Catalogue): Generator<string> {
  for (let i = 0; i < shop.size; i++) yield `1. ${listingLine(shop.product(i))}\n`.toLowerCase();
  for (let i = 0; i < shop.goalCount; i++) yield `instruction: ${shop.goal(i).instruction}`.toLowerCase();
  const fixed = fixedTexts(shop).map((text) => text.toLowerCase());
  for (let i = 0; i < FIXED_WEIGHT; i++) yield* fixed;
}

/** The words that every prompt has. */
function fixedTexts(shop: Catalogue): string[] {
  const environment = openEnvironment(shop);
  const start = environment.reset({ goal: 0, instruction: "" });
  const results = environment.step(start, "search[a]");
  const pages = [start, results.state];
  const first = environment
    .actions(results.state)
    .click.find((text) => shop.indexOf(text.toUpperCase()) >= 0);
  if (first !== undefined) pages.push(environment.step(results.state, `click[${first}]`).state);
  const acts = pages.map((state) =>
    pageWords(environment.actions(state).click.filter((text) => shop.indexOf(text.toUpperCase()) < 0)),
  );
  const messages = [...queryPrompt(""), ...selectPrompt("", "", [])];
  return [
    ...messages.map(({ content }) => content),
    ...acts,
    verdictHead("", ""),
    ...VERDICTS.map((word) => `.99${word}\n`),
    "<action></action> <think></think> back to search",
  ];
}

/**
 * The words of the multi-turn prompt, as its first version had them: the shipped tokenizer was trained on these, so
 * they stay as they are when the prompt's layout changes.
 */
function pageWords(click: readonly string[]): string {
  const actions = [...click.map((text) => `click[${text}]`), "search[<your query>]"];
  return [
    "You are shopping in an online shop.",
    "Your task: ",
    "Steps taken: 1. The last 1:",
    "Observation 1: ''",
    "Action 1: ''",
    "Observation 2: ''",
    "Possible actions:",
    ...actions.map((action) => `'${action}'`),
    "Write one possible action inside <action></action>.",
  ].join("\n");
}
