import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import fc from "fast-check";
import type { FastifyInstance } from "fastify";
import {
  answerLine,
  httpServer,
  OPERATIONS,
  SessionStore,
  type Operation,
} from "../../../lib/serve/index.js";
import { WEBSHOP_QUIRKS } from "../../../lib/simulator/index.js";
import { makeShop, type TestShop } from "../../serve/shop.js";

/** Inputs for each boundary. */
const RUNS = 10_000;

const operations = Object.keys(OPERATIONS) as Operation[];
const names = ["__proto__", "constructor", "toString", "hasOwnProperty", "", ...Object.keys(WEBSHOP_QUIRKS)];

/** Fields as a careless or hostile program might send them; `session` stands for one that is open. */
function requests(session: () => string): fc.Arbitrary<Record<string, unknown>> {
  const odd = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.jsonValue({ maxDepth: 2 }),
    fc.constantFrom(...names),
  );
  const flag = fc.oneof({ weight: 3, arbitrary: fc.boolean() }, odd);
  const count = fc.oneof(fc.nat(120), fc.double(), odd);
  const usual: Record<string, fc.Arbitrary<unknown>> = {
    session: fc.oneof({ weight: 3, arbitrary: fc.constant(null).map(session) }, odd),
    goal: fc.oneof({ weight: 3, arbitrary: fc.nat(60) }, count),
    action: fc.oneof(
      fc.constantFrom(
        "search[shoes]",
        "click[back to search]",
        "click[buy now]",
        "click[< prev]",
        "search[<r>]",
      ),
      fc.string({ unit: "binary", maxLength: 50 }).map((text) => `search[${text}]`),
      fc.nat(12_000).map((length) => `search[${"a ".repeat(length / 2)}]`),
      odd,
    ),
    mode: fc.oneof(fc.constantFrom("html", "text", "text_rich", "url"), odd),
    name: odd,
    instruction: fc.oneof(
      fc.nat(12_000).map((length) => "é".repeat(length)),
      odd,
    ),
    compat: fc.oneof(fc.constantFrom("webshop", "fixed"), odd),
    quirks: fc.oneof(fc.dictionary(fc.constantFrom(...names), flag, { maxKeys: 3 }), odd),
    show_attributes: flag,
    previous_observations: count,
    previous_actions: count,
    speed: odd,
  };
  const some = (
    keys: readonly string[],
    required: readonly string[],
  ): fc.Arbitrary<Record<string, unknown>> =>
    fc.record(Object.fromEntries(keys.map((key) => [key, usual[key]!])), { requiredKeys: [...required] });
  return fc.oneof(
    some(
      ["goal", "mode", "name", "instruction", "compat", "quirks", "show_attributes", "previous_observations"],
      ["goal"],
    ),
    some(["session", "action"], ["session", "action"]),
    some(["session"], []),
    some(Object.keys(usual), []),
  );
}

