/**
 * How the agents that need no model score on a shop: the numbers behind the recipe's calibration (docs/shop.md).
 *
 *     npx tsx bench/calibrate.ts [FOLDER] [FIRST-GOAL] [COUNT]
 */
import { agentNamed, OracleAgent } from "../lib/agents/index.js";
import { stream } from "../lib/base/index.js";
import { defaultCatalogue } from "../lib/simulator/catalogue/index.js";
import { openEnvironment } from "../lib/simulator/index.js";

async function main(folder?: string, first = 0, count = 500): Promise<void> {
  const catalogue = await defaultCatalogue(folder);
  const environment = openEnvironment(catalogue);
  const goals = Array.from({ length: Math.min(count, catalogue.goalCount - first) }, (_, i) =>
    catalogue.goal(first + i),
  );
  const per = (sum: number, of = goals.length): string => ((100 * sum) / of).toFixed(1).padStart(6);
  const mean = (value: (goal: (typeof goals)[number]) => number): string =>
    (goals.reduce((sum, goal) => sum + value(goal), 0) / goals.length).toFixed(2);
  console.log(
    `${catalogue.size} products, ${catalogue.goalCount} goals; of ${goals.length}: attributes ` +
      `${mean((goal) => goal.attributes.length)}, options ${mean((goal) => goal.options.length)}, ` +
      `words ${mean((goal) => goal.instruction.split(" ").length)}, ` +
      `target in the top 50 ${mean((goal) =>
        catalogue
          .search(goal.instruction, 50)
          .some(({ index }) => catalogue.product(index).asin === goal.asin)
          ? 1
          : 0,
      )}`,
  );
  console.log("agent            score success  attrib  options  type  price   seconds");
  const agents = [
    { label: "random", agent: await agentNamed("random") },
    { label: "rule", agent: await agentNamed("rule") },
    { label: "match", agent: await agentNamed("match") },
    { label: "oracle page 1", agent: new OracleAgent(1) },
    { label: "oracle", agent: new OracleAgent() },
  ];
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
      `${label.padEnd(15)} ${per(sum.score)} ${per(sum.success)}  ${per(sum.attributes)}  ${per(sum.options, wishing)} ` +
        `${per(sum.type)} ${per(sum.price)}   ${((performance.now() - started) / 1000).toFixed(1)}`,
    );
  }
  catalogue.close();
}

const [folder, first, count] = process.argv.slice(2);
void main(folder || undefined, Number(first ?? 0), Number(count ?? 500));
