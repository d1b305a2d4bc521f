import { STATUS_CODES, type IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import swagger from "@fastify/swagger";
import fastify, { type FastifyError, type FastifyInstance, type FastifyReply } from "fastify";
import { z } from "zod";
import { codeOf, InputError, messageOf } from "../base/index.js";
import { hostCheck } from "./hosts.js";
import { answer, OPERATIONS, SHOP_INFO, type Operation } from "./protocol.js";
import { ShopFull, UnknownSession, type SessionStore } from "./sessions.js";

export interface HttpOptions {
  /** Largest request body, in bytes. Default 128 KiB: twice what the longest action and instruction can take. */
  readonly maxBytes?: number;
  /** Seconds within which a request must have arrived whole. Default 30. */
  readonly requestSeconds?: number;
  /** Connections at a time; further ones are closed at once. Default 1024. */
  readonly maxConnections?: number;
  /** The address that it will listen on, which decides what a `Host` header may name. Default 127.0.0.1. */
  readonly address?: string;
  /** Further names that a `Host` header may have. */
  readonly hosts?: readonly string[];
}

const SWEEP_SECONDS = 30;
/** A connection on which nothing moves for so long is closed: its other end does not read. */
const STALLED_SECONDS = 120;

/** The answers of every verb beside 200; each is `{"error"}`. */
const FAILURES = {
  400: "Something in the request is wrong",
  403: "The Host header names another machine",
  404: "There is no such session or address",
  408: "The request took too long to arrive",
  413: "The request is too long",
  415: "The request is not application/json",
  429: "There is no room for another session",
  500: "The server failed",
} as const;

/**
 * The same verbs over HTTP: `POST /reset`, `/step`, `/clone`, `/close`, `/info` with a JSON body, `GET /info`, and the OpenAPI
 * description at `GET /openapi.json`. Every error, whoever finds it, is `{"error": "one sentence"}`. Not listening yet.
 */
export async function httpServer(store: SessionStore, options: HttpOptions = {}): Promise<FastifyInstance> {
  const { maxBytes = 128 << 10, requestSeconds = 30, maxConnections = 1024 } = options;
  const app = fastify({
    bodyLimit: maxBytes,
    forceCloseConnections: true,
    return503OnClosing: false,
    connectionTimeout: STALLED_SECONDS * 1000,
    requestTimeout: requestSeconds * 1000,
    http: {
      headersTimeout: requestSeconds * 1000,
      connectionsCheckingInterval: Math.min(5000, requestSeconds * 250),
      requireHostHeader: false, // it is asked for below, in our words
    },
    clientErrorHandler: refuseConnection,
    // Mistakes that are found before there is a route.
    frameworkErrors: (error, _request, reply) => answerBadUrl(error, reply as unknown as FastifyReply),
  });
  app.server.maxConnections = maxConnections;
  app.server.on("checkExpectation", (request: IncomingMessage) =>
    refuse(request.socket, 417, "The header Expect can only ask for 100-continue."),
  );
  app.server.on("connect", (_request: unknown, socket: Duplex) =>
    refuse(socket, 405, "There is no CONNECT here: this is not a proxy."),
  );
  const isHere = hostCheck(options.address ?? "127.0.0.1", options.hosts);
  app.addHook("onRequest", async (request, reply) => {
    const host = request.headers.host;
    if (host !== undefined && isHere(host)) return;
    const error =
      host === undefined
        ? "The request has no Host header."
        : `This server does not answer for the host "${host.slice(0, 100)}": start it with --allow-host if it should.`;
    await reply.status(host === undefined ? 400 : 403).send({ error });
  });
  // Requests are checked by the same schemas as lines are, so that both say the same of the same mistake.
  app.setValidatorCompiler(() => () => true);
  app.setSerializerCompiler(() => (data) => JSON.stringify(data));
  app.setErrorHandler((error: FastifyError, _request, reply) => {
    void reply.status(statusOf(error)).send(inWords(error));
  });
  app.setNotFoundHandler((request, reply) => {
    const verbs = Object.keys(OPERATIONS).map((op) => `/${op}`);
    const what = `${request.method} ${request.url.slice(0, 100)}`;
    void reply
      .status(404)
      .send({ error: `There is no ${what}: POST to ${verbs.join(", ")}; GET /openapi.json.` });
  });
  await app.register(swagger, {
    openapi: {
      openapi: "3.1.0",
      info: {
        title: "Aisle: WebShop for any program",
        description: "Sessions in a simulated web shop: reset, step, clone, close, info.",
        version: "1.0.0",
      },
    },
  });
  const error = jsonSchema(z.strictObject({ error: z.string().describe("What is wrong, in a sentence") }));
  const failures = Object.fromEntries(
    Object.entries(FAILURES).map(([status, description]) => [status, { description, ...error }]),
  );
  for (const op of Object.keys(OPERATIONS) as Operation[]) {
    const { summary, request, response } = OPERATIONS[op];
    const schema = {
      summary,
      operationId: op,
      body: jsonSchema(request),
      response: { 200: { description: "Done", ...jsonSchema(response) }, ...failures },
    };
    app.post(`/${op}`, { schema }, (incoming) => answer(store, op, incoming.body));
  }
  const { 413: _long, 415: _type, 429: _full, ...ofGet } = failures;
  const shop = {
    summary: "Describe the shop",
    operationId: "shop",
    response: { 200: { description: "Done", ...jsonSchema(SHOP_INFO) }, ...ofGet },
  };
  app.get("/info", { schema: shop }, () => answer(store, "info", {}));
  app.get("/openapi.json", { schema: { hide: true } }, () => app.swagger());
  const sweep = setInterval(() => store.closeIdle(), SWEEP_SECONDS * 1000);
  sweep.unref();
  app.addHook("onClose", async () => clearInterval(sweep));
  await app.ready();
  return app;
}

function answerBadUrl(error: FastifyError, reply: FastifyReply): void {
  void reply.status(error.statusCode ?? 400).send(inWords(error));
}

function statusOf(error: FastifyError): number {
  if (error instanceof UnknownSession) return 404;
  if (error instanceof ShopFull) return 429;
  return error instanceof InputError ? 400 : (error.statusCode ?? 500);
}

function inWords(error: Error): { error: string } {
  return { error: messageOf(error) };
}

/** Why the HTTP parser gave a connection up, by its codes. */
const BROKEN: Readonly<Record<string, readonly [status: number, error: string]>> = {
  ERR_HTTP_REQUEST_TIMEOUT: [408, "The request did not arrive whole in time."],
  HPE_HEADER_OVERFLOW: [431, "The request's headers are too long."],
};

/** Answers what is not an HTTP request, or not a whole one, in the same shape as everything else, and hangs up. */
function refuseConnection(this: unknown, error: Error, socket: Duplex): void {
  const code = codeOf(error) ?? "";
  if (code === "ECONNRESET" || socket.destroyed) return void socket.destroy();
  const [status, words] = BROKEN[code] ?? [400, "This is not an HTTP request."];
  refuse(socket, status, words);
}

function refuse(socket: Duplex, status: number, error: string): void {
  if (!socket.writable) return void socket.destroy();
  const body = JSON.stringify({ error });
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ""}`,
    "Content-Type: application/json; charset=utf-8",
    `Content-Length: ${Buffer.byteLength(body)}`,
    "Connection: close",
  ];
  // Who does not read its answer cannot hold the connection open.
  socket.end(`${head.join("\r\n")}\r\n\r\n${body}`, () => socket.destroy());
  setTimeout(() => socket.destroy(), 1000).unref();
}

function jsonSchema(schema: z.ZodType): Record<string, unknown> {
  const { $schema: _, ...rest } = z.toJSONSchema(schema);
  return rest;
}
