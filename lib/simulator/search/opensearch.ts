import type { Client } from "@opensearch-project/opensearch";
import { InputError, messageOf, RunError } from "../../base/index.js";
import { B, K1 } from "./bm25.js";
import { STOP_WORDS } from "./analyzer.js";

/** Where a search engine is, and which of its indices to use. Elasticsearch speaks the same protocol. */
export interface OpenSearchSettings {
  /** E.g. `http://localhost:9200`, with `user:password@` where the server asks for it. */
  readonly url: string;
  /** Name of the index: lower-case letters, digits, "-" and "_". */
  readonly index: string;
}

/** One result by ASIN. */
export interface RemoteMatch {
  readonly asin: string;
  readonly score: number;
}

/** Documents in one bulk request. */
const BULK = 1000;
/** Milliseconds before a request is given up. */
const TIMEOUT = 30_000;

/**
 * Settings and mapping of an index that ranks as ours does: Lucene's English chain in Anserini's order, BM25 with its
 * constants, and one shard, so that document frequencies are those of the whole.
 */
export function indexDefinition(): Record<string, unknown> {
  return {
    settings: {
      number_of_shards: 1,
      number_of_replicas: 0,
      similarity: { webshop: { type: "BM25", k1: K1, b: B } },
      analysis: {
        filter: {
          possessive: { type: "stemmer", language: "possessive_english" },
          stop: { type: "stop", stopwords: [...STOP_WORDS] },
        },
        analyzer: {
          webshop: {
            type: "custom",
            tokenizer: "standard",
            filter: ["possessive", "lowercase", "stop", "porter_stem"],
          },
        },
      },
    },
    mappings: {
      dynamic: false,
      properties: {
        asin: { type: "keyword" },
        contents: { type: "text", analyzer: "webshop", similarity: "webshop" },
      },
    },
  };
}

/** The request for the best `limit` products: an OR of all words, ties by ascending ASIN. */
export function searchBody(query: string, limit: number): Record<string, unknown> {
  return {
    size: limit,
    query: { match: { contents: { query, operator: "or" } } },
    sort: [{ _score: "desc" }, { asin: "asc" }],
    track_scores: true,
    track_total_hits: false,
    _source: false,
    docvalue_fields: ["asin"],
  };
}

/** A search engine on another machine. */
export class OpenSearchEngine {
  private constructor(
    private readonly client: Client,
    private readonly settings: OpenSearchSettings,
  ) {}

  /** @throws InputError when the address or the name of the index cannot be one. */
  static async connect(settings: OpenSearchSettings): Promise<OpenSearchEngine> {
    if (!/^https?:\/\/[^/]/.test(settings.url)) {
      throw new InputError(
        `"${settings.url}" is no address of a search engine; one looks like http://localhost:9200.`,
      );
    }
    if (!/^[a-z0-9][a-z0-9_-]{0,99}$/.test(settings.index)) {
      throw new InputError(
        `"${settings.index}" cannot name an index: take lower-case letters, digits, "-" and "_".`,
      );
    }
    const { Client } = await import("@opensearch-project/opensearch");
    const client = new Client({ node: settings.url, requestTimeout: TIMEOUT, maxRetries: 2 });
    return new OpenSearchEngine(client, settings);
  }

  /**
   * Fills the index anew; what was in it is removed first.
   * @param documents each product's ASIN and index text
   * @throws RunError when the server cannot be reached or refuses a document.
   */
  async fill(documents: Iterable<{ readonly asin: string; readonly contents: string }>): Promise<number> {
    const { index } = this.settings;
    return this.asking("fill", async () => {
      await this.client.indices.delete({ index, ignore_unavailable: true });
      await this.client.indices.create({ index, body: indexDefinition() });
      let count = 0;
      let lines: object[] = [];
      const send = async (): Promise<void> => {
        const { body } = await this.client.bulk({ index, body: lines as Record<string, unknown>[] });
        const bad = body.errors ? body.items.find((item) => item.index?.error) : undefined;
        if (bad)
          throw new Error(`product ${bad.index?._id ?? "?"}: ${bad.index?.error?.reason ?? "refused"}`);
        lines = [];
      };
      for (const { asin, contents } of documents) {
        lines.push({ index: { _id: asin } }, { asin, contents });
        count++;
        if (lines.length === 2 * BULK) await send();
      }
      if (lines.length > 0) await send();
      await this.client.indices.refresh({ index });
      await this.client.indices.forcemerge({ index, max_num_segments: 1 });
      return count;
    });
  }

  /**
   * The best `limit` products (at most 10,000), as `Searcher.search` gives them.
   * @throws RunError when the server cannot be reached or has no such index.
   */
  async search(query: string, limit: number): Promise<RemoteMatch[]> {
    if (limit <= 0) return [];
    const { index } = this.settings;
    return this.asking("search", async () => {
      const { body } = await this.client.search({ index, body: searchBody(query, Math.min(limit, 10_000)) });
      return body.hits.hits.map((hit) => ({ asin: String(hit._id), score: Number(hit._score) }));
    });
  }

  async close(): Promise<void> {
    await this.client.close();
  }

  private async asking<T>(what: string, request: () => Promise<T>): Promise<T> {
    try {
      return await request();
    } catch (error) {
      const { host } = new URL(this.settings.url);
      const why = messageOf(error).split("\n")[0]!;
      throw new RunError(`Could not ${what} the index ${this.settings.index} at ${host}: ${why}.`);
    }
  }
}
