import { strict as assert } from "node:assert";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { priceBound } from "../../lib/agents/index.js";
import {
  exerciseRows,
  directEpisode,
  taughtGoals,
  twoDecisionDemonstrations,
} from "../../lib/imitation/index.js";
import { loadTokenizer, readModelConfig, type Tokenizer } from "../../lib/model/index.js";
import {
  buildCatalogue,
  type DiskCatalogue,
  openCatalogue,
  openEnvironment,
  recipeSource,
} from "../../lib/simulator/index.js";

const BASE = join("data", "models", "base");

/** The prices that a prompt lists, from the first result. */
function pricesOf(text: string): number[] {
  return [...text.matchAll(/^\d+\. .* – \$(\d+\.\d\d)/gm)].map((match) => Number(match[1]));
}

/** The most that the instruction in a prompt accepts. */
function boundOf(text: string): number {
  return priceBound(/instruction: (.*)/i.exec(text)![1]!);
}

describe("people who read prices", function () {
  this.timeout(30000);
  let root: string;
  let shop: DiskCatalogue;
  let tokenizer: Tokenizer;
  const options = { goals: 60, oracle: 0.2, reader: 0.8, seed: 1 };

  before(async () => {
    root = mkdtempSync(join(tmpdir(), "aisle-exercises-"));
    await buildCatalogue(recipeSource({ products: 600, seed: 8 }), join(root, "shop"));
    shop = openCatalogue(join(root, "shop"));
    tokenizer = await loadTokenizer(BASE, readModelConfig(BASE));
  });
  after(() => {
    shop.close();
    rmSync(root, { recursive: true, force: true });
  });

  it("take the first result that the instruction can pay", () => {
    const chosen = [...twoDecisionDemonstrations(shop, options)].filter(
      ({ task, from }) => task === "select" && from.teacher === "reader",
    );
    assert.ok(chosen.length > 30);
    for (const { messages, answer } of chosen) {
      const text = messages.at(-1)!.content;
      const first = pricesOf(text).findIndex((price) => price <= boundOf(text));
      assert.equal(answer, String(Math.max(0, first) + 1), text);
    }
    assert.ok(chosen.some(({ answer }) => answer !== "1"));
  });

  it("shop straight: every step is possible and the last one buys", () => {
    const environment = openEnvironment(shop);
    for (const teacher of ["oracle", "reader"] as const) {
      const rewards = Array.from({ length: 30 }, (_, goal) => {
        let state = environment.reset({ goal });
        for (const action of directEpisode(environment, goal, teacher)) {
          const step = environment.step(state, action);
          assert.ok(step.valid, `${action} for goal ${goal}`);
          state = step.state;
        }
        assert.ok(state.done);
        return state.reward!.total;
      });
      assert.ok(rewards.reduce((a, b) => a + b, 0) / rewards.length > 0.4);
    }
  });

  it("are exercised on lists in which the right one stands anywhere", () => {
    const goals = taughtGoals(shop, options).map(({ goal }) => goal);
    const rows = exerciseRows(shop, tokenizer, { goals, seed: 0, price: 1, reading: 2, maxPositions: 1024 });
    const places = new Map<string, number>();
    for (const { task, weight, prompt, completions } of rows) {
      const text = tokenizer.decode(prompt);
      if (task === "price") {
        assert.equal(weight, 1);
        continue;
      }
      assert.equal(weight, 2);
      const answer = tokenizer.decode(completions[0]!.ids, { skipSpecials: true });
      const first = pricesOf(text).findIndex((price) => price <= boundOf(text));
      assert.equal(answer, String(first + 1), text);
      places.set(answer, (places.get(answer) ?? 0) + 1);
    }
    const readings = [...places.values()].reduce((a, b) => a + b, 0);
    assert.ok(rows.some(({ task }) => task === "price"));
    assert.ok(places.get("1")! < 0.6 * readings, JSON.stringify([...places]));
    assert.ok(places.size >= 4, JSON.stringify([...places]));
  });
});
