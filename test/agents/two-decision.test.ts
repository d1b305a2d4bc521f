import { strict as assert } from "node:assert";
import { promptedAgent, twoDecisionAgent, type Completer, type OptionMode } from "../../lib/agents/index.js";
import { stream } from "../../lib/base/index.js";
import { openEnvironment } from "../../lib/simulator/index.js";
import { tinyGoal, tinyProduct, TinyCatalogue } from "../simulator/tiny.js";

const mug = tinyProduct({
  asin: "B0MUG",
  title: "Big Red Mug",
  options: [
    { name: "color", values: ["white", "red"] },
    { name: "size", values: ["one", "two"] },
  ],
});
const others = Array.from({ length: 14 }, (_, i) => tinyProduct({ asin: `B1OTHER${i}`, title: `Mug ${i}` }));
const goal = tinyGoal(mug, {
  instruction: "i need a red mug",
  options: ["red"],
  attributes: ["rubber sole"],
});
const environment = openEnvironment(new TinyCatalogue([...others, mug], [goal]));
const random = stream(0, "test");

const agent = (
  query: string,
  index: number,
  mode: OptionMode = "match",
): ReturnType<typeof twoDecisionAgent> =>
  twoDecisionAgent(
    { name: "fixed", settings: {} },
    { query: () => query, select: () => ({ index, valid: true }) },
    mode,
  );

describe("the two-decision protocol", () => {
  it("searches, opens what was chosen, clicks the matching options and buys", async () => {
    const played = await agent("big red mug", 0).play(environment, 0, random);
    assert.deepEqual(
      played.steps.map((step) => step.action),
      ["search[big red mug]", "click[b0mug]", "click[red]", "click[buy now]"],
    );
    assert.equal(played.reward, 1);
    assert.ok(played.steps.every((step) => step.valid));
  });

  it("shows the selection the first ten results, no more", async () => {
    let shown = 0;
    const counting = twoDecisionAgent(
      { name: "counting", settings: {} },
      { query: () => "mug", select: (_, __, listed) => ((shown = listed.length), { index: 9, valid: true }) },
    );
    const played = await counting.play(environment, 0, random);
    assert.equal(shown, 10);
    assert.ok(played.parts);
  });

  it("is named with its option mode, and gives each mode what it asks for", async () => {
    assert.deepEqual(agent("x", 0, "first").settings, { protocol: "two-decision", options: "first" });
    const reward = async (mode: OptionMode): Promise<number | null> =>
      (await agent("big red mug", 0, mode).play(environment, 0, random)).parts?.rOption ?? null;
    assert.equal(await reward("match"), 1);
    assert.equal(await reward("first"), 0);
    assert.equal(await reward("none"), 0);
    assert.equal(await reward("all-lists"), 1, "every value at once: inflated by design");
  });

  it("buys nothing for an empty query or no results, and survives brackets", async () => {
    for (const query of ["", "[]", "zzzz"]) {
      const played = await agent(query, 0).play(environment, 0, random);
      assert.deepEqual([played.reward, played.parts], [0, null], query);
    }
    const played = await agent("big [red]\nmug", 0).play(environment, 0, random);
    assert.equal(played.steps[0]!.action, "search[big  red mug]");
    assert.equal(played.reward, 1);
  });
});

describe("the prompted agent", () => {
  it("asks for both decisions and follows the answers", async () => {
    const asked: string[] = [];
    const completer: Completer = {
      settings: { model: "scripted" },
      complete: async (messages) => {
        asked.push(messages.at(-1)!.content);
        return {
          text: asked.length === 1 ? '"big red mug"' : "number 1",
          promptTokens: 0,
          completionTokens: 0,
        };
      },
    };
    const played = await promptedAgent("prompted", completer).play(environment, 0, random);
    assert.equal(played.reward, 1);
    assert.equal(asked.length, 2);
    assert.match(asked[1]!, /Search query: big red mug\n1\. Big Red Mug – \$25\.00\n/);
  });
});
