/** The thread that holds a connection to a search engine for `searchRemotely`. */
import { workerData, type MessagePort } from "node:worker_threads";
import { messageOf } from "../../base/index.js";
import { OpenSearchEngine, type OpenSearchSettings, type RemoteMatch } from "../search/index.js";

/** The answer to one search: matches, or the error. */
export interface Answer {
  readonly matches: readonly RemoteMatch[];
  readonly error?: string;
}

interface Data {
  readonly settings: OpenSearchSettings;
  /** Set to the number of a search, and notified, when its answer lies in the port. */
  readonly signal: Int32Array;
  readonly port: MessagePort;
}

async function serve({ settings, signal, port }: Data): Promise<void> {
  const answer = (request: number, value: Answer): void => {
    port.postMessage(value);
    if (request === 0) return; // the answer that says that all is ready: nobody is blocked
    Atomics.store(signal, 0, request);
    Atomics.notify(signal, 0);
  };
  try {
    const engine = await OpenSearchEngine.connect(settings);
    port.on("message", ({ request, query, limit }: { request: number; query: string; limit: number }) => {
      engine.search(query, limit).then(
        (matches) => answer(request, { matches }),
        (error: unknown) => answer(request, { matches: [], error: messageOf(error) }),
      );
    });
    answer(0, { matches: [] });
  } catch (error) {
    answer(0, { matches: [], error: messageOf(error) });
  }
}

void serve(workerData as Data);
