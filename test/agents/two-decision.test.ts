import { strict as assert } from "node:assert";
import {
  type Completer,
  type OptionMode,
  promptedAgent,
  type SelectQuestion,
  type Trajectory,
  TwoDecisionPlay,
} from "../../lib/agents/index.js";
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

/** An episode with fixed answers. */
function played(query: string, choice: string, options: OptionMode = "match"): Trajectory {
  const play = new TwoDecisionPlay(environment, 0, { options });
  for (let asked = play.ask(); asked; asked = play.ask()) {
    play.answer({ text: asked.task === "query" ? query : choice });
  }
  return play.trajectory("fixed");
}

describe("the two-decision protocol", () => {
  it("searches, opens what was chosen, clicks the matching options and buys", () => {
    const { steps, reward, decisions } = played("big red mug", "1");
    assert.deepEqual(
      steps.map((step) => step.action),
      ["search[big red mug]", "click[b0mug]", "click[red]", "click[buy now]"],
    );
    assert.equal(reward, 1);
    assert.ok(steps.every((step) => step.valid));
    assert.deepEqual(
      decisions!.map(({ task, step, answer, formatValid }) => [task, step, answer, formatValid]),
      [
        ["query", 0, "big red mug", true],
        ["select", 1, "1", true],
      ],
    );
  });

  it("shows the selection the first ten results, no more", () => {
    const play = new TwoDecisionPlay(environment, 0);
    play.ask();
    play.answer({ text: "mug" });
    const asked = play.ask() as SelectQuestion;
    assert.equal(asked.listed.length, 10);
    play.answer({ text: "10" });
    assert.equal(play.selected, 9);
    assert.equal(play.ask(), null);
    assert.ok(play.trajectory("fixed").parts);
  });

  it("takes the first result where the answer names none, and says so", () => {
    const { decisions, parts } = played("big red mug", "none of them");
    assert.ok(parts);
    assert.deepEqual(
      decisions!.map(({ formatValid, admissible }) => [formatValid, admissible]),
      [
        [true, true],
        [false, false],
      ],
    );
  });

  it("reads aloud: a word behind each result, then the number; what is said of it is kept, not what was given", () => {
    const play = new TwoDecisionPlay(environment, 0, { reading: "aloud" });
    play.ask();
    play.answer({ text: "mug" });
    const asked = play.ask() as SelectQuestion;
    const [first, ...rest] = asked.given!;
    assert.equal(asked.given!.length, 11);
    assert.match(first!, /^1\. \S/);
    assert.match(rest[0]!, /^\n2\. \S/);
    assert.equal(rest.at(-1), "\nBest: ");
    assert.ok(!asked.prompt.some(({ content }) => content.includes("1. ")), "the list stands in the answer");
    const said = (words: string): [number | null, boolean] => {
      const copy = play.fork();
      const { decision } = copy.answer({ text: words });
      return [copy.selected, decision.formatValid];
    };
    const verdicts = "no poor fair good yes no poor fair good yes";
    assert.deepEqual(said(`${verdicts} 5`), [4, true]);
    assert.deepEqual(said(`${verdicts} 11`), [0, false]);
    assert.deepEqual(said(`${verdicts.replace("yes", "perhaps")} 5`), [4, false]);
    assert.deepEqual(said("yes 5"), [4, false], "a verdict for each");
  });

  it("lists the results in the order that it is given, and tells of them what it is told to", () => {
    const backwards = (count: number): number[] => Array.from({ length: count }, (_, i) => count - 1 - i);
    const after = (rules: object): SelectQuestion => {
      const play = new TwoDecisionPlay(environment, 0, rules);
      play.ask();
      play.answer({ text: "big red mug" });
      return play.ask() as SelectQuestion;
    };
    const [plain, turned] = [after({}), after({ order: backwards })];
    assert.deepEqual(
      turned.listed.map(({ asin }) => asin),
      plain.listed.map(({ asin }) => asin).reverse(),
    );
    const told = after({ listing: "metadata" }).prompt.at(-1)!.content;
    assert.match(told, /Big Red Mug.* \| white, red \| one, two/);
    assert.doesNotMatch(plain.prompt.at(-1)!.content, /white/);
  });

  it("asks for each option where the model chooses them: a number each, none clicked where there is none", () => {
    const by = (...numbers: string[]): Trajectory => {
      const play = new TwoDecisionPlay(environment, 0, { options: "choose" });
      const answers = ["big red mug", "1", ...numbers];
      for (let asked = play.ask(), i = 0; asked; asked = play.ask(), i++) {
        const { reward } = play.answer({ text: answers[i]! });
        assert.equal(reward > 0, i === 3, "the reward comes with the purchase, behind the last option");
        if (asked.task === "option") {
          const [name, values] = i === 2 ? ["color", "1. white\n2. red"] : ["size", "1. one\n2. two"];
          assert.ok(asked.prompt.at(-1)!.content.includes(`Options of ${name}:\n${values}\n`));
        }
      }
      return play.trajectory("fixed");
    };
    const right = by("2", "1");
    assert.deepEqual(
      right.steps.map(({ action }) => action),
      ["search[big red mug]", "click[b0mug]", "click[red]", "click[one]", "click[buy now]"],
    );
    assert.equal(right.parts!.rOption, 1);
    assert.deepEqual(
      right.decisions!.map(({ task }) => task),
      ["query", "select", "option", "option"],
    );
    const wrong = by("1", "none of them");
    assert.equal(wrong.parts!.rOption, 0);
    assert.deepEqual(wrong.decisions!.at(-1)!.formatValid, false);
    assert.deepEqual(
      wrong.steps.map(({ action }) => action),
      ["search[big red mug]", "click[b0mug]", "click[white]", "click[buy now]"],
    );
    // One without options is bought at once.
    const plain = new TwoDecisionPlay(environment, 0, { options: "choose" });
    plain.ask();
    plain.answer({ text: "mug 3" });
    const listed = (plain.ask() as SelectQuestion).listed;
    plain.answer({ text: String(listed.findIndex(({ options }) => options.length === 0) + 1) });
    assert.equal(plain.ask(), null);
    assert.ok(plain.trajectory("fixed").parts);
  });

  it("gives each option mode what it asks for", () => {
    const reward = (mode: OptionMode): number | null =>
      played("big red mug", "1", mode).parts?.rOption ?? null;
    assert.equal(reward("match"), 1);
    assert.equal(reward("first"), 0);
    assert.equal(reward("none"), 0);
    assert.equal(reward("all-lists"), 1, "every value at once: inflated by design");
  });

  it("buys nothing for an empty query or no results, and survives brackets", () => {
    for (const [query, steps] of [
      ["", 0],
      ["[]", 0],
      ["zzzz", 1],
    ] as const) {
      const { reward, parts, steps: taken, decisions } = played(query, "1");
      assert.deepEqual([reward, parts, taken.length, decisions!.length], [0, null, steps, 1], query);
    }
    const { steps, reward } = played("big [red] mug", "1");
    assert.equal(steps[0]!.action, "search[big  red  mug]");
    assert.equal(reward, 1);
  });

  it("goes on from a copy without changing the episode that was copied", () => {
    const play = new TwoDecisionPlay(environment, 0);
    play.ask();
    const copy = play.fork();
    copy.answer({ text: "big red mug" });
    assert.equal(play.query, null);
    assert.deepEqual(play.trajectory("a").decisions, []);
    play.answer({ text: "mug" });
    assert.deepEqual([play.query, copy.query], ["mug", "big red mug"]);
    assert.throws(() => play.answer({ text: "1" }), /Nothing was asked/);
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

  it("is named with its option mode, and counts answers where they are counted", async () => {
    const completer: Completer = {
      settings: { model: "scripted" },
      counted: true,
      complete: async () => ({ text: "2", promptTokens: 10, completionTokens: 1 }),
    };
    const agent = promptedAgent("prompted", completer, { options: "first" });
    assert.equal(agent.settings["protocol"], "two-decision");
    assert.equal(agent.settings["options"], "first");
    const { usage } = await agent.play(environment, 0, random);
    assert.deepEqual(usage, { requests: 2, promptTokens: 20, completionTokens: 2 });
  });
});
