import { strict as assert } from "node:assert";
import { parseAction, parseQuery, parseSelection, plainAnswer } from "../../lib/agents/index.js";

describe("answers of models that think", () => {
  it("are queries after the thought", () => {
    const cases: [string, string][] = [
      ["<think>They want shoes.\nRed ones.</think>\n\nred shoes", "red shoes"],
      ["<think>\n\n</think>\n\nred shoes", "red shoes"],
      ["<think></think>red shoes", "red shoes"],
      ["They want shoes.\n</think>\nred shoes", "red shoes"],
      ["<thinking>a</thinking><think>b</think> red shoes", "red shoes"],
      ["[THINK]a[/THINK]red shoes", "red shoes"],
      ["◁think▷a◁/think▷red shoes", "red shoes"],
      [
        "<|channel|>analysis<|message|>a<|end|><|start|>assistant<|channel|>final<|message|>red shoes<|return|>",
        "red shoes",
      ],
      ["```\nred shoes\n```", "red shoes"],
      ["```text\nred shoes", "red shoes"],
      ["Here is the query:\n```\nred shoes\n```", "red shoes"],
      ["`red shoes`", "red shoes"],
      ['<think>"x"</think>\n```\n"red shoes"\n```', "red shoes"],
      ["<think>They want shoes, so I", ""],
      ["<think>x</think>", ""],
      ["", ""],
      ["red shoes", "red shoes"],
      ["shoes < $30", "shoes < $30"],
    ];
    for (const [answer, query] of cases) assert.equal(parseQuery(answer), query, JSON.stringify(answer));
  });

  it("are choices after the thought", () => {
    const read = (answer: string): [number, boolean] => {
      const { index, valid } = parseSelection(answer, 10);
      return [index + 1, valid];
    };
    assert.deepEqual(read("<think>There are 2 packs, or 3</think>\n7"), [7, true]);
    assert.deepEqual(read("2 packs would do\n</think>\n\n7"), [7, true]);
    assert.deepEqual(read("<think>2 packs, so"), [1, false]);
    assert.deepEqual(read("<think>2</think>"), [1, false]);
    assert.deepEqual(read("```\n7\n```"), [7, true]);
    assert.deepEqual(read("7"), [7, true]);
  });

  it("are actions after the thought, where one follows", () => {
    const thought = "<think>maybe <action>click[back to search]</action>?</think>";
    assert.equal(parseAction(`${thought}\n<action>Click[Buy Now]</action>`, true).action, "click[buy now]");
    assert.deepEqual(parseAction("<action>search[a]</action>", false), {
      action: "search[a]",
      formatValid: true,
    });
    assert.equal(parseAction("<think>x</think><action>search[a]</action>", true).formatValid, true);
  });

  it("are told apart by how they came", () => {
    const forms: [string, boolean, string][] = [
      ["red", false, "plain"],
      ["<think>a</think>red", false, "plain"],
      ["```\nred\n```", false, "fenced"],
      ["", false, "empty"],
      ["<think>a</think>\n", false, "empty"],
      ["", true, "cut"],
      ["<think>a</think>\n", true, "cut"],
      ["<think>a", false, "cut"],
      ["<|channel|>analysis<|message|>a", false, "cut"],
      ["red sh", true, "plain"],
    ];
    for (const [answer, truncated, form] of forms)
      assert.equal(plainAnswer(answer, truncated).form, form, answer);
    assert.equal(plainAnswer("<think> a b </think>c").thinking, "a b");
  });
});
