import { strict as assert } from "node:assert";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import fc from "fast-check";
import {
  openEndpoint,
  parseAction,
  parseQuery,
  parseSelection,
  plainAnswer,
} from "../../../lib/agents/index.js";
import { wordsIn } from "../../../lib/agents/prompted/fetch-whole.js";
import { InputError, RunError, stream } from "../../../lib/base/index.js";

const RUNS = 10_000;
const KEY = "sk-very-secret-0123456789";

describe("full: whatever a model or its server says", function () {
  this.timeout(600_000);

  it(`is an answer or a sentence, in ${RUNS} replies`, async () => {
    let next: (response: ServerResponse) => void = (response) => response.end();
    const server = createServer((request, response) => {
      request.resume().on("end", () => next(response));
    });
    await new Promise<void>((resume) => server.listen(0, "127.0.0.1", resume));
    process.env["AISLE_FUZZ_KEY"] = KEY;
    const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
    const common = { baseUrl, model: "m", keyVariable: "AISLE_FUZZ_KEY", retries: 0, timeout: 5000 };
    const endpoints = [await openEndpoint(common), await openEndpoint({ ...common, stream: true })];
    const odd = fc.oneof(
      fc.jsonValue({ maxDepth: 2 }),
      fc.constantFrom(null, "", [], {}, KEY, [{ type: "text", text: "a" }]),
    );
    const choice = fc.record(
      {
        finish_reason: fc.oneof(fc.constantFrom("stop", "length", "tool_calls", "content_filter", null), odd),
        message: fc.oneof(
          fc.record({ content: odd, refusal: odd, tool_calls: odd }, { requiredKeys: [] }),
          odd,
        ),
        delta: fc.oneof(fc.record({ content: odd, refusal: odd }, { requiredKeys: [] }), odd),
      },
      { requiredKeys: [] },
    );
    const reply = fc.oneof(
      fc.record(
        { choices: fc.oneof(fc.array(choice, { maxLength: 2 }), odd), usage: odd, error: odd },
        { requiredKeys: [] },
      ),
      odd,
    );
    const status = fc.constantFrom(200, 200, 200, 400, 401, 404, 422, 500);
    let answers = 0;
    try {
      await fc.assert(
        fc.asyncProperty(
          status,
          reply,
          fc.constantFrom("as asked", "as asked", "json", "events", "text"),
          fc.boolean(),
          async (code, body, sent, streams) => {
            const as = sent !== "as asked" ? sent : streams ? "events" : "json";
            next = (response) => {
              const types = { json: "application/json", events: "text/event-stream", text: "text/html" };
              response.writeHead(code, { "content-type": types[as] });
              response.end(
                as === "events" ? `data: ${JSON.stringify(body)}\n\ndata: [DONE]\n\n` : JSON.stringify(body),
              );
            };
            try {
              const answer = await endpoints[streams ? 1 : 0]!.complete([{ role: "user", content: "x" }], {
                maxTokens: 8,
                temperature: 0,
                random: stream(1, "fuzz"),
              });
              assert.equal(typeof answer.text, "string");
              assert.ok(Number.isFinite(answer.promptTokens) && Number.isFinite(answer.completionTokens));
              answers++;
            } catch (error) {
              assert.ok(error instanceof InputError || error instanceof RunError, String(error));
              assert.ok(
                !error.message.includes(KEY) && !/\n|undefined|\[object/.test(error.message),
                error.message,
              );
              assert.ok(error.message.length < 700, error.message);
            }
          },
        ),
        { numRuns: RUNS },
      );
      assert.ok(answers > RUNS / 200, `${answers} answers`);
    } finally {
      server.closeAllConnections();
      await new Promise((resume) => server.close(resume));
    }
  });

  it(`is read without an exception or much time, in ${RUNS} answers`, () => {
    const piece = fc.oneof(
      fc.constantFrom(
        "<think>",
        "</think>",
        "<thinking>",
        "[THINK]",
        "[/THINK]",
        "◁think▷",
        "◁/think▷",
        "```",
        "~~~",
        "`",
        "\n",
        "7",
        "2 packs",
        "|",
        '"',
      ),
      fc.constantFrom(
        "<action>",
        "</action>",
        "<|channel|>analysis<|message|>",
        "<|channel|>final<|message|>",
        "<|end|>",
        " ",
        "red shoes",
      ),
      fc.string({ unit: "binary", maxLength: 5 }),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), fc.boolean(), (pieces, truncated) => {
        const answer = pieces.join("");
        const { text, form } = plainAnswer(answer, truncated);
        assert.equal(text === "", form === "empty" || form === "cut" || (form === "fenced" && text === ""));
        const query = parseQuery(answer);
        assert.ok(!query.includes("\n") && !query.includes("|") && query === query.trim());
        assert.ok(!/<think>|<\/think>/i.test(query), JSON.stringify(answer));
        const { index } = parseSelection(answer, 10);
        assert.ok(index >= 0 && index < 10);
        parseAction(answer, true);
        assert.equal(typeof wordsIn(answer), "string");
      }),
      { numRuns: RUNS },
    );
    const began = performance.now();
    for (const long of [
      "<think>".repeat(20_000),
      "```".repeat(50_000),
      "\n".repeat(200_000),
      "</think>".repeat(5_000),
      "<".repeat(200_000),
    ]) {
      parseQuery(long);
      wordsIn(long);
    }
    assert.ok(performance.now() - began < 20_000);
  });
});