describe("full: whatever is sent to a server", function () {
  this.timeout(600_000);
  let shop: TestShop;
  before(async () => {
    shop = await makeShop();
  });
  after(() => shop.remove());

  /** An answer is what the description says, or an error of one shape. */
  function check(op: Operation | null, status: number | null, body: unknown): void {
    assert(typeof body === "object" && body !== null && !Array.isArray(body), JSON.stringify(body));
    if ("error" in body) {
      assert.deepEqual(Object.keys(body), ["error"]);
      const { error } = body;
      assert(typeof error === "string" && error.length > 5 && error.length < 2000, JSON.stringify(body));
      assert(status === null || (status >= 400 && status < 500), `${status}: ${error}`);
      return;
    }
    assert(status === null || status === 200, `${status}`);
    assert(op !== null, JSON.stringify(body));
    const { error } = OPERATIONS[op].response.safeParse(body);
    assert.equal(error, undefined, `${op}: ${error?.message}`);
  }

  it(`is answered in ${RUNS} lines`, () => {
    const store = new SessionStore(shop.catalogue, { maxMemory: 20_000_000, maxAnswer: 200_000 });
    let session = "";
    const open = (): void => {
      session = (JSON.parse(answerLine(store, '{"op":"reset","goal":1}')) as { session: string }).session;
    };
    open();
    const lines = fc.oneof(
      {
        weight: 1,
        arbitrary: fc.tuple(fc.constant(null), fc.oneof(fc.string({ unit: "binary" }), fc.json())),
      },
      {
        weight: 9,
        arbitrary: fc
          .tuple(
            fc.constantFrom(...operations),
            requests(() => session),
          )
          .map(([op, fields]) => [op, JSON.stringify({ ...fields, op })] as const),
      },
    );
    let good = 0;
    fc.assert(
      fc.property(lines, ([op, line]) => {
        const said = answerLine(store, line);
        assert(Buffer.byteLength(said) < 201_000);
        const body: unknown = JSON.parse(said);
        check(op, null, body);
        if (!("error" in (body as object))) good++;
        assert(store.bytes <= 20_000_000 && store.bytes >= 0);
        if (store.size === 0 || op === "close") open();
      }),
      { numRuns: RUNS },
    );
    assert(good > RUNS / 20, `only ${good} were understood`);
  });

  it(`is answered in ${RUNS} HTTP requests`, async () => {
    let time = 0;
    const store = new SessionStore(shop.catalogue, {
      maxSessions: 1000,
      maxAnswer: 200_000,
      now: () => time,
    });
    const app = await httpServer(store);
    const open = (): string =>
      (JSON.parse(answerLine(store, '{"op":"reset","goal":1}')) as { session: string }).session;
    let session = open();
    const path = fc.oneof(
      { weight: 6, arbitrary: fc.constantFrom(...operations.map((op) => `/${op}`)) },
      fc.constantFrom("/", "/%", "/%E0%A4%A", "/reset/", "//reset", "/reset?x=%", "/info", "/openapi.json"),
      fc.webPath().map((text) => `/${text}`),
    );
    const type = fc.constantFrom(
      "application/json",
      "application/json",
      "application/json; charset=utf-8",
      "text/plain",
      "x/y",
      "",
    );
    const payload = fc.oneof(
      { weight: 6, arbitrary: requests(() => session).map((fields) => JSON.stringify(fields)) },
      fc.json(),
      fc.string({ unit: "binary" }),
      fc.constantFrom("", "{", '{"__proto__":{"a":1}}', '{"constructor":{"prototype":1}}'),
    );
    const method = fc.constantFrom("POST", "POST", "POST", "GET", "PUT", "DELETE", "PATCH", "OPTIONS");
    try {
      await fc.assert(
        fc.asyncProperty(method, path, type, payload, async (verb, url, contentType, text) => {
          const response = await app.inject({
            method: verb as "POST",
            url,
            ...(verb === "GET" ? {} : { payload: text, headers: { "content-type": contentType } }),
          });
          const op = operations.find((one) => url.replace(/\?.*/s, "") === `/${one}`) ?? null;
          if (url === "/openapi.json" && verb === "GET") return;
          check(op, response.statusCode, response.json());
          if (store.size > 900) {
            time += 2000; // all are idle for too long
            store.closeIdle();
            session = open();
          }
        }),
        { numRuns: RUNS },
      );
    } finally {
      await app.close();
    }
  });

  it(`is answered in ${RUNS} connections, or hung up on, in time`, async () => {
    const store = new SessionStore(shop.catalogue);
    const app = await httpServer(store, { requestSeconds: 1 });
    await app.listen({ port: 0, host: "127.0.0.1" });
    const { port } = app.server.address() as { port: number };
    const line = fc.constantFrom(
      "POST /reset HTTP/1.1",
      "GET /info HTTP/1.1",
      "GET /% HTTP/1.1",
      "GET / HTTP/9.9",
      "CONNECT a:1 HTTP/1.1",
      "PRI * HTTP/2.0",
      "FLY /x HTTP/1.1",
    );
    const header = fc.oneof(
      fc.constantFrom(
        "Host: localhost",
        "Host: evil.example",
        "Content-Type: application/json",
        "Content-Length: 10",
        "Content-Length: -1",
        "Transfer-Encoding: chunked",
        "Expect: 100-continue",
        "Expect: more",
        "Connection: close",
        "Upgrade: websocket",
      ),
      fc.string({ unit: "binary", maxLength: 30 }),
    );
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 200 }).map((array) => Buffer.from(array)),
      fc
        .tuple(line, fc.array(header, { maxLength: 6 }), fc.oneof(fc.constant('{"goal":0}'), fc.string()))
        .map(([first, headers, body]) => Buffer.from([first, ...headers, "", body].join("\r\n"))),
    );
    try {
      await inBatches(app, port, fc.sample(bytes, RUNS));
      const info = await app.inject({ method: "GET", url: "/info" });
      assert.equal(info.statusCode, 200);
    } finally {
      await app.close();
    }
  });
});

/** Sends each on a connection of its own, many at a time; whatever comes back before the end is one or more HTTP answers. */
async function inBatches(app: FastifyInstance, port: number, all: readonly Buffer[]): Promise<void> {
  const size = 500;
  for (let start = 0; start < all.length; start += size) {
    await Promise.all(
      all.slice(start, start + size).map(async (bytes) => {
        const socket = connect(port, "127.0.0.1");
        const said: Buffer[] = [];
        socket.on("data", (chunk: Buffer) => said.push(chunk));
        socket.on("error", () => undefined);
        const began = performance.now();
        socket.write(bytes);
        // Whole requests leave a connection open that this end closes; of others, the server must.
        const closing = setTimeout(() => socket.end(), 3500);
        await once(socket, "close");
        clearTimeout(closing);
        assert(performance.now() - began < 30_000);
        const text = Buffer.concat(said).toString();
        assert(text === "" || text.startsWith("HTTP/1.1 "), text.slice(0, 80));
        for (const [, status, length] of text.matchAll(
          /HTTP\/1\.1 ([45]\d\d) [^]*?content-length: (\d+)/gi,
        )) {
          assert(Number(status) < 500 && Number(length) > 10, text.slice(0, 200));
        }
        if (/^HTTP\/1\.1 4/.test(text)) assert.match(text, /\r\n\r\n\{"error":"[^]+"\}/);
      }),
    );
    assert.equal(app.server.listening, true);
  }
}
