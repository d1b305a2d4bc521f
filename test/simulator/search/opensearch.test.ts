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

/** What OpenSearch 2.19.1 answered (bench/opensearch), cut to what is read. */
const EXCHANGES: Readonly<Record<string, readonly [status: number, body: object]>> = {
  "DELETE /shop": [200, { acknowledged: true }],
  "PUT /shop": [200, { acknowledged: true, shards_acknowledged: true, index: "shop" }],
  "PUT /shop/_bulk": [200, { took: 12, errors: false, items: [{ index: { _id: "A1", status: 201 } }] }],
  "GET /shop/_refresh": [200, { _shards: { total: 1, successful: 1, failed: 0 } }],
  "POST /shop/_forcemerge": [200, { _shards: { total: 1, successful: 1, failed: 0 } }],
  "POST /nope/_search": [
    404,
    {
      error: {
        root_cause: [{ type: "index_not_found_exception", reason: "no such index [nope]" }],
        type: "index_not_found_exception",
        reason: "no such index [nope]",
      },
      status: 404,
    },
  ],
};

function* documents(catalogue: Catalogue) {
  for (let i = 0; i < catalogue.size; i++) {
    const product = catalogue.product(i);
    yield { asin: product.asin, contents: indexText(product) };
  }
}

describe("search: OpenSearch", function () {
  this.timeout(30_000);
  const folder = mkdtempSync(join(tmpdir(), "aisle-opensearch-"));
  const requests: { line: string; body: string }[] = [];
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
        const line = `${request.method} ${request.url!.split("?")[0]}`;
        requests.push({ line, body });
        const hits = [7, 3].map((i) => ({ _index: "shop", _id: shop.product(i).asin, _score: 20 - i }));
        const found = {
          took: 3,
          timed_out: false,
          hits: { max_score: 13, hits: [...hits, { _id: "B0UNKNOWN0", _score: 1 }] },
        };
        const [status, value] = line === "POST /shop/_search" ? [200, found] : (EXCHANGES[line] ?? [500, {}]);
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

  it("fills an index with our analysis and similarity", async () => {
    const engine = await OpenSearchEngine.connect({ url, index: "shop" });
    assert.equal(await engine.fill(documents(shop)), 300);
    const put = JSON.parse(requests.find(({ line }) => line === "PUT /shop")!.body) as {
      settings: { similarity: object; analysis: { analyzer: { webshop: { filter: string[] } } } };
    };
    assert.deepEqual(put.settings.similarity, { webshop: { type: "BM25", k1: 0.9, b: 0.4 } });
    assert.deepEqual(put.settings.analysis.analyzer.webshop.filter, [
      "possessive",
      "lowercase",
      "stop",
      "porter_stem",
    ]);
    const bulk = requests
      .find(({ line }) => line === "PUT /shop/_bulk")!
      .body.trim()
      .split("\n");
    assert.equal(bulk.length, 600);
    assert.deepEqual(JSON.parse(bulk[3]!), {
      asin: shop.product(1).asin,
      contents: indexText(shop.product(1)),
    });
    await engine.close();
  });

  it("reads an answer's products and scores", async () => {
    const engine = await OpenSearchEngine.connect({ url, index: "shop" });
    assert.deepEqual(await engine.search("red shoes", 5), [
      { asin: shop.product(7).asin, score: 13 },
      { asin: shop.product(3).asin, score: 17 },
      { asin: "B0UNKNOWN0", score: 1 },
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
