import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { InputError, RunError } from "../../../lib/base/index.js";
import { download, fetchWebShop } from "../../../lib/simulator/catalogue/index.js";

const content = Buffer.from(Array.from({ length: 300_000 }, (_, i) => (i * 7919) & 255));
const sha256 = createHash("sha256").update(content).digest("hex");

/** Serves `content` with ranges; `behave` may answer a request by itself. */
function serve(
  behave: (request: IncomingMessage, response: ServerResponse, count: number) => boolean,
): Promise<{
  url: string;
  ranges: (string | undefined)[];
  server: Server;
}> {
  const ranges: (string | undefined)[] = [];
  const server = createServer((request, response) => {
    ranges.push(request.headers.range);
    if (behave(request, response, ranges.length)) return;
    const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? "")?.[1] ?? 0);
    response.setHeader("etag", '"v1"');
    if (from > 0) {
      response.statusCode = 206;
      response.setHeader("content-range", `bytes ${from}-${content.length - 1}/${content.length}`);
    }
    response.setHeader("content-length", content.length - from);
    response.end(content.subarray(from));
  });
  return new Promise((resolve) =>
    server.listen(0, "127.0.0.1", () =>
      resolve({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, ranges, server }),
    ),
  );
}

/** Sends the first half and hangs up. */
function breakOff(response: ServerResponse, tag = '"v1"'): true {
  response.setHeader("etag", tag);
  response.setHeader("content-length", content.length);
  response.write(content.subarray(0, 150_000), () => response.destroy());
  return true;
}

describe("catalogue: fetching WebShop's files", () => {
  const folder = mkdtempSync(join(tmpdir(), "aisle-fetch-"));
  const servers: Server[] = [];
  after(() => {
    for (const server of servers) server.close();
    rmSync(folder, { recursive: true, force: true });
  });
  const start = async (behave: Parameters<typeof serve>[0]) => {
    const started = await serve(behave);
    servers.push(started.server);
    return started;
  };

  it("goes on where a broken connection stopped", async () => {
    const { url, ranges } = await start((_, response, count) => count === 1 && breakOff(response));
    const seen: number[] = [];
    const path = join(folder, "resumed");
    const got = await download(url, path, { patience: 1, progress: (bytes) => seen.push(bytes) });
    assert.deepEqual(got, { url, bytes: content.length, sha256 });
    assert.ok(readFileSync(path).equals(content));
    assert.equal(ranges.length, 2);
    assert.match(ranges[1]!, /^bytes=[1-9]\d*-$/);
    assert.equal(seen[seen.length - 1], content.length);
    assert.deepEqual(readdirSync(folder), ["resumed"]);
  });

  it("goes on in another process's part, and begins anew when the file has changed", async () => {
    let version = '"v1"';
    const { url, ranges } = await start((_, response) => version === '"v1"' && breakOff(response, version));
    const path = join(folder, "changed");
    await assert.rejects(download(url, path, { patience: 1 }), RunError);
    assert.ok(!existsSync(path) && existsSync(`${path}.part`));
    const before = ranges.length;
    version = '"v2"';
    const got = await download(url, path, { patience: 1 });
    assert.equal(got.sha256, sha256);
    assert.ok(ranges.slice(before).some((range) => range !== undefined));
  });

  it("takes a server without ranges", async () => {
    const { url } = await start((_, response, count) => {
      if (count === 1) return breakOff(response);
      response.end(content);
      return true;
    });
    assert.equal((await download(url, join(folder, "plain"), { patience: 1 })).sha256, sha256);
  });

  it("says what is wrong: no such file, a web page, a dead server", async () => {
    const { url } = await start((request, response) => {
      response.statusCode = request.url === "/gone" ? 404 : 200;
      response.setHeader("content-type", "text/html; charset=utf-8");
      response.end("<html>Too many people have fetched this file</html>");
      return true;
    });
    const path = join(folder, "never");
    await assert.rejects(
      download(`${url}gone`, path),
      (error) => error instanceof InputError && /404/.test(error.message),
    );
    await assert.rejects(
      download(url, path),
      (error) => error instanceof InputError && /web page/.test(error.message),
    );
    const dead = await start(() => true);
    dead.server.closeAllConnections();
    await new Promise((resolve) => dead.server.close(resolve));
    await assert.rejects(
      download(dead.url, path, { patience: 1 }),
      (error) => error instanceof RunError && /ECONNREFUSED/.test(error.message),
    );
    assert.ok(!existsSync(path));
  });

  it("waits no longer for the fifteenth broken connection than for the first", async () => {
    const { url, ranges } = await start((request, response, count) => {
      if (count > 15) return false;
      const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? "")?.[1] ?? 0);
      response.writeHead(from > 0 ? 206 : 200, {
        etag: '"v1"',
        "content-length": content.length - from,
        ...(from > 0 ? { "content-range": `bytes ${from}-${content.length - 1}/${content.length}` } : {}),
      });
      response.write(content.subarray(from, from + 10_000));
      setTimeout(() => response.socket?.end(), 100); // at once, what was written would be dropped with the connection
      return true;
    });
    const began = performance.now();
    const got = await download(url, join(folder, "often"), { patience: 20 });
    assert.equal(got.sha256, sha256);
    assert.equal(ranges.length, 16);
    // Doubled at each break, the pauses would have added up to eleven minutes.
    assert.ok(performance.now() - began < 10_000);
  });

  it("goes on after a connection on which nothing comes any more", async () => {
    const { url, ranges } = await start((_, response, count) => {
      if (count > 1) return false;
      response.writeHead(200, { etag: '"v1"', "content-length": content.length });
      response.write(content.subarray(0, 10_000));
      return true;
    });
    const got = await download(url, join(folder, "silent"), { patience: 1, stalled: 100 });
    assert.equal(got.sha256, sha256);
    assert.deepEqual(ranges, [undefined, "bytes=10000-"]);
  });

  it("stops within a pause as well", async () => {
    const { url } = await start((_, response) => {
      response.destroy();
      return true;
    });
    const stop = new AbortController();
    setTimeout(() => stop.abort(), 50);
    const began = performance.now();
    await assert.rejects(
      download(url, join(folder, "paused"), { signal: stop.signal, patience: 60_000 }),
      (error) => error instanceof RunError && /next time/.test(error.message),
    );
    assert.ok(performance.now() - began < 10_000);
  });

  it("stops when asked, and keeps what arrived", async () => {
    const { url } = await start((_, response) => {
      response.setHeader("content-length", content.length);
      response.write(content.subarray(0, 100_000));
      return true;
    });
    const stop = new AbortController();
    const path = join(folder, "stopped");
    await assert.rejects(
      download(url, path, { signal: stop.signal, progress: () => stop.abort() }),
      (error) => error instanceof RunError && /next time/.test(error.message),
    );
    assert.ok(existsSync(`${path}.part`));
  });

  it("records what it fetched and does not fetch it again", async () => {
    const { url, ranges } = await start(() => false);
    const target = join(folder, "files");
    const first = await fetchWebShop(target, { set: "small", base: url });
    assert.deepEqual(Object.keys(first), [
      "items_shuffle_1000.json",
      "items_ins_v2_1000.json",
      "items_human_ins.json",
    ]);
    assert.deepEqual(JSON.parse(readFileSync(join(target, "fetched.json"), "utf8")), first);
    assert.equal(first["items_human_ins.json"]!.url, `${url}items_human_ins.json`);
    assert.deepEqual(await fetchWebShop(target, { set: "small", base: url }), first);
    assert.equal(ranges.length, 3);
  });
});
