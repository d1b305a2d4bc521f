import { strict as assert } from "node:assert";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { openEndpoint, type EndpointOptions } from "../../lib/agents/prompted/endpoint.js";
import { InputError, RunError, stream } from "../../lib/base/index.js";

type Answerer = (request: IncomingMessage, response: ServerResponse, body: Record<string, unknown>) => void;

const KEY = "sk-very-secret-0123456789";
const sampling = { maxTokens: 8, temperature: 0, random: stream(1, "test") };
const hello = [{ role: "user", content: "hello" }] as const;

function reply(response: ServerResponse, text: string): void {
  response.setHeader("content-type", "application/json");
  response.end(
    JSON.stringify({
      id: "1",
      object: "chat.completion",
      choices: [{ index: 0, finish_reason: "stop", message: { role: "assistant", content: text } }],
      usage: { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 },
    }),
  );
}

function status(code: number): Answerer {
  return (_, response) => {
    response.statusCode = code;
    response.setHeader("retry-after-ms", "5");
    // A careless server echoes the key; it must not reach the user.
    response.end(JSON.stringify({ error: { message: `no, ${KEY}` } }));
  };
}

/** An event stream of some words; the last event says that it is over unless the connection is `cut`. */
function events(words: readonly string[], cut: boolean): Answerer {
  return (_, response) => {
    response.setHeader("content-type", "text/event-stream");
    const send = (value: unknown): void => void response.write(`data: ${JSON.stringify(value)}\n\n`);
    words.forEach((word) => send({ choices: [{ index: 0, delta: { content: word } }] }));
    if (cut) return void setTimeout(() => response.destroy(), 5);
    send({ choices: [{ index: 0, delta: {}, finish_reason: "stop" }] });
    send({ choices: [], usage: { prompt_tokens: 4, completion_tokens: 2 } });
    response.end("data: [DONE]\n\n");
  };
}

describe("an OpenAI-compatible endpoint", () => {
  let script: Answerer[] = [];
  let seen: Record<string, unknown>[] = [];
  let inFlight = 0;
  let mostInFlight = 0;
  const server = createServer((request, response) => {
    let text = "";
    request.on("data", (chunk: Buffer) => (text += chunk.toString()));
    request.on("end", () => {
      inFlight += 1;
      mostInFlight = Math.max(mostInFlight, inFlight);
      response.on("close", () => (inFlight -= 1));
      const body = JSON.parse(text) as Record<string, unknown>;
      seen.push(body);
      const next = script.shift() ?? ((_: IncomingMessage, r: ServerResponse) => reply(r, "fine"));
      next(request, response, body);
    });
  });
  let baseUrl = "";
  let previousKey: string | undefined;

  before((done) => {
    previousKey = process.env["AISLE_TEST_KEY"];
    process.env["AISLE_TEST_KEY"] = KEY;
    server.listen(0, "127.0.0.1", () => {
      baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
      done();
    });
  });
  after((done) => {
    if (previousKey === undefined) delete process.env["AISLE_TEST_KEY"];
    else process.env["AISLE_TEST_KEY"] = previousKey;
    server.closeAllConnections();
    server.close(() => done());
  });
  beforeEach(() => {
    script = [];
    seen = [];
    mostInFlight = 0;
  });
  const open = (more: Partial<EndpointOptions> = {}): ReturnType<typeof openEndpoint> =>
    openEndpoint({ baseUrl, model: "tiny", keyVariable: "AISLE_TEST_KEY", retries: 3, ...more });

  it("answers, counts tokens and cost, and sends what was asked", async () => {
    const endpoint = await open({ price: { prompt: 1e6, completion: 2e6 } });
    const answer = await endpoint.complete(hello, sampling);
    assert.deepEqual(answer, { text: "fine", promptTokens: 3, completionTokens: 2 });
    assert.deepEqual(endpoint.usage(), { requests: 1, promptTokens: 3, completionTokens: 2, dollars: 7 });
    assert.equal(seen[0]!["model"], "tiny");
    assert.equal(seen[0]!["temperature"], 0);
    assert.ok(Number.isInteger(seen[0]!["seed"]));
    assert.ok(!JSON.stringify(endpoint.settings).includes(KEY));
  });

  it("survives 429, 500, a cut connection and a reply of the wrong form, in a row", async () => {
    const cut: Answerer = (_, response) => {
      response.writeHead(200, { "content-type": "application/json", "content-length": "500" });
      response.write('{"choices":');
      setTimeout(() => response.destroy(), 5);
    };
    script = [
      status(429),
      status(500),
      (_, response) => response.destroy(),
      cut,
      (_, response) => response.end(JSON.stringify({ choices: [] })),
    ];
    assert.equal((await (await open()).complete(hello, sampling)).text, "fine");
    assert.equal(seen.length, 6);
  });

  it("tries again after a time-out", async () => {
    script = [() => undefined]; // never answers
    assert.equal((await (await open({ timeout: 100 })).complete(hello, sampling)).text, "fine");
  });

  it("streams, and does not take a stream that was cut for an answer", async () => {
    script = [events(["half"], true), events(["red ", "mug"], false)];
    const answer = await (await open({ stream: true })).complete(hello, sampling);
    assert.deepEqual(answer, { text: "red mug", promptTokens: 4, completionTokens: 2 });
    assert.equal(seen.length, 2);
  });

  const refusals: [string, Answerer, typeof InputError | typeof RunError, RegExp][] = [
    ["a refused key", status(401), InputError, /refused the key \(401\): set AISLE_TEST_KEY/],
    ["an unknown model", status(404), InputError, /does not know this path or model/],
    ["a server that keeps failing", status(503), RunError, /failed with status 503 after every retry/],
    ["replies that are never JSON", (_, r) => r.end("<html>"), RunError, /cannot be used/],
  ];
  for (const [name, answerer, kind, message] of refusals) {
    it(`says in one sentence, without the key: ${name}`, async () => {
      script = Array.from({ length: 8 }, () => answerer);
      await assert.rejects((await open({ retries: 1 })).complete(hello, sampling), (error: Error) => {
        assert.ok(error instanceof kind, `${error.name}: ${error.message}`);
        assert.match(error.message, message);
        assert.ok(!error.message.includes(KEY) && !(error.stack ?? "").includes(KEY));
        return true;
      });
    });
  }

  it("says that nothing listens at an address", async () => {
    const closed = await open({ baseUrl: "http://127.0.0.1:1/v1", retries: 0 });
    await assert.rejects(closed.complete(hello, sampling), /could not be reached/);
  });

  it("keeps to its concurrency and gives every place back, failures included", async () => {
    script = [status(404)];
    const endpoint = await open({ concurrency: 3 });
    const slow: Answerer = (_, response) => void setTimeout(() => reply(response, "slow"), 10);
    script.push(...Array.from({ length: 20 }, () => slow));
    const results = await Promise.allSettled(
      Array.from({ length: 15 }, () => endpoint.complete(hello, sampling)),
    );
    assert.equal(results.filter((result) => result.status === "rejected").length, 1);
    assert.equal(mostInFlight, 3);
  });

  it("refuses an address that is none, before anything is sent", async () => {
    await assert.rejects(open({ baseUrl: "localhost:8000" }), InputError);
    await assert.rejects(open({ model: "" }), /needs the name of a model/);
  });
});
