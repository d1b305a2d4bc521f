import assert from "node:assert/strict";
import {
  MULTI_TURN_PROMPT_VERSION,
  type Message,
  PROMPT_VERSION,
  queryPrompt,
  selectPrompt,
  withoutPrice,
} from "../../lib/agents/index.js";
import { loadTokenizer } from "../../lib/model/index.js";
import { defaultCatalogue, type DiskCatalogue } from "../../lib/simulator/index.js";
import { aisle } from "./run.js";

describe("aisle prompt", function () {
  this.timeout(60_000);
  let shop: DiskCatalogue;
  before(async () => {
    shop = await defaultCatalogue();
  });
  after(() => shop.close());

  it("prints what a model gets, to the byte: templates, listings and chat template", async () => {
    const model = "data/models/base";
    const { instruction } = shop.goal(3);
    const typed = withoutPrice(instruction);
    const listed = shop.search(typed, 10).map(({ index }) => shop.product(index));
    const [query, select, act, text] = await Promise.all([
      aisle(["prompt", "query", "--goal", "3", "--model", model, "--json"]),
      aisle(["prompt", "select", "--goal", "3", "--json"]),
      aisle(["prompt", "act", "--goal", "3", "--after", `search[${typed}]`, "--react", "--json"]),
      aisle(["prompt", "query", "--goal", "3", "--model", model]),
    ]);
    const tokenizer = await loadTokenizer(model);
    const chat = tokenizer.chatText(queryPrompt(instruction));
    assert.deepEqual(JSON.parse(query.stdout), {
      task: "query",
      goal: 3,
      version: PROMPT_VERSION,
      messages: queryPrompt(instruction),
      text: chat,
      tokens: tokenizer.chat(queryPrompt(instruction)).length,
    });
    assert.equal(text.stdout, chat);
    assert.deepEqual(JSON.parse(select.stdout), {
      task: "select",
      goal: 3,
      version: PROMPT_VERSION,
      messages: selectPrompt(instruction, typed, listed),
    });
    const shown = JSON.parse(act.stdout) as { version: string; messages: Message[] };
    assert.equal(shown.version, MULTI_TURN_PROMPT_VERSION);
    const { content } = shown.messages[0]!;
    assert.match(
      content,
      /Steps taken: 1\. The last 1:\nObservation 1:\nWebShop\nSearch\nAction 1: search\[/,
    );
    assert.ok(content.includes(`click[${listed[0]!.asin.toLowerCase()}]`));
    assert.match(content, /<think><\/think>/);
  });

  it("refuses what makes no prompt, in one sentence", async () => {
    const wrong: [RegExp, readonly string[]][] = [
      [/--after belongs to "aisle prompt act", not to query\./, ["query", "--after", "click[back]"]],
      [
        /click\[foo\] is not possible there; these are: search\[<your query>\]/,
        ["act", "--after", "click[foo]"],
      ],
      [/There is no goal 99999 in this shop/, ["query", "--goal", "99999"]],
      [/finds nothing/, ["select", "--query", "zzzz"]],
    ];
    const answers = await Promise.all(wrong.map(([, args]) => aisle(["prompt", ...args])));
    answers.forEach(({ code, stdout, stderr }, i) => {
      assert.deepEqual([code, stdout], [2, ""]);
      assert.match(stderr, wrong[i]![0]);
    });
  });
});
