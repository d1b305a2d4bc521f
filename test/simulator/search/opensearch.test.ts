import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { InputError, RunError } from "../../../lib/base/index.js";
import {
  buildCatalogue,
  openCatalogue,
  OpenSearchEngine,
  recipeSource,
  searchRemotely,
} from "../../../lib/simulator/catalogue/index.js";
import { indexText, type Catalogue } from "../../../lib/simulator/index.js";

/** A search engine in small: indices, aliases and documents by name, and what OpenSearch 2.19.1 answers (bench/opensearch). */
class SmallEngine {
  readonly indices = new Map<
    string,
    { docs: Map<string, string>; aliases: Set<string>; made: number; definition: string }
  >();
  readonly lines: string[] = [];
  /** Asked for each document of a bulk request: a status that is no success refuses it. */
  refuse: (asin: string) => [status: number, type: string, reason: string] | null = () => null;
  /** Asked for each request: a status ends it. */
  fail: (line: string) => number | null = () => null;

  /** The index that a name or alias stands for. */
  at(name: string): { docs: Map<string, string> } | undefined {
    return this.indices.get(name) ?? [...this.indices.values()].find(({ aliases }) => aliases.has(name));
  }

  answer(method: string, path: string, body: string): [number, object] {
    const line = `${method} ${path}`;
    this.lines.push(line);
    const failed = this.fail(line);
    if (failed !== null)
      return [failed, { error: { type: "busy", reason: `status ${failed}` }, status: failed }];
    const [, name = "", what] = path.split("/");
    const why = { type: "index_not_found_exception", reason: `no such index [${name}]` };
    const missing: [number, object] = [404, { error: { root_cause: [why], ...why }, status: 404 }];
    if (path === "/_aliases") {
      const { actions } = JSON.parse(body) as { actions: Record<string, { index: string; alias: string }>[] };
      for (const action of actions) {
        const [kind, { index, alias }] = Object.entries(action)[0]!;
        if (kind === "remove_index") this.indices.delete(index);
        else if (kind === "remove") this.indices.get(index)!.aliases.delete(alias);
        else this.indices.get(index)!.aliases.add(alias);
      }
      return [200, { acknowledged: true }];
    }
    if (method === "PUT" && what === undefined) {
      if (this.at(name))
        return [400, { error: { type: "resource_already_exists_exception", reason: "exists" } }];
      this.indices.set(name, { docs: new Map(), aliases: new Set(), made: Date.now(), definition: body });
      return [200, { acknowledged: true, shards_acknowledged: true, index: name }];
    }
    if (method === "DELETE") return [200, { acknowledged: this.indices.delete(name) }];
    if (method === "GET" && what === undefined) {
      const pattern = new RegExp(`^${name.replace("*", ".*")}$`);
      const found = [...this.indices].filter(
        ([index, { aliases }]) => pattern.test(index) || aliases.has(name),
      );
      if (found.length === 0 && !name.includes("*")) return missing;
      const described = found.map(([index, { aliases, made }]) => [
        index,
        {
          aliases: Object.fromEntries([...aliases].map((alias) => [alias, {}])),
          settings: { index: { creation_date: String(made) } },
        },
      ]);
      return [200, Object.fromEntries(described) as object];
    }
    const index = this.at(name);
    if (!index) return missing;
    if (what === "_bulk") {
      const lines = body
        .trim()
        .split("\n")
        .map((text) => JSON.parse(text) as Record<string, unknown>);
      const items: object[] = [];
      for (let i = 0; i < lines.length; i += 2) {
        const { _id } = lines[i]!["index"] as { _id: string };
        const refused = this.refuse(_id);
        if (refused) {
          const [status, type, reason] = refused;
          items.push({ index: { _index: name, _id, status, error: { type, reason } } });
        } else {
          index.docs.set(_id, lines[i + 1]!["contents"] as string);
          items.push({ index: { _index: name, _id, status: 201 } });
        }
      }
      return [
        200,
        { took: 12, errors: items.some((item) => "error" in (item as { index: object }).index), items },
      ];
    }
    if (what === "_search") {
      const hits = [...index.docs.keys()].map((_id, i) => ({ _index: name, _id, _score: 20 - i }));
      return [
        200,
        { took: 3, timed_out: false, _shards: { total: 1, failed: 0 }, hits: { max_score: 13, hits } },
      ];
    }
    return [200, { _shards: { total: 1, successful: 1, failed: 0 } }];
  }
}

