/** People's own demonstrations, as WebShop's authors published them: typed queries, and logs of whole sessions. */
import { basename } from "node:path";
import { z } from "zod";
import { clickAction, PROMPT_VERSION, queryPrompt, searchAction, selectPrompt } from "../../agents/index.js";
import { InputError, messageOf, readJson, readText } from "../../base/index.js";
import type { Catalogue } from "../../simulator/index.js";
import type { Demonstration, Provenance } from "./types.js";

const QueryMap = z.record(z.string(), z.array(z.string()));

/**
 * The queries that people typed for instructions: WebShop's `goal_query_map.json`.
 * @throws InputError when the file is not such a map
 */
export function importQueryMap(path: string): Demonstration[] {
  const parsed = QueryMap.safeParse(readJson(path, "map of queries"));
  if (!parsed.success) throw new InputError(`${path} does not map instructions to lists of queries.`);
  return Object.entries(parsed.data).flatMap(([instruction, queries]) =>
    queries
      .filter((query) => query.trim() !== "")
      .map((query, step) => ({
        task: "query" as const,
        messages: [...queryPrompt(instruction)],
        answer: query.trim(),
        from: provenance(path, step, null),
      })),
  );
}

/** One line of a session's log; everything else in it is passed over. */
const LogLine = z.looseObject({
  page: z.enum(["index", "search_results", "item_page", "item_sub_page", "done"]),
  goal: z.looseObject({ instruction_text: z.string() }),
  content: z
    .looseObject({
      // A results page has a list of words; an item page has the same list as Python prints it.
      keywords: z.union([z.array(z.string()), z.string()]).optional(),
      search_result_asins: z.array(z.string()).optional(),
      page: z.union([z.number(), z.string()]).optional(),
      asin: z.string().optional(),
      options: z.record(z.string(), z.string()).optional(),
    })
    .optional(),
  reward: z.number().min(0).max(1).optional(),
});
type LogLine = z.output<typeof LogLine>;

/** A session as its log tells it. */
export interface HumanSession {
  readonly instruction: string;
  /** The action, as the environment takes it. The log does not say which page was looked at in between. */
  readonly actions: readonly string[];
  /** Null when nothing was bought. */
  readonly reward: number | null;
  /** The searches, and the product of their results that was bought in the end. */
  readonly searches: readonly { readonly query: string; readonly shown: readonly string[] }[];
  readonly bought: string | null;
}

/**
 * Reads a session's log, one JSON object a line.
 * @throws InputError naming the line that is wrong
 */
export function readHumanSession(path: string): HumanSession {
  const lines: LogLine[] = [];
  readText(path, "session log")
    .split(/\r?\n/)
    .forEach((text, i) => {
      if (text.trim() === "") return;
      let value: unknown;
      try {
        value = JSON.parse(text);
      } catch (error) {
        throw new InputError(`Line ${i + 1} of ${path} is not JSON: ${messageOf(error)}.`);
      }
      const parsed = LogLine.safeParse(value);
      if (!parsed.success) {
        const issue = parsed.error.issues[0]!;
        throw new InputError(`Line ${i + 1} of ${path} is no page of a session: "${issue.path.join(".")}".`);
      }
      lines.push(parsed.data);
    });
  if (lines.length === 0) throw new InputError(`${path} holds no session.`);
  return sessionOf(lines);
}

function sessionOf(lines: readonly LogLine[]): HumanSession {
  const actions: string[] = [];
  const searches: { query: string; shown: string[] }[] = [];
  let reward: number | null = null;
  let bought: string | null = null;
  lines.forEach((line, i) => {
    const { content = {} } = line;
    const before = lines[i - 1];
    if (line.page === "index" && before !== undefined && before.page !== "index") {
      actions.push(clickAction("back to search"));
    } else if (line.page === "search_results") {
      const query = Array.isArray(content.keywords) ? content.keywords.join(" ") : "";
      const shown = content.search_result_asins ?? [];
      if (before?.page === "index") actions.push(searchAction(query));
      else if (before?.page === "search_results") {
        const turned = Number(content.page) - Number(before.content?.page);
        actions.push(clickAction(turned < 0 ? "< prev" : "next >"));
      } else actions.push(clickAction("< prev"));
      searches.push({ query, shown });
    } else if (line.page === "item_page") {
      actions.push(...itemActions(line, before));
    } else if (line.page === "item_sub_page") {
      const sub = /item_sub_page\/[^/]+\/[^/]+\/.*\/([A-Za-z]+)\//.exec(String(line["url"] ?? ""))?.[1];
      if (sub !== undefined) actions.push(clickAction(sub.toLowerCase()));
    } else if (line.page === "done") {
      actions.push(clickAction("buy now"));
      reward = line.reward ?? null;
      bought = content.asin ?? null;
    }
  });
  return { instruction: lines[0]!.goal.instruction_text, actions, reward, searches, bought };
}

/** The step that led to an item's page: a product opened, a way back from its text, or an option chosen. */
function itemActions({ content = {} }: LogLine, before: LogLine | undefined): string[] {
  if (before?.page === "search_results") return [clickAction((content.asin ?? "").toLowerCase())];
  if (before?.page === "item_sub_page") return [clickAction("< prev")];
  const had = before?.content?.options ?? {};
  return Object.entries(content.options ?? {})
    .filter(([name, value]) => had[name] !== value)
    .map(([, value]) => clickAction(value));
}

/**
 * A session as demonstrations: each search a query, and the choice that ended it, where the catalogue knows the products that
 * were shown.
 */
export function importHumanSession(path: string, catalogue?: Catalogue): Demonstration[] {
  const session = readHumanSession(path);
  const result: Demonstration[] = [];
  for (const { query, shown } of session.searches) {
    if (query.trim() === "") continue;
    if (result.some((one) => one.task === "query" && one.answer === query)) continue;
    result.push({
      task: "query",
      messages: [...queryPrompt(session.instruction)],
      answer: query,
      from: provenance(path, result.length, session.reward),
    });
    const at = session.bought === null ? -1 : shown.indexOf(session.bought);
    const listed = catalogue ? shown.map((asin) => catalogue.indexOf(asin)) : [];
    if (at < 0 || listed.length === 0 || listed.some((index) => index < 0)) continue;
    const products = listed.map((index) => catalogue!.product(index));
    result.push({
      task: "select",
      messages: [...selectPrompt(session.instruction, query, products)],
      answer: String(at + 1),
      from: provenance(path, result.length, session.reward),
    });
  }
  return result;
}

function provenance(path: string, step: number, reward: number | null): Provenance {
  return {
    teacher: "webshop-human",
    source: basename(path),
    goal: null,
    split: null,
    step,
    seed: null,
    reward,
    prompts: PROMPT_VERSION,
  };
}
