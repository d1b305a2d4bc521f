import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { Client } from "@opensearch-project/opensearch";
import { InputError, messageOf, RunError } from "../../base/index.js";
import { B, K1 } from "./bm25.js";
import { STOP_WORDS } from "./analyzer.js";

/** Where a search engine is, and which of its indices to use. Elasticsearch speaks the same protocol. */
export interface OpenSearchSettings {
  /** E.g. `http://localhost:9200`, with `user:password@` where the server asks for it. */
  readonly url: string;
  /** Name of the index: lower-case letters, digits, "-" and "_". It becomes an alias of the index that was filled last. */
  readonly index: string;
  /** Milliseconds before the second attempt at what the server was too busy for, doubled for each further one. Default 500. */
  readonly patience?: number;
}

/** One result by ASIN. */
export interface RemoteMatch {
  readonly asin: string;
  readonly score: number;
}

interface Document {
  readonly asin: string;
  readonly contents: string;
}

/** One document's entry in the answer to a bulk request. */
interface BulkItem {
  readonly _id?: string | null | undefined;
  readonly status?: number;
  readonly error?: { readonly reason?: string | null | undefined } | undefined;
}

/** The fields that are read of the description of an index. */
interface IndexInfo {
  readonly aliases?: object;
  readonly settings?: { readonly index?: { readonly creation_date?: string } };
}

/** Documents in one bulk request. */
const BULK = 1000;
/** Milliseconds before a request is given up. */
const TIMEOUT = 30_000;
/** Attempts in a row without anything gained at what the server was too busy for. */
const ATTEMPTS = 8;
/** The longest pause between two of them, in milliseconds. */
const LONGEST_PAUSE = 30_000;
/** An index that was never put in place for so long belongs to a fill that was killed; milliseconds. */
const FORGOTTEN = 24 * 3600 * 1000;
/** Too many requests, or a node that is away: the same request may do in a moment. */
const BUSY = new Set([429, 502, 503, 504]);

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
   * Fills the index anew, beside the one that answers, and puts it in its place when it is whole: until then, and where
   * anything fails, the old one stays as it is. What the server is too busy for is tried again.
   * @param documents each product's ASIN and index text
   * @throws RunError when the server cannot be reached or refuses a document.
   */
  async fill(documents: Iterable<{ readonly asin: string; readonly contents: string }>): Promise<number> {
    const { index: name } = this.settings;
    return this.asking("fill", async () => {
      await this.removeForgotten();
      const index = `${name}-fill-${randomBytes(6).toString("hex")}`;
      await this.client.indices.create({ index, body: indexDefinition() });
      try {
        let count = 0;
        let batch: Document[] = [];
        for (const document of documents) {
          batch.push(document);
          count++;
          if (batch.length < BULK) continue;
          await this.send(index, batch);
          batch = [];
        }
        if (batch.length > 0) await this.send(index, batch);
        await this.patiently(() => this.client.indices.refresh({ index }));
        await this.patiently(() => this.client.indices.forcemerge({ index, max_num_segments: 1 }));
        await this.replace(index);
        return count;
      } catch (error) {
        // The first failure is the one to tell.
        await this.client.indices.delete({ index, ignore_unavailable: true }).catch(() => undefined);
        throw error;
      }
    });
  }

  /**
   * The best `limit` products (at most 10,000), as `Searcher.search` gives them.
   * @throws RunError when the server cannot be reached, has no such index or could not search all of it.
   */
  async search(query: string, limit: number): Promise<RemoteMatch[]> {
    if (limit <= 0) return [];
    const { index } = this.settings;
    return this.asking("search", async () => {
      const body = searchBody(query, Math.min(limit, 10_000));
      const { body: found } = await this.patiently(() => this.client.search({ index, body }), 4);
      const { timed_out: late, _shards: shards } = found as Partial<typeof found>;
      if (late || (shards?.failed ?? 0) > 0) throw new Error("only a part of the index was searched");
      return found.hits.hits.map((hit) => ({ asin: String(hit._id), score: Number(hit._score) }));
    });
  }

  async close(): Promise<void> {
    await this.client.close();
  }

  /** Sends documents, and again those that the server was too busy for. */
  private async send(index: string, documents: readonly Document[]): Promise<void> {
    let left = documents;
    for (let failures = 0; ;) {
      const lines = left.flatMap(({ asin, contents }) => [{ index: { _id: asin } }, { asin, contents }]);
      const { body } = await this.patiently(() => this.client.bulk({ index, body: lines }));
      const items: readonly BulkItem[] = body.items.map((item) => item.index ?? {});
      if (items.length !== left.length)
        throw new Error(`${items.length} of ${left.length} documents were answered`);
      const bad = items.find(({ error, status = 0 }) => error && !BUSY.has(status));
      if (bad) throw new Error(`product ${bad._id ?? "?"}: ${bad.error?.reason ?? "refused"}`);
      const busy = left.filter((_, k) => items[k]!.error || BUSY.has(items[k]!.status ?? 0));
      if (busy.length === 0) return;
      failures = busy.length < left.length ? 1 : failures + 1;
      if (failures >= ATTEMPTS) throw new Error(`the server stays too busy for ${busy.length} documents`);
      await this.pause(failures);
      left = busy;
    }
  }

  /** Has the name stand for an index that is whole, in one step, and removes what it stood for. */
  private async replace(next: string): Promise<void> {
    const { index: name } = this.settings;
    const { body } = await this.client.indices.get({ index: name }, { ignore: [404] });
    const found = body as unknown as Record<string, unknown>;
    const before = "error" in found ? [] : Object.keys(found);
    // An index of older versions has the name itself, which the same request frees; another program's index loses the name alone.
    const ours = (index: string): boolean => index === name || index.startsWith(`${name}-fill-`);
    const actions = [
      ...before.map((index) =>
        ours(index) ? { remove_index: { index } } : { remove: { index, alias: name } },
      ),
      { add: { index: next, alias: name } },
    ];
    await this.patiently(() => this.client.indices.updateAliases({ body: { actions } }));
  }

  /** Removes what fills left that were killed before they had put their index in place. */
  private async removeForgotten(): Promise<void> {
    const pattern = `${this.settings.index}-fill-*`;
    const { body } = await this.client.indices.get({ index: pattern }, { ignore: [404] });
    for (const [index, { aliases, settings }] of Object.entries(body as Record<string, IndexInfo>)) {
      const made = Number(settings?.index?.creation_date);
      if (!index.startsWith(pattern.slice(0, -1)) || Object.keys(aliases ?? { none: 0 }).length > 0) continue;
      if (Date.now() - made > FORGOTTEN)
        await this.client.indices.delete({ index, ignore_unavailable: true });
    }
  }

  /** A request, again and again while the server is too busy for it. */
  private async patiently<T>(request: () => Promise<T>, attempts = ATTEMPTS): Promise<T> {
    for (let failures = 1; ; failures++) {
      try {
        return await request();
      } catch (error) {
        const status = error instanceof Error && "statusCode" in error ? error.statusCode : undefined;
        if (typeof status !== "number" || !BUSY.has(status) || failures >= attempts) throw error;
        await this.pause(failures);
      }
    }
  }

  private async pause(failures: number): Promise<void> {
    await sleep(Math.min(LONGEST_PAUSE, (this.settings.patience ?? 500) * 2 ** (failures - 1)));
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
