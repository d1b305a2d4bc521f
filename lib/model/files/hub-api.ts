/** The Hugging Face hub as seen from one repository: what there is, and the bytes of one file. Every failure is a sentence. */
import type { ListFileEntry } from "@huggingface/hub";
import { codeOf, InputError, messageOf, PassingError, RunError } from "../../base/index.js";
import type { Environment } from "./hub-cache.js";

/** A file on the hub, checked: nothing in it can lead out of the cache. */
export interface HubFile {
  readonly path: string;
  readonly size: number;
  /** SHA-256 of the content for large files, Git's hash of it for the others; also its name in the cache. */
  readonly hash: string;
  readonly kind: "sha256" | "git";
}

/** Files that are read here: configuration, weights, tokenizer, adapters, and the licence that goes with them. */
const WANTED = [
  /^(config|generation_config|tokenizer|tokenizer_config|special_tokens_map|added_tokens|vocab|adapter_config)\.json$/,
  /^(merges\.txt|chat_template\.jinja|LICENSE(\.\w+)?|NOTICE(\.\w+)?|README\.md)$/,
  /^(model(-\d+-of-\d+)?|adapter_model)\.safetensors$/,
  /^model\.safetensors\.index\.json$/,
];

/** One repository on the hub. */
export class HubRepo {
  /** The hub's address, without a slash at the end. */
  readonly url: string;
  private readonly token: string | undefined;
  private readonly offline: boolean;

  /**
   * @param environment where `HF_ENDPOINT`, `HF_TOKEN` and `HF_HUB_OFFLINE` are looked up
   * @throws InputError when one of these makes no sense
   */
  constructor(
    readonly name: string,
    readonly revision: string,
    environment: Environment,
  ) {
    this.url = (environment["HF_ENDPOINT"] || "https://huggingface.co").replace(/\/+$/, "");
    if (!/^https?:\/\/[^/]/.test(this.url)) {
      throw new InputError(
        `HF_ENDPOINT must be an address such as https://huggingface.co, not "${this.url}".`,
      );
    }
    this.token = environment["HF_TOKEN"]?.trim() || undefined;
    if (this.token !== undefined && !/^hf_\w+$/.test(this.token)) {
      throw new InputError(
        "The token in HF_TOKEN is malformed: it starts with hf_ and goes on with letters and digits.",
      );
    }
    this.offline = /^(1|true|yes|on)$/i.test(environment["HF_HUB_OFFLINE"] ?? "");
  }

  /**
   * The commit that the revision stands for.
   * @throws InputError when the hub does not know it or does not show it; PassingError when the hub cannot be reached
   */
  async commit(): Promise<string> {
    const { modelInfo } = await import("@huggingface/hub");
    const { sha } = await this.ask(() =>
      modelInfo({ ...this.common(), name: this.name, revision: this.revision, additionalFields: ["sha"] }),
    );
    if (typeof sha !== "string" || !/^[0-9a-f]{40}$/.test(sha)) throw this.nonsense(`the commit "${sha}"`);
    return sha;
  }

  /**
   * The files of a commit that are of use here.
   * @throws InputError when it has no configuration or no safetensors; otherwise as `commit`
   */
  async files(commit: string): Promise<HubFile[]> {
    const { listFiles } = await import("@huggingface/hub");
    const entries = await this.ask(async () => {
      const found: ListFileEntry[] = [];
      for await (const entry of listFiles({ ...this.common(), repo: this.name, revision: commit }))
        found.push(entry);
      return found;
    });
    const paths = new Set(entries.map(({ path }) => path));
    if (!paths.has("config.json") && !paths.has("adapter_config.json")) {
      throw new InputError(
        `${this.name} on the hub is not a model that can be read here: it has no config.json.`,
      );
    }
    if (![...paths].some((path) => WANTED[2]!.test(path))) {
      throw new InputError(
        `${this.name} on the hub has no weights in safetensors, the only format that is read here.`,
      );
    }
    const single = paths.has("model.safetensors"); // where a repository has both, the shards are the same again
    return entries
      .filter(({ type, path }) => type === "file" && WANTED.some((pattern) => pattern.test(path)))
      .filter(({ path }) => !single || !/^model(-|\.safetensors\.index)/.test(path))
      .map((entry) => this.checked(entry));
  }

