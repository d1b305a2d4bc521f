/**
 * How the agents that need no model score on a shop, what its texts tell, and what readers could do who know every paraphrase: the
 * numbers behind the recipe's calibration (docs/shop.md).
 *
 *     npx tsx bench/calibrate.ts [FOLDER] [FIRST-GOAL] [COUNT]
 */
import {
  type Agent,
  agentNamed,
  buy,
  Episode,
  OracleAgent,
  resultsOn,
  searchAction,
} from "../lib/agents/index.js";
import { stream } from "../lib/base/index.js";
import { defaultCatalogue } from "../lib/simulator/catalogue/index.js";
import { type Catalogue, openEnvironment } from "../lib/simulator/index.js";
import { ParaphraseReader, READ, readersQuery } from "./paraphrases.js";

/** Products whose texts are looked at. */
const TEXTS = 1000;

async function main(folder?: string, first = 0, count = 500): Promise<void> {
  const catalogue = await defaultCatalogue(folder);
  const environment = openEnvironment(catalogue);
  const goals = Array.from({ length: Math.min(count, catalogue.goalCount - first) }, (_, i) =>
    catalogue.goal(first + i),
  );
  const per = (sum: number, of = goals.length): string => ((100 * sum) / of).toFixed(1).padStart(6);
  const mean = (value: (goal: (typeof goals)[number]) => number): string =>
    (goals.reduce((sum, goal) => sum + value(goal), 0) / goals.length).toFixed(2);
  const found = (query: (goal: (typeof goals)[number]) => string, results: number): string =>
    mean((goal) =>
      catalogue.search(query(goal), results).some(({ index }) => catalogue.product(index).asin === goal.asin)
        ? 1
        : 0,
    );
  const reader = new ParaphraseReader();
  console.log(
    `${catalogue.size} products, ${catalogue.goalCount} goals; of ${goals.length}: attributes ` +
      `${mean((goal) => goal.attributes.length)}, options ${mean((goal) => goal.options.length)}, ` +
      `words ${mean((goal) => goal.instruction.split(" ").length)}, ` +
      `target in the top 50 ${found((goal) => goal.instruction, 50)}, by own words in the top 10 ` +
      found((goal) => readersQuery(goal.instruction), 10),
  );
  console.log(texts(catalogue, reader));
  console.log("agent              score success  attrib  options  type  price   seconds");
  const named = [
    ...["random", "rule", "rule-options", "no-price", "own-words", "affordable", "match"],
    ...["list-reader", "metadata-reader", "page-reader"],
  ];
  const agents: { label: string; agent: Pick<Agent, "play"> }[] = [];
  for (const label of named) agents.push({ label, agent: await agentNamed(label) });
  for (const [label, see] of Object.entries(READ)) {
    const play: Agent["play"] = (shop, goal) => {
      const episode = new Episode(shop, goal);
      const { instruction } = episode.goal;
      episode.act(searchAction(readersQuery(instruction)));
      const listed = resultsOn(shop, episode.state);
      const chosen = listed[reader.choose(listed, instruction, see)];
      if (chosen) buy(episode, chosen);
      return episode.trajectory(label);
    };
    agents.push({ label: `knows ${label}`, agent: { play } });
  }
  agents.push({ label: "oracle page 1", agent: new OracleAgent(1) });
  agents.push({ label: "oracle", agent: new OracleAgent() });
  for (const { label, agent } of agents) {
    const started = performance.now();
    const sum = { score: 0, success: 0, attributes: 0, options: 0, type: 0, price: 0 };
    for (const goal of goals) {
      const { reward, parts } = await agent.play(environment, goal.index, stream(0, "evaluate", goal.index));
      sum.score += reward;
      sum.success += reward === 1 ? 1 : 0;
      sum.attributes += parts?.rAtt ?? 0;
      sum.options += parts?.rOption ?? 0;
      sum.type += parts?.rType ?? 0;
      sum.price += parts?.rPrice ?? 0;
    }
    const wishing = goals.filter((goal) => goal.options.length > 0).length;
    console.log(
      `${label.padEnd(17)} ${per(sum.score)} ${per(sum.success)}  ${per(sum.attributes)}  ${per(sum.options, wishing)} ` +
        `${per(sum.type)} ${per(sum.price)}   ${((performance.now() - started) / 1000).toFixed(1)}`,
    );
  }
  catalogue.close();
}

/** How long titles are, and which part of a product's attributes its texts state. */
function texts(catalogue: Catalogue, reader: ParaphraseReader): string {
  const sum = { products: 0, words: 0, attributes: 0, title: 0, page: 0, titleSomehow: 0, pageSomehow: 0 };
  for (let i = 0; i < Math.min(TEXTS, catalogue.size); i++) {
    const product = catalogue.product(i);
    const page = [product.title, ...product.bulletPoints, product.description].join("\n");
    sum.products++;
    sum.words += product.title.split(/\s+/).length;
    for (const attribute of product.attributes) {
      const [inTitle, inPage] = [reader.states(product.title, attribute), reader.states(page, attribute)];
      sum.attributes++;
      sum.title += inTitle.fully ? 1 : 0;
      sum.page += inPage.fully ? 1 : 0;
      sum.titleSomehow += inTitle.fully || inTitle.somehow ? 1 : 0;
      sum.pageSomehow += inPage.fully || inPage.somehow ? 1 : 0;
    }
  }
  const share = (part: number): string => ((100 * part) / sum.attributes).toFixed(0);
  return (
    `words of a title ${(sum.words / sum.products).toFixed(1)}; attributes stated in full by titles ${share(sum.title)} %, ` +
    `by title, bullets and description ${share(sum.page)} %; in some way ${share(sum.titleSomehow)} and ${share(sum.pageSomehow)} %`
  );
}

const [folder, first, count] = process.argv.slice(2);
void main(folder || undefined, Number(first ?? 0), Number(count ?? 500));
