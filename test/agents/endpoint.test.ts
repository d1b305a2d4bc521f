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

  it("gives up an answer that stalls in its body, whole or streamed, within the limit", async () => {
    const stall =
      (type: string, text: string): Answerer =>
      (_, response) => {
        response.writeHead(200, { "content-type": type });
        response.write(text);
      };
    for (const stream of [false, true]) {
      const stalled = stream
        ? stall("text/event-stream", 'data: {"choices": [{"delta": {"content": "red"}}]}\n\n')
        : stall("application/json", '{"choices": [');
      script = [stalled, stalled];
      const began = performance.now();
      const gaveUp = (await open({ timeout: 150, retries: 1, stream })).complete(hello, sampling);
      await assert.rejects(
        gaveUp,
        (error: Error) => error instanceof RunError && /did not answer in time/.test(error.message),
      );
      assert.ok(performance.now() - began < 5000);
      assert.equal(seen.length, stream ? 4 : 2);
    }
    // Of a stream, the limit is the time between two pieces: one that takes longer in all is read to its end.
    script = [
      (_, response) => {
        response.setHeader("content-type", "text/event-stream");
        const words = ["red ", "stone ", "ware ", "mug"];
        const send = (): void => {
          const content = words.shift();
          const choice =
            content === undefined ? { delta: {}, finish_reason: "stop" } : { delta: { content } };
          response.write(`data: ${JSON.stringify({ choices: [choice] })}\n\n`);
          if (content === undefined) response.end("data: [DONE]\n\n");
          else setTimeout(send, 100);
        };
        send();
      },
    ];
    const answer = await (await open({ timeout: 300, retries: 0, stream: true })).complete(hello, sampling);
    assert.equal(answer.text, "red stone ware mug");
  });

  const message = (content: unknown, more: object = {}, finish_reason = "stop"): Answerer => {
    return (_, response) => {
      response.setHeader("content-type", "application/json");
      response.end(JSON.stringify({ choices: [{ index: 0, finish_reason, message: { content, ...more } }] }));
    };
  };
  it("tells an answer without content from a broken one, and says why there is none", async () => {
    const cases: [Answerer, RegExp | undefined, string, boolean?][] = [
      [message(null, { refusal: "I cannot help with that." }), /^the model refused: I cannot help/, ""],
      [message("", { refusal: "No." }), /^the model refused: No\./, ""],
      [message(null, { tool_calls: [{ id: "1" }] }, "tool_calls"), /called a tool/, ""],
      [message(null, {}, "content_filter"), /content filter held/, ""],
      [message(null, { reasoning_content: "Hm" }, "length"), /cut off before.*--max-tokens/, "", true],
      [message(null), /no content \(finish_reason stop\)/, ""],
      [message(""), undefined, ""],
      [message("red sh", {}, "length"), undefined, "red sh", true],
      [
        message([
          { type: "thinking", thinking: "Hm", text: "Hm" },
          { type: "text", text: "red " },
          { text: "mug" },
          "s",
        ]),
        undefined,
        "red mugs",
      ],
      [message([]), /no content/, ""],
    ];
    const endpoint = await open({ retries: 0 });
    for (const [answerer, failed, text, truncated = false] of cases) {
      script = [answerer];
      const answer = await endpoint.complete(hello, sampling);
      assert.equal(answer.text, text);
      assert.equal(answer.truncated ?? false, truncated);
      if (failed) assert.match(answer.failed ?? "", failed);
      else assert.equal(answer.failed, undefined);
    }
    // A question that the server refuses for what it holds is that question's failure alone.
    const refuse =
      (error: object): Answerer =>
      (_, response) => {
        response.statusCode = 400;
        response.end(JSON.stringify({ error }));
      };
    script = [
      refuse({ code: "content_filter", message: "no" }),
      refuse({ code: "context_length_exceeded", message: "too long" }),
    ];
    assert.match((await endpoint.complete(hello, sampling)).failed!, /content filter refused the question/);
    assert.match((await endpoint.complete(hello, sampling)).failed!, /longer than the model's context/);
    assert.equal(seen.length, cases.length + 2);
  });

  it("streams parts, refusals and tool calls as well", async () => {
    const event = (delta: object, finish_reason?: string): string =>
      `data: ${JSON.stringify({ choices: [{ index: 0, delta, ...(finish_reason ? { finish_reason } : {}) }] })}\n\n`;
    const stream =
      (...all: string[]): Answerer =>
      (_, response) => {
        response.setHeader("content-type", "text/event-stream");
        response.end(`${all.join("")}data: [DONE]\n\n`);
      };
    const endpoint = await open({ retries: 0, stream: true });
    script = [
      stream(
        event({ content: [{ type: "text", text: "red " }] }),
        event({ content: "mug" }),
        event({}, "stop"),
      ),
      stream(event({ refusal: "I can" }), event({ refusal: "not." }), event({}, "stop")),
      stream(event({ tool_calls: [{ index: 0 }] }), event({}, "tool_calls")),
      stream(event({ content: "red" }), event({}, "length")),
    ];
    assert.equal((await endpoint.complete(hello, sampling)).text, "red mug");
    assert.match((await endpoint.complete(hello, sampling)).failed!, /refused: I cannot\./);
    assert.match((await endpoint.complete(hello, sampling)).failed!, /called a tool/);
    assert.equal((await endpoint.complete(hello, sampling)).truncated, true);
  });

  it("passes on the server's own words, wherever they stand, without the key", async () => {
    const json =
      (code: number, body: unknown): Answerer =>
      (_, response) => {
        response.statusCode = code;
        response.setHeader("content-type", "application/json");
        response.end(typeof body === "string" ? body : JSON.stringify(body));
      };
    const padding = "x".repeat(290);
    const cases: [Answerer, typeof InputError | typeof RunError, RegExp][] = [
      [
        json(400, { object: "error", message: `prompt is bad, ${KEY}`, code: 400 }),
        InputError,
        /refused the request: prompt is bad, …\./,
      ],
      [json(400, { error: "model not loaded" }), InputError, /refused the request: model not loaded\./],
      [json(422, { detail: [{ loc: ["body"], msg: "field required" }] }), InputError, /field required/],
      [json(400, { detail: "nope" }), InputError, /nope/],
      [json(400, "plain words"), InputError, /plain words/],
      [
        json(400, "<html><style>a{}</style><h1>Bad gateway rules</h1></html>"),
        InputError,
        /: Bad gateway rules\./,
      ],
      [json(400, {}), InputError, /with status 400, without a reason/],
      [json(400, { error: { message: `${padding}${KEY}` } }), InputError, /x{290}/],
      [
        json(400, { message: "Unsupported parameter: 'max_tokens'; use 'max_completion_tokens'" }),
        InputError,
        /Try --token-limit max_completion_tokens\.$/,
      ],
      [json(400, { message: "Unsupported value: 'temperature'" }), InputError, /Try --omit temperature\.$/],
      [
        json(401, { message: `Wrong key ${KEY}` }),
        InputError,
        /refused the key \(401\).*It said: Wrong key …\./,
      ],
      [
        json(404, { message: "The model tiny does not exist" }),
        InputError,
        /404.*It said: The model tiny does not exist\./,
      ],
      [json(503, { message: "loading model" }), RunError, /503 after every retry\. It said: loading model\./],
      [
        json(200, { error: { message: "quota used up", code: 402 } }),
        InputError,
        /refused the request: quota used up\./,
      ],
      [
        json(200, { error: { message: "upstream is away", code: 502 } }),
        RunError,
        /502 after every retry\. It said: upstream is away\./,
      ],
      [
        json(200, { error: "out of memory" }),
        RunError,
        /failed after every retry\. It said: out of memory\./,
      ],
      [
        (_, response) => {
          response.setHeader("content-type", "text/event-stream");
          response.end('data: {"error": {"message": "worker died"}}\n\n');
        },
        RunError,
        /It said: worker died\./,
      ],
    ];
    for (const [answerer, kind, pattern] of cases) {
      script = [answerer, answerer];
      const stream = pattern.source.includes("worker died");
      await assert.rejects((await open({ retries: 1, stream })).complete(hello, sampling), (error: Error) => {
        assert.ok(error instanceof kind, `${error.name}: ${error.message}`);
        assert.match(error.message, pattern);
        assert.ok(!error.message.includes("sk-very"), error.message);
        return true;
      });
    }
  });

  it("asks as the server wants to be asked", async () => {
    const endpoint = await open({
      tokenLimit: "max_completion_tokens",
      omit: ["temperature", "seed"],
      contentParts: true,
      extra: { top_p: 0.5, chat_template_kwargs: { enable_thinking: false } },
      headers: { "X-Title": "aisle" },
    });
    await endpoint.complete(hello, sampling);
    assert.deepEqual(seen[0], {
      model: "tiny",
      messages: [{ role: "user", content: [{ type: "text", text: "hello" }] }],
      max_completion_tokens: 8,
      top_p: 0.5,
      chat_template_kwargs: { enable_thinking: false },
      stream: false,
    });
    assert.deepEqual(endpoint.settings["request"], {
      tokenLimit: "max_completion_tokens",
      omit: ["seed", "temperature"],
      contentParts: true,
      extra: { top_p: 0.5, chat_template_kwargs: { enable_thinking: false } },
    });
    assert.ok(!("request" in (await open()).settings)); // as older records have it
    await (await open({ tokenLimit: "none" })).complete(hello, sampling);
    assert.ok(!("max_tokens" in seen[1]!));
    await assert.rejects(open({ extra: { messages: [] } }), /--extra.*must not set model, messages/);
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
    const slow: Answerer = (_, response) => void setTimeout(() => reply(response, "slow"), 60);
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