  /**
   * Opens a file from a byte on; `undefined` when the server sends only whole files.
   * @param signal ends the request and the stream
   * @throws as `commit`
   */
  async open(
    commit: string,
    file: HubFile,
    from: number,
    signal?: AbortSignal,
  ): Promise<ReadableStream<Uint8Array> | undefined> {
    const response = await this.ask(() =>
      fetch(`${this.url}/${this.name}/resolve/${commit}/${file.path}`, {
        headers: {
          ...(this.token === undefined ? {} : { Authorization: `Bearer ${this.token}` }),
          ...(from > 0 ? { Range: `bytes=${from}-${file.size - 1}` } : {}),
        },
        ...(signal ? { signal } : {}),
      }),
    );
    if (response.ok && response.body && (from === 0 || response.status === 206)) return response.body;
    await response.body?.cancel();
    if (!response.ok) throw this.refusal(response.status);
    return undefined;
  }

  private common(): { hubUrl: string; accessToken?: string } {
    return { hubUrl: this.url, ...(this.token === undefined ? {} : { accessToken: this.token }) };
  }

  /** Runs a request and turns what goes wrong into a sentence. The token is in none of them. */
  private async ask<T>(request: () => Promise<T>): Promise<T> {
    if (this.offline)
      throw new PassingError(`${this.name} was not looked up, because HF_HUB_OFFLINE is set.`);
    const { HubApiError } = await import("@huggingface/hub");
    try {
      return await request();
    } catch (error) {
      if (error instanceof HubApiError) throw this.refusal(error.statusCode);
      throw new PassingError(
        `Could not reach the hub at ${this.url} (${networkReason(error)}); check the connection or HF_ENDPOINT, ` +
          "or copy a model folder from elsewhere.",
      );
    }
  }

  private refusal(status: number): InputError | PassingError {
    const name = this.revision === "main" ? this.name : `${this.name} at ${this.revision}`;
    if (status === 401 && this.token !== undefined) {
      return new InputError(`The hub at ${this.url} does not accept the token in HF_TOKEN for ${name}.`);
    }
    const sentences: Readonly<Record<number, string>> = {
      401: `The hub at ${this.url} does not show ${name}: it does not exist, or it is private and HF_TOKEN must be set.`,
      403: `The hub does not let you read ${name}: accept its terms at ${this.url}/${this.name}, and set HF_TOKEN.`,
      404: `The hub at ${this.url} knows no model ${name}.`,
    };
    const sentence = sentences[status];
    if (sentence !== undefined) return new InputError(sentence);
    return new PassingError(
      `The hub at ${this.url} answered with status ${status} for ${name}; try again later.`,
    );
  }

  /** The server's word is not trusted: hashes become file names. */
  private checked(entry: ListFileEntry): HubFile {
    const kind = entry.lfs ? "sha256" : "git";
    const hash = entry.lfs?.oid ?? entry.oid ?? "";
    const size = entry.lfs?.size ?? entry.size;
    if (!(kind === "git" ? /^[0-9a-f]{40}$/ : /^[0-9a-f]{64}$/).test(hash))
      throw this.nonsense(`the hash "${hash}"`);
    if (!Number.isSafeInteger(size) || size < 0) throw this.nonsense(`the size ${size}`);
    return { path: entry.path, size, hash, kind };
  }

  private nonsense(what: string): RunError {
    return new RunError(
      `The hub at ${this.url} answered with ${what} for ${this.name}, which makes no sense.`,
    );
  }
}

/** Why a connection failed, in words. */
export function networkReason(error: unknown): string {
  const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
  const reasons: Readonly<Record<string, string>> = {
    ENOTFOUND: "its name is not known",
    EAI_AGAIN: "its name could not be looked up",
    ECONNREFUSED: "the connection was refused",
    ECONNRESET: "the connection was cut",
    UND_ERR_SOCKET: "the connection was cut",
    ETIMEDOUT: "there was no answer in time",
    UND_ERR_CONNECT_TIMEOUT: "there was no answer in time",
    ENETUNREACH: "there is no network",
  };
  return reasons[codeOf(cause) ?? ""] ?? messageOf(cause);
}
