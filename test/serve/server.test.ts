import assert from "node:assert/strict";
import { spawn, type ChildProcessWithoutNullStreams } from "node:child_process";
import { once } from "node:events";
import { connect, createServer } from "node:net";
import { createInterface } from "node:readline";
import type { FastifyInstance } from "fastify";
import { httpServer, OPERATIONS, SessionStore } from "../../lib/serve/index.js";
import { aisle } from "../cli/run.js";
import { makeShop, type TestShop } from "./shop.js";

type Answer = Record<string, unknown> & { session: string; actions: { click: string[] }; error: string };

const started: ChildProcessWithoutNullStreams[] = [];

function serve(...options: string[]): ChildProcessWithoutNullStreams {
  const child = spawn(process.execPath, ["lib/aisle.mjs", "serve", ...options]);
  started.push(child);
  return child;
}

async function ended(
  child: ChildProcessWithoutNullStreams,
): Promise<{ code: number | null; stderr: string }> {
  let stderr = "";
  child.stderr.on("data", (chunk) => (stderr += String(chunk)));
  const [code] = (await once(child, "close")) as [number | null];
  return { code, stderr };
}

describe("serve: processes", function () {
  this.timeout(60_000);
  let shop: TestShop;
  before(async () => {
    shop = await makeShop();
  });
  after(() => shop.remove());
  afterEach(() => started.splice(0).forEach((child) => child.kill("SIGKILL"))); // does nothing to one that has ended

  it("--stdio drives a thousand interleaved sessions and ends with its input", async () => {
    const child = serve("--stdio", "--data", shop.folder);
    const end = ended(child);
    const answers: Answer[] = [];
    const waiting: { count: number; resolve: () => void }[] = [];
    createInterface({ input: child.stdout }).on("line", (line) => {
      answers.push(JSON.parse(line) as Answer);
      if (waiting[0]?.count === answers.length) waiting.shift()!.resolve();
    });
    const ask = async (requests: readonly unknown[]): Promise<Answer[]> => {
      const from = answers.length;
      const all = new Promise<void>((resolve) => waiting.push({ count: from + requests.length, resolve }));
      child.stdin.write(requests.map((request) => `${JSON.stringify(request)}\n`).join(""));
      await all;
      return answers.slice(from);
    };
    const goals = shop.catalogue.goalCount;
    const goalOf = (i: number): number => i % goals;
    const ids = (await ask(Array.from({ length: 1000 }, (_, i) => ({ op: "reset", goal: goalOf(i) })))).map(
      ({ session }) => session,
    );
    assert.equal(new Set(ids).size, 1000);
    const step = (action: (i: number) => string): unknown[] =>
      ids.map((session, i) => ({ op: "step", session, action: action(i) }));
    const results = await ask(
      step((i) => `search[${shop.catalogue.goal(goalOf(i)).name.replace(/[[\]]/g, " ")}]`),
    );
    await ask(step((i) => `click[${results[i]!.actions.click[2]}]`));
    const bought = await ask(step(() => "click[buy now]"));
    // Sessions on the same goal did the same and must not have touched each other.
    bought.forEach((answer, i) => assert.equal(answer["reward"], bought[goalOf(i)]!["reward"]));
    assert(bought.every((answer) => answer["done"] === true));
    const [info, wrong, closed] = await ask([
      { op: "info" },
      { op: "nonsense" },
      { op: "close", session: ids[0] },
    ]);
    assert.equal(info!["sessions"], 1000);
    assert.match(wrong!.error, /"op" must be/);
    assert.equal(closed!["closed"], true);
    child.stdin.end();
    const { code, stderr } = await end;
    assert.equal(code, 0, stderr);
  });

  it("--stdio ends when nobody reads", async () => {
    const child = serve("--stdio", "--data", shop.folder);
    const end = ended(child);
    child.stdin.on("error", () => undefined);
    child.stdin.write('{"op":"info"}\n');
    await once(child.stdout, "data");
    child.stdout.destroy();
    child.stdin.write('{"op":"info"}\n'.repeat(2000));
    const { code } = await end;
    assert.equal(code, 0);
  });

  it("--port listens on this machine only, answers, and ends on a signal", async function () {
    const child = serve("--port", "0", "--data", shop.folder);
    const end = ended(child);
    const address = await new Promise<string>((resolve) => {
      let said = "";
      child.stderr.on("data", (chunk) => {
        said += String(chunk);
        const found = /listening on (\S+)/.exec(said);
        if (found) resolve(found[1]!);
      });
    });
    assert.match(address, /^http:\/\/127\.0\.0\.1:\d+$/);
    const post = async (verb: string, body: unknown): Promise<Answer> => {
      const headers = { "content-type": "application/json" };
      const response = await fetch(`${address}/${verb}`, {
        method: "POST",
        headers,
        body: JSON.stringify(body),
      });
      assert.equal(response.status, 200);
      return (await response.json()) as Answer;
    };
    const sessions: string[] = [];
    for (let i = 0; i < 1000; i += 50) {
      const batch = Array.from({ length: 50 }, (_, k) =>
        post("reset", { goal: (i + k) % shop.catalogue.goalCount }),
      );
      sessions.push(...(await Promise.all(batch)).map(({ session }) => session));
    }
    assert.equal(new Set(sessions).size, 1000);
    // Interleaved: each session is asked for its own word, and must answer about it.
    for (let i = 0; i < 1000; i += 50) {
      const batch = sessions.slice(i, i + 50).map(async (session, k) => {
        await post("step", { session, action: `search[word${i + k}]` });
        const { session: found, page } = await post("info", { session });
        assert.deepEqual([found, page], [session, "results"]);
      });
      await Promise.all(batch);
    }
    assert.equal((await post("info", {}))["sessions"], 1000);
    child.kill("SIGTERM");
    const { code } = await end;
    if (process.platform !== "win32") assert.equal(code, 143);
  });

  it("refuse bad options in a sentence with exit code 2", async () => {
    const taken = createServer().listen(0, "127.0.0.1");
    await once(taken, "listening");
    const address = taken.address();
    assert(address && typeof address === "object");
    const wrong: [string[], RegExp][] = [
      [[], /either --stdio or --port/],
      [["--stdio", "--port", "1"], /either --stdio or --port/],
      [["--port", "99999"], /--port must be/],
      [["--port", String(address.port), "--data", shop.folder], /another program uses that port/],
      [["--stdio", "--data", "no/such/folder"], /no\/such\/folder/],
    ];
    try {
      for (const [options, message] of wrong) {
        const { code, stderr } = await aisle(["serve", ...options]);
        assert.equal(code, 2, stderr);
        assert.match(stderr, message);
      }
    } finally {
      taken.close();
    }
  });
});

