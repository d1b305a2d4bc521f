import { MessageChannel, receiveMessageOnPort } from "node:worker_threads";
import { RunError, startWorker } from "../../base/index.js";
import type { OpenSearchSettings } from "../search/index.js";
import type { Catalogue, Hit } from "../types.js";
import type { Answer } from "./remote-worker.js";

/** Longer than the client's own patience, so that its error arrives first. */
const TIMEOUT = 100_000;

/** A catalogue whose searches another machine answers. */
export interface RemoteCatalogue extends Catalogue {
  /** Ends the connection; the catalogue itself stays open. */
  close(): Promise<void>;
}

/**
 * The same catalogue, searched by OpenSearch or Elasticsearch (an index that `OpenSearchEngine.fill` made). A search
 * blocks until the answer is there, as a local one does: a worker holds the connection. Hits that the catalogue does
 * not know are dropped, as WebShop does. Servers that keep the factor k1 + 1 in BM25 (OpenSearch 2, Elasticsearch) give
 * scores 1.9 times ours, in the same order.
 * @throws RunError when the worker cannot start; InputError when the settings are wrong.
 */
export async function searchRemotely(
  catalogue: Catalogue,
  settings: OpenSearchSettings,
): Promise<RemoteCatalogue> {
  const signal = new Int32Array(new SharedArrayBuffer(4));
  const { port1: port, port2 } = new MessageChannel();
  const worker = startWorker("lib/simulator/catalogue/remote-worker.ts", {
    workerData: { settings, signal, port: port2 },
    transferList: [port2],
  });
  await new Promise<void>((resolve, reject) => {
    port.once("message", (answer: Answer) => (answer.error ? reject(new RunError(answer.error)) : resolve()));
    worker.once("error", reject);
  }).catch(async (error: unknown) => {
    await worker.terminate();
    throw error;
  });
  port.unref();
  worker.unref();

  /** Each search waits until the signal shows its number. */
  let requests = 0;
  const search = (query: string, limit: number): Hit[] => {
    const request = ++requests;
    port.postMessage({ request, query, limit });
    if (Atomics.wait(signal, 0, request - 1, TIMEOUT) === "timed-out") {
      // A late answer would be taken for the next search's: no more searches here.
      void worker.terminate();
      throw new RunError(`The search engine did not answer within ${TIMEOUT / 1000} seconds.`);
    }
    const answer = receiveMessageOnPort(port)?.message as Answer | undefined;
    if (!answer || answer.error) throw new RunError(answer?.error ?? "The search worker gave no answer.");
    return answer.matches.flatMap(({ asin, score }) => {
      const index = catalogue.indexOf(asin);
      return index < 0 ? [] : [{ index, score }];
    });
  };
  return {
    size: catalogue.size,
    fingerprint: catalogue.fingerprint,
    webshop: catalogue.webshop ?? false,
    goalCount: catalogue.goalCount,
    product: (index) => catalogue.product(index),
    indexOf: (asin) => catalogue.indexOf(asin),
    price: (index) => catalogue.price(index),
    where: (field, value) => catalogue.where(field, value),
    goal: (index) => catalogue.goal(index),
    search,
    close: async () => {
      port.close();
      await worker.terminate();
    },
  };
}
