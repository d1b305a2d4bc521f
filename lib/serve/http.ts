import swagger from "@fastify/swagger";
import fastify, { type FastifyInstance } from "fastify";
import { z } from "zod";
import { InputError, messageOf } from "../base/index.js";
import { answer, OPERATIONS, type Operation } from "./protocol.js";
import { UnknownSession, type SessionStore } from "./sessions.js";

export interface HttpOptions {
  /** Largest request body, in bytes. Default 1 MiB. */
  readonly maxBytes?: number;
}

const SWEEP_SECONDS = 30;

/**
 * The same verbs over HTTP: `POST /reset`, `/step`, `/clone`, `/close`, `/info` with a JSON body, `GET /info`, and the OpenAPI
 * description at `GET /openapi.json`. Errors are `{"error"}` with status 400, 404, 413 or 415. Not listening yet.
 */
export async function httpServer(store: SessionStore, options: HttpOptions = {}): Promise<FastifyInstance> {
  const app = fastify({ bodyLimit: options.maxBytes ?? 1 << 20, forceCloseConnections: true });
  // Requests are checked by the same schemas as lines are, so that both say the same of the same mistake.
  app.setValidatorCompiler(() => () => true);
  app.setSerializerCompiler(() => (data) => JSON.stringify(data));
  app.setErrorHandler((error: Error & { statusCode?: number }, _request, reply) => {
    const status =
      error instanceof UnknownSession ? 404 : error instanceof InputError ? 400 : (error.statusCode ?? 500);
    void reply.status(status).send({ error: messageOf(error) });
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
  const error = z.object({ error: z.string() });
  for (const op of Object.keys(OPERATIONS) as Operation[]) {
    const { summary, request, response } = OPERATIONS[op];
    const schema = {
      summary,
      operationId: op,
      body: jsonSchema(request),
      response: { 200: jsonSchema(response), 400: jsonSchema(error), 404: jsonSchema(error) },
    };
    app.post(`/${op}`, { schema }, (incoming) => answer(store, op, incoming.body));
  }
  app.get("/info", { schema: { summary: "Describe the shop", operationId: "shop" } }, () =>
    answer(store, "info", {}),
  );
  app.get("/openapi.json", { schema: { hide: true } }, () => app.swagger());
  const sweep = setInterval(() => store.closeIdle(), SWEEP_SECONDS * 1000);
  sweep.unref();
  app.addHook("onClose", async () => clearInterval(sweep));
  await app.ready();
  return app;
}

function jsonSchema(schema: z.ZodType): Record<string, unknown> {
  const { $schema: _, ...rest } = z.toJSONSchema(schema);
  return rest;
}