describe("serve: HTTP", () => {
  let shop: TestShop;
  let app: FastifyInstance;
  before(async function () {
    this.timeout(60_000);
    shop = await makeShop();
    app = await httpServer(new SessionStore(shop.catalogue), { maxBytes: 10_000 });
  });
  after(async () => {
    await app.close();
    shop.remove();
  });
  const post = async (url: string, payload: unknown): Promise<{ status: number; body: Answer }> => {
    const response = await app.inject({ method: "POST", url, payload: payload as object });
    return { status: response.statusCode, body: response.json() };
  };

  it("offers the same verbs", async () => {
    const { body: start } = await post("/reset", { goal: 2 });
    const { body: results } = await post("/step", { session: start.session, action: "search[shoes]" });
    assert.equal(results["valid"], true);
    const { body: copy } = await post("/clone", { session: start.session });
    assert.equal((await post("/info", { session: copy.session })).body["page"], "results");
    assert.deepEqual((await post("/close", { session: copy.session })).body, { closed: true });
    const info = await app.inject({ method: "GET", url: "/info" });
    assert.equal(info.json<Answer>()["products"], 300);
  });

  it("answers mistakes with a status and a sentence, and stays up", async () => {
    const cases: [Promise<{ status: number; body: Answer }>, number, RegExp][] = [
      [post("/reset", { goal: "x" }), 400, /"goal"/],
      [post("/reset", { goal: 1e9 }), 400, /no goal/],
      [post("/reset", {}), 400, /"goal"/],
      [post("/step", { session: "none", action: "x" }), 404, /no session "none"/],
      [post("/fly", {}), 404, /no POST \/fly/],
      [post("/step", { session: "s", action: "x".repeat(20_000) }), 413, /too large/],
    ];
    for (const [answer, status, message] of cases) {
      const { status: found, body } = await answer;
      assert.equal(found, status, body.error);
      assert.match(body.error, message);
      assert.deepEqual(Object.keys(body), ["error"]);
    }
    for (const [payload, type, status] of [
      ["{", "application/json", 400],
      ['{"__proto__":{}}', "application/json", 400],
      ["goal=1", "application/x-www-form-urlencoded", 415],
      ["hello", "text/plain", 400],
    ] as const) {
      const response = await app.inject({
        method: "POST",
        url: "/reset",
        payload,
        headers: { "content-type": type },
      });
      assert.equal(response.statusCode, status, response.body);
      assert(response.json<Answer>().error);
    }
    assert.equal((await post("/reset", { goal: 0 })).status, 200);
  });

  it("describes itself in OpenAPI", async () => {
    const document = (await app.inject({ method: "GET", url: "/openapi.json" })).json<{
      openapi: string;
      paths: Record<
        string,
        Record<"post" | "get", { requestBody: unknown; responses: Record<string, unknown> } | undefined>
      >;
    }>();
    assert.match(document.openapi, /^3\./);
    assert.deepEqual(Object.keys(document.paths), ["/reset", "/step", "/clone", "/close", "/info"]);
    const step = document.paths["/step"]!.post!;
    assert.match(JSON.stringify(step.requestBody), /"action".*"required":\["session","action"\]/s);
    assert.deepEqual(Object.keys(step.responses), "200 400 403 404 408 413 415 429 500".split(" "));
    assert.match(JSON.stringify(step.responses["200"]), /"valid"/);
    assert.match(JSON.stringify(step.responses["413"]), /too long.*"required":\["error"\]/);
    const info = document.paths["/info"]!;
    assert.match(
      JSON.stringify(info.get!.responses["200"]),
      /"fingerprint".*"splits"|"splits".*"fingerprint"/,
    );
    assert.match(JSON.stringify(info.post!.responses["200"]), /"anyOf".*"fingerprint".*"page"/);
  });

  it("answers as the description says", async () => {
    const fits = (op: keyof typeof OPERATIONS, body: unknown): void => {
      const { error } = OPERATIONS[op].response.safeParse(body);
      assert.equal(error, undefined, `${op}: ${error?.message}`);
    };
    const { body: start } = await post("/reset", { goal: 2 });
    const session = start.session;
    fits("reset", start);
    const { body: results } = await post("/step", { session, action: "search[shoes]" });
    fits("step", results);
    await post("/step", { session, action: `click[${results.actions.click[2]}]` });
    fits("step", (await post("/step", { session, action: "click[buy now]" })).body);
    fits("info", (await post("/info", { session })).body);
    fits("info", (await app.inject({ method: "GET", url: "/info" })).json());
    fits("clone", (await post("/clone", { session })).body);
    fits("close", (await post("/close", { session })).body);
  });
});