function* documents(catalogue: Catalogue) {
  for (let i = 0; i < catalogue.size; i++) {
    const product = catalogue.product(i);
    yield { asin: product.asin, contents: indexText(product) };
  }
}

describe("search: OpenSearch", function () {
  this.timeout(30_000);
  const folder = mkdtempSync(join(tmpdir(), "aisle-opensearch-"));
  let small = new SmallEngine();
  beforeEach(() => (small = new SmallEngine()));
  let server: Server;
  let url: string;
  let shop: ReturnType<typeof openCatalogue>;

  before(async () => {
    await buildCatalogue(recipeSource({ products: 300 }), join(folder, "shop"));
    shop = openCatalogue(join(folder, "shop"));
    server = createServer((request, response) => {
      let body = "";
      request.on("data", (chunk) => (body += chunk));
      request.on("end", () => {
        const [status, value] = small.answer(request.method!, request.url!.split("?")[0]!, body);
        response.writeHead(status, { "content-type": "application/json" });
        response.end(JSON.stringify(value));
      });
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  after(() => {
    server.close();
    shop.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const filled = async (asins?: readonly string[]): Promise<number> => {
    const engine = await OpenSearchEngine.connect({ url, index: "shop", patience: 1 });
    try {
      return await engine.fill(asins?.map((asin) => ({ asin, contents: asin })) ?? documents(shop));
    } finally {
      await engine.close();
    }
  };

  it("fills an index with our analysis and similarity", async () => {
    assert.equal(await filled(), 300);
    assert.equal(small.indices.size, 1);
    const [index] = small.indices.values();
    const put = JSON.parse(index!.definition) as {
      settings: { similarity: object; analysis: { analyzer: { webshop: { filter: string[] } } } };
    };
    assert.deepEqual(put.settings.similarity, { webshop: { type: "BM25", k1: 0.9, b: 0.4 } });
    assert.deepEqual(put.settings.analysis.analyzer.webshop.filter, [
      "possessive",
      "lowercase",
      "stop",
      "porter_stem",
    ]);
    assert.equal(index!.docs.size, 300);
    const product = shop.product(1);
    assert.equal(small.at("shop")!.docs.get(product.asin), indexText(product));
  });

  it("tries again what the server was too busy for, one document or a whole request", async () => {
    let busy = 0;
    const unlucky = shop.product(7).asin;
    small.refuse = (asin) =>
      asin === unlucky && busy++ < 3 ? [429, "es_rejected_execution_exception", "rejected execution"] : null;
    const statuses = [429, 503];
    small.fail = (line) =>
      line.endsWith("/_bulk") || line.endsWith("/_aliases") ? (statuses.shift() ?? null) : null;
    assert.equal(await filled(), 300);
    assert.equal(small.at("shop")!.docs.size, 300);
    assert.equal(busy, 4);
    const sent = small.lines.filter((line) => line.endsWith("/_bulk")).length;
    assert(sent >= 5, String(sent));
  });

  it("keeps the old index until the new one is whole, and when it never is", async () => {
    await filled(["OLD1", "OLD2"]);
    const answers = (): string[] => [...small.at("shop")!.docs.keys()];
    const during: string[][] = [];
    small.fail = () => {
      during.push(answers());
      return null;
    };
    for (const [refusal, message] of [
      [[400, "mapper_parsing_exception", "failed to parse"], /product B.*failed to parse/],
      [[429, "es_rejected_execution_exception", "rejected"], /too busy for 1 documents/],
    ] as const) {
      small.refuse = (asin) => (asin === shop.product(250).asin ? [...refusal] : null);
      await assert.rejects(filled(), (error) => error instanceof RunError && message.test(error.message));
      assert.deepEqual(answers(), ["OLD1", "OLD2"]);
      assert.equal(small.indices.size, 1); // nothing half-filled stays
    }
    small.refuse = () => null;
    await filled();
    assert(during.length > 10);
    for (const seen of during) assert.deepEqual(seen, ["OLD1", "OLD2"]);
    assert.equal(answers().length, 300);
    assert.equal(small.indices.size, 1);
  });

  it("takes the place of an index of older versions, and clears up after fills that were killed", async () => {
    const index = (made: number, ...aliases: string[]) => ({
      docs: new Map([["X", "x"]]),
      aliases: new Set(aliases),
      made,
      definition: "{}",
    });
    small.indices.set("shop", index(0));
    small.indices.set("shop-fill-0123456789ab", index(1)); // killed long ago
    small.indices.set("shop-fill-ffffffffffff", index(Date.now())); // perhaps still being filled
    small.indices.set("shop-2", index(1));
    await filled(["NEW"]);
    assert.deepEqual([...small.at("shop")!.docs.keys()], ["NEW"]);
    const names = [...small.indices.keys()];
    assert.deepEqual(names.slice(0, 2), ["shop-fill-ffffffffffff", "shop-2"]);
    assert.equal(names.length, 3);
    // A name that somebody gave to an index of their own is taken from it, and the index stays.
    small.indices.clear();
    small.indices.set("mine", index(0, "shop"));
    await filled(["NEW"]);
    assert.deepEqual([...small.at("shop")!.docs.keys()], ["NEW"]);
    assert.equal(small.indices.get("mine")!.aliases.size, 0);
  });

  it("reads an answer's products and scores", async () => {
    await filled([shop.product(7).asin, shop.product(3).asin, "B0UNKNOWN0"]);
    const engine = await OpenSearchEngine.connect({ url, index: "shop", patience: 1 });
    const statuses = [429];
    small.fail = (line) => (line.endsWith("/_search") ? (statuses.shift() ?? null) : null);
    assert.deepEqual(await engine.search("red shoes", 5), [
      { asin: shop.product(7).asin, score: 20 },
      { asin: shop.product(3).asin, score: 19 },
      { asin: "B0UNKNOWN0", score: 18 },
    ]);
    await engine.close();
  });

  it("says what is wrong", async () => {
    await assert.rejects(OpenSearchEngine.connect({ url: "localhost", index: "shop" }), InputError);
    await assert.rejects(OpenSearchEngine.connect({ url, index: "../_all" }), InputError);
    const engine = await OpenSearchEngine.connect({ url, index: "nope" });
    await assert.rejects(
      engine.search("x", 1),
      (error) => error instanceof RunError && /nope.*no such index/.test(error.message),
    );
    await engine.close();
    const dead = await searchRemotely(shop, { url: "http://127.0.0.1:9", index: "shop" });
    assert.throws(
      () => dead.search("x", 1),
      (error) => error instanceof RunError && /ECONNREFUSED/.test(error.message),
    );
    assert.deepEqual(dead.search("x", 0), []);
    await dead.close();
  });

  it("ranks as we do on a real server", async function () {
    const real = process.env["AISLE_OPENSEARCH"];
    if (real === undefined) {
      process.stdout.write("      skipped: AISLE_OPENSEARCH names no server (bench/opensearch starts one)\n");
      this.skip();
    }
    const engine = await OpenSearchEngine.connect({ url: real, index: "aisle-test" });
    await engine.fill(documents(shop));
    await engine.close();
    const remote = await searchRemotely(shop, { url: real, index: "aisle-test" });
    for (let g = 0; g < 40; g++) {
      const ours = shop.search(shop.goal(g).instruction, 50);
      const theirs = remote.search(shop.goal(g).instruction, 50);
      assert.deepEqual(
        theirs.map(({ index }) => index),
        ours.map(({ index }) => index),
      );
    }
    await remote.close();
  });
});
