import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** A repository on the stand-in. */
export interface StandInRepo {
  readonly files: ReadonlyMap<string, Buffer>;
  /** Status that every request about it gets instead of an answer. */
  readonly status?: number;
  /** Only this token may read it. */
  readonly token?: string;
}

/** A request as it arrived. */
export interface Seen {
  readonly path: string;
  readonly range: string | undefined;
  readonly authorization: string | undefined;
}

/**
 * A stand-in for the hub with its URL layout: `/api/models/…/revision/…`, `/api/models/…/tree/…` in pages of three, and
 * `/…/resolve/…`, which redirects large files to another origin as the hub does to its storage.
 */
export class HubServer {
  readonly commit = "0123456789abcdef0123456789abcdef01234567";
  readonly seen: Seen[] = [];
  readonly repos = new Map<string, StandInRepo>();
  /** Connections of file requests to cut, each after so many bytes; used up one by one. */
  readonly cuts: number[] = [];
  /** Statuses with which file requests are answered first; used up one by one. */
  readonly failures: number[] = [];
  /** Whether ranges are understood. */
  ranges = true;
  /** Whether what is sent is not what was announced. */
  damaged = false;
  /** Called when a cut connection has been cut, for tests that act at that moment. */
  hold: (() => Promise<void>) | undefined;
  private readonly api: Server = createServer((request, response) => void this.answer(request, response));
  private readonly storage: Server = createServer((request, response) => void this.store(request, response));

  /** Starts both origins. */
  async start(): Promise<void> {
    for (const server of [this.api, this.storage]) {
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    }
  }

  /** Stops both and cuts what is open. */
  async stop(): Promise<void> {
    for (const server of [this.api, this.storage]) {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
  }

  get url(): string {
    return `http://127.0.0.1:${(this.api.address() as AddressInfo).port}`;
  }

  private answer(request: IncomingMessage, response: ServerResponse): void {
    const url = new URL(request.url!, this.url);
    this.note(url.pathname, request);
    const json = (status: number, body: unknown, headers: Record<string, string> = {}): void => {
      response
        .writeHead(status, { "content-type": "application/json", ...headers })
        .end(JSON.stringify(body));
    };
    const [, name, kind, revision = "", path] =
      /^\/(?:api\/models\/)?(\w+\/[\w.-]+)\/(revision|tree|resolve)\/([^/]+)(?:\/(.*))?$/.exec(
        decodeURIComponent(url.pathname),
      ) ?? [];
    const repo = this.repos.get(name ?? "");
    if (!repo) return json(401, { error: "Invalid username or password." });
    if (repo.status !== undefined) return json(repo.status, { error: "no" });
    if (repo.token !== undefined && request.headers.authorization !== `Bearer ${repo.token}`)
      return json(401, { error: "no" });
    if (!["main", "v1", this.commit].includes(revision)) return json(404, { error: "Revision not found" });
    if (kind === "revision")
      return json(200, { _id: "1", id: name, sha: this.commit, lastModified: "2026-01-01T00:00:00Z" });
    if (kind === "tree") {
      const from = Number(url.searchParams.get("cursor") ?? 0);
      const entries = [...repo.files].map(([file, content]) => entry(file, content));
      const next = `${this.url}${url.pathname}?cursor=${from + 3}`;
      return json(
        200,
        entries.slice(from, from + 3),
        from + 3 < entries.length ? { link: `<${next}>; rel="next"` } : {},
      );
    }
    const content = repo.files.get(path ?? "");
    if (!content) return json(404, { error: "Entry not found" });
    if (isLarge(path!)) {
      const port = (this.storage.address() as AddressInfo).port;
      response.writeHead(302, { location: `http://127.0.0.1:${port}/storage/${name}/${path}` }).end();
      return;
    }
    this.send(request, response, content);
  }

  private store(request: IncomingMessage, response: ServerResponse): void {
    const [, name, path] = /^\/storage\/(\w+\/[\w.-]+)\/(.*)$/.exec(request.url!) ?? [];
    this.note(request.url!, request);
    this.send(request, response, this.repos.get(name!)!.files.get(path!)!);
  }

  private send(request: IncomingMessage, response: ServerResponse, content: Buffer): void {
    const failure = this.failures.shift();
    if (failure !== undefined) return void response.writeHead(failure).end("no");
    const range = this.ranges ? /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? "") : null;
    const from = Number(range?.[1] ?? 0);
    const body = Buffer.from(content.subarray(from));
    if (this.damaged) body[0]! ^= 1;
    const headers: Record<string, string> = { "content-length": String(body.length) };
    if (range) headers["content-range"] = `bytes ${from}-${content.length - 1}/${content.length}`;
    response.writeHead(range ? 206 : 200, headers);
    const cut = this.cuts.length > 0 && body.length > 100_000 ? this.cuts.shift() : undefined;
    if (cut === undefined) return void response.end(body);
    response.write(body.subarray(0, cut), () => {
      // Once the bytes are on their way: cut, or keep the connection open as the test asks.
      const then = this.hold?.() ?? new Promise((resolve) => setTimeout(resolve, 50));
      void then.then(() => response.destroy());
    });
  }

  private note(path: string, request: IncomingMessage): void {
    this.seen.push({ path, range: request.headers.range, authorization: request.headers.authorization });
  }
}

/** Whether the hub would keep a file in its storage for large ones. */
function isLarge(path: string): boolean {
  return path.endsWith(".safetensors");
}

/** A file as the tree lists it. */
function entry(path: string, content: Buffer): object {
  const oid = createHash("sha1").update(`blob ${content.length}\0`).update(content).digest("hex");
  if (!isLarge(path)) return { type: "file", path, size: content.length, oid };
  const sha256 = createHash("sha256").update(content).digest("hex");
  return {
    type: "file",
    path,
    size: content.length,
    oid: "f".repeat(40),
    lfs: { oid: sha256, size: content.length, pointerSize: 134 },
  };
}