describe("serve: connections", () => {
  let shop: TestShop;
  let app: FastifyInstance;
  let port: number;
  before(async function () {
    this.timeout(60_000);
    shop = await makeShop();
    app = await httpServer(new SessionStore(shop.catalogue, { maxSessions: 1 }), {
      maxBytes: 10_000,
      requestSeconds: 1,
      hosts: ["shop.example"],
    });
    await app.listen({ port: 0, host: "127.0.0.1" });
    port = (app.server.address() as { port: number }).port;
  });
  after(async () => {
    await app.close();
    shop.remove();
  });

  /** Sends bytes and returns all that comes until the server hangs up. */
  async function raw(text: string): Promise<{ status: number; body: string; seconds: number }> {
    const began = performance.now();
    const socket = connect(port, "127.0.0.1");
    socket.write(text);
    let said = "";
    socket.on("data", (chunk) => (said += String(chunk)));
    socket.on("error", () => undefined);
    await once(socket, "close");
    const [head, body] = said.split("\r\n\r\n") as [string, string?];
    const status = Number(/^HTTP\/1\.1 (\d+)/.exec(head)?.[1]);
    return { status, body: body ?? "", seconds: (performance.now() - began) / 1000 };
  }
  const get = (path: string, host: string): string =>
    `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`;

  it("give every error in one shape, whoever finds it", async () => {
    const head = `Host: localhost\r\nConnection: close\r\n`;
    const long = "x".repeat(20_000);
    const cases: [string, number, RegExp][] = [
      [get("/%", "localhost"), 400, /%/],
      [get("/%E0%A4%A", "localhost"), 400, /%/],
      [get("/nowhere", "localhost"), 404, /no GET \/nowhere/],
      ["hello\r\n\r\n", 400, /not an HTTP request/],
      [`FLY / HTTP/1.1\r\n${head}\r\n`, 400, /not an HTTP request/],
      [`GET / HTTP/1.1\r\n${head}X: ${long}\r\n\r\n`, 431, /headers are too long/],
      [`GET /info HTTP/1.1\r\n${head}Expect: tea\r\n\r\n`, 417, /Expect/],
      [`CONNECT a:1 HTTP/1.1\r\n${head}\r\n`, 405, /not a proxy/],
      [`PUT /reset HTTP/1.1\r\n${head}\r\n`, 404, /no PUT/],
      [`GET /info HTTP/1.1\r\nConnection: close\r\n\r\n`, 400, /no Host/],
      [
        `POST /reset HTTP/1.1\r\n${head}Content-Type: application/json\r\nContent-Length: 0\r\n\r\n`,
        400,
        /body|JSON/i,
      ],
      [
        `POST /reset HTTP/1.1\r\n${head}Content-Type: application/json\r\nContent-Length: 20000\r\n\r\n${long}`,
        413,
        /too large/,
      ],
    ];
    for (const [request, status, message] of cases) {
      const found = await raw(request);
      assert.equal(found.status, status, request.slice(0, 60));
      const body = JSON.parse(found.body) as Answer;
      assert.deepEqual(Object.keys(body), ["error"], request.slice(0, 60));
      assert.match(body.error, message);
    }
  });

  it("answer for this machine's names alone", async () => {
    const here = [
      "localhost",
      `localhost:${port}`,
      "127.0.0.1:1",
      "[::1]:80",
      "LOCALHOST",
      "a.localhost",
      "shop.example:80",
    ];
    for (const host of here) assert.equal((await raw(get("/info", host))).status, 200, host);
    const elsewhere = [
      "evil.example",
      "evil.example:80",
      "192.168.1.5",
      "localhost.evil.example",
      "127.0.0.1.evil.example",
      "127.0.0.1@evil",
      "",
    ];
    for (const host of elsewhere) {
      const { status, body } = await raw(get("/info", host));
      assert.equal(status, 403, host);
      assert.match(body, /--allow-host/);
    }
  });

  it("close what does not arrive whole in time", async function () {
    this.timeout(20_000);
    const half = `POST /reset HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"goal":`;
    const found = await Promise.all([
      ...Array.from({ length: 100 }, () => raw(half)),
      raw("POST /re"),
      raw(half.slice(0, 50)),
    ]);
    for (const { status, body, seconds } of found) {
      assert.equal(status, 408);
      assert.match(body, /^\{"error":"The request did not arrive whole in time\."\}$/);
      assert(seconds < 5, `${seconds} s`);
    }
    assert.equal((await raw(get("/info", "localhost"))).status, 200);
  });

  it("say 429 when there is no room for another session", async () => {
    const open = () => app.inject({ method: "POST", url: "/reset", payload: { goal: 0 } });
    assert.equal((await open()).statusCode, 200);
    const refused = await open();
    assert.equal(refused.statusCode, 429);
    assert.deepEqual(Object.keys(refused.json<Answer>()), ["error"]);
  });
});
