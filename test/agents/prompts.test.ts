import { strict as assert } from "node:assert";
import { createHash } from "node:crypto";
import fc from "fast-check";
import {
  MULTI_TURN_PROMPT_VERSION,
  multiTurnPrompt,
  listingLine,
  parseAction,
  parseQuery,
  parseSelection,
  PROMPT_VERSION,
  queryPrompt,
  selectPrompt,
} from "../../lib/agents/prompts/index.js";

describe("prompts", () => {
  it("change only together with their version", () => {
    const digestOf = (all: unknown): string =>
      createHash("sha256").update(JSON.stringify(all)).digest("hex").slice(0, 12);
    const two = [
      queryPrompt("i need a red mug"),
      selectPrompt("i need a red mug", "red mug", [{ title: "Red Mug", pricing: [5] }]),
    ];
    const act = [true, false].map((thought) =>
      multiTurnPrompt({
        instruction: "i need a red mug",
        stepsTaken: 2,
        history: [
          { observation: "a", action: "search[red mug]" },
          { observation: null, action: "click[next >]" },
        ],
        observation: "b",
        admissible: ["click[buy now]"],
        thought,
      }),
    );
    assert.deepEqual([PROMPT_VERSION, digestOf(two)], ["1", "1c9f63b1ac28"]);
    assert.deepEqual([MULTI_TURN_PROMPT_VERSION, digestOf(act)], ["3", "0fdd3af35592"]);
  });

  it("number the results as they are printed and answered", () => {
    const listings = Array.from({ length: 10 }, (_, i) => ({ title: `Item ${i}`, pricing: [i + 0.5] }));
    const [, user] = selectPrompt("x", "y", listings);
    assert.match(user!.content, /^10\. Item 9 – \$9\.50$/m);
    listings.forEach((_, i) => assert.deepEqual(parseSelection(`${i + 1}`, 10), { index: i, valid: true }));
  });

  it("show a range's mean, and no price where there is none", () => {
    assert.equal(listingLine({ title: "A\nB", pricing: [1, 2] }), "A – $1.50");
    assert.equal(listingLine({ title: "A", pricing: [] }), "A");
  });
});

describe("answers", () => {
  it("give a query on one line, without bars and quotes", () => {
    assert.equal(parseQuery('\n  "red | mug"\nbecause'), "red  mug");
    assert.equal(parseQuery(' "'), '"');
    assert.equal(parseQuery("|"), "");
  });

  it("give the first number on the list, or the first result marked invalid", () => {
    assert.deepEqual(parseSelection("I would take 12, no, 3.", 10), { index: 2, valid: true });
    assert.deepEqual(parseSelection("The $4.99 one, number 10", 10), { index: 9, valid: true });
    assert.deepEqual(parseSelection("none of them", 10), { index: 0, valid: false });
    assert.deepEqual(parseSelection("7", 3), { index: 0, valid: false });
  });

  it("give an action and whether it had the form asked for", () => {
    assert.deepEqual(parseAction("<think>hm</think><action>Click[Buy Now]</action>", true), {
      action: "click[buy now]",
      formatValid: true,
    });
    assert.equal(parseAction("<action>click[x]</action>", true).formatValid, false);
    assert.equal(parseAction("<action>click[x]</action>", false).formatValid, true);
    assert.deepEqual(parseAction("I would simply press click[buy now]", false), {
      action: "ly press click[buy now]".slice(-20),
      formatValid: false,
    });
  });

  it("never throw, whatever a model says", () => {
    fc.assert(
      fc.property(fc.string(), fc.integer({ min: 1, max: 50 }), (answer, count) => {
        const { index } = parseSelection(answer, count);
        assert.ok(index >= 0 && index < count);
        assert.ok(!parseQuery(answer).includes("\n"));
        parseAction(answer, true);
      }),
    );
  });
});
