import { z } from "zod";
import { InputError, messageOf } from "../base/index.js";
import {
  rewardRecord,
  splitRanges,
  WEBSHOP_QUIRKS,
  type AvailableActions,
  type EnvironmentSettings,
} from "../simulator/index.js";
import type { Session, SessionStore } from "./sessions.js";

const MODES = ["html", "text", "text_rich", "url"] as const;
/** Characters of an instruction or an action: WebShop's longest have a few hundred. Sessions keep both. */
const LONGEST_TEXT = 10_000;
const sessionId = z.string().describe("As reset or clone returned it");
const quirkNames = Object.keys(WEBSHOP_QUIRKS);
const quirks = z.strictObject(Object.fromEntries(quirkNames.map((name) => [name, z.boolean().optional()])), {
  error: (issue) =>
    issue.code === "unrecognized_keys"
      ? `There is no quirk "${issue.keys[0]!.slice(0, 60)}"; docs/quirks.md lists them`
      : undefined,
});

const resetRequest = z
  .strictObject({
    goal: z.int().nonnegative().describe("Number of the goal; the split is by it (see info)"),
    mode: z.enum(MODES).optional().describe("What observations hold; text by default"),
    name: z
      .string()
      .max(200)
      .optional()
      .describe("The session's name in its addresses; the goal's number by default"),
    instruction: z.string().max(LONGEST_TEXT).optional().describe("Shown instead of the goal's own text"),
    compat: z.enum(["webshop", "fixed"]).optional().describe("WebShop's quirks on (the default), or mended"),
    quirks: quirks.optional().describe("Single quirks against compat"),
    show_attributes: z.boolean().optional().describe("Shows the Attributes button"),
    previous_observations: z.int().min(0).max(100).optional(),
    previous_actions: z.int().min(0).max(100).optional(),
  })
  .describe("Opens a session on a goal");
const stepRequest = z
  .strictObject({
    session: sessionId,
    action: z.string().max(LONGEST_TEXT).describe("search[words] or click[text]"),
  })
  .describe("Takes one action");
const sessionRequest = z.strictObject({ session: sessionId });
const infoRequest = z
  .strictObject({ session: sessionId.optional() })
  .describe("The shop's size and splits, or one session's state");

const actions = z.strictObject({ search: z.boolean(), click: z.array(z.string()) });
const range = z.tuple([z.int(), z.int()]).describe("The first goal, and the one after the last");
const shopInfo = z.strictObject({
  products: z.int(),
  goals: z.int(),
  splits: z.strictObject({ test: range, dev: range, train: range }),
  fingerprint: z.string().describe("Shops with the same one give the same pages and rewards"),
  sessions: z.int().describe("How many are open"),
});
const sessionInfo = z.strictObject({
  session: sessionId,
  goal: z.int(),
  instruction: z.string(),
  page: z.enum(["search", "results", "item", "subpage", "done"]),
  steps: z.int(),
  done: z.boolean(),
  reward: z.number(),
  actions,
});
const parts = z
  .record(z.string(), z.union([z.number(), z.boolean(), z.null()]))
  .describe("The reward's parts by WebShop's names: r_type, r_att, r_option, r_price, …");

/** The verbs: what each takes and gives. Both ways of serving, and the OpenAPI description, are made of these. */
export const OPERATIONS = {
  reset: {
    summary: "Open a session on a goal",
    request: resetRequest,
    response: z.strictObject({
      session: z.string(),
      observation: z.string(),
      actions,
      instruction: z.string(),
    }),
  },
  step: {
    summary: "Take one action in a session",
    request: stepRequest,
    response: z.strictObject({
      observation: z.string(),
      actions,
      reward: z.number(),
      done: z.boolean(),
      valid: z.boolean().describe("False when the action could not be followed; the page then stays"),
      parts: parts.optional().describe("Once something was bought"),
    }),
  },
  clone: {
    summary: "Open another session at the same point of the same episode",
    request: sessionRequest,
    response: z.strictObject({ session: z.string() }),
  },
  close: {
    summary: "Close a session",
    request: sessionRequest,
    response: z.strictObject({ closed: z.literal(true) }),
  },
  info: {
    summary: "Describe the shop, or one session",
    request: infoRequest,
    response: z.union([shopInfo, sessionInfo]),
  },
} as const;

export type Operation = keyof typeof OPERATIONS;

/** The answer of `info` without a session. */
export const SHOP_INFO = shopInfo;

/**
 * Carries out one request.
 * @param request the operation's fields, without `op`.
 * @throws InputError when a field is wrong, or a session or goal does not exist.
 */
export function answer(
  store: SessionStore,
  op: Operation,
  request: unknown,
): Readonly<Record<string, unknown>> {
  switch (op) {
    case "reset":
      return reset(store, parsed(resetRequest, request));
    case "step":
      return step(store, parsed(stepRequest, request));
    case "clone":
      return { session: store.clone(parsed(sessionRequest, request).session).id };
    case "close":
      store.close(parsed(sessionRequest, request).session);
      return { closed: true };
    case "info":
      return info(store, parsed(infoRequest, request).session);
  }
}

/** Carries out one line of JSON and answers in one; what is wrong comes back as `{"error"}`. An `id` is given back. */
export function answerLine(store: SessionStore, line: string): string {
  let id: unknown;
  try {
    const value = parseLine(line);
    const { op, id: given, ...fields } = value;
    id = given;
    if (typeof op !== "string" || !Object.hasOwn(OPERATIONS, op)) {
      throw new InputError(`"op" must be one of ${Object.keys(OPERATIONS).join(", ")}.`);
    }
    const result = answer(store, op as Operation, fields);
    return JSON.stringify(id === undefined ? result : { id, ...result });
  } catch (error) {
    const failure = { error: messageOf(error) };
    return JSON.stringify(id === undefined ? failure : { id, ...failure });
  }
}

function parseLine(line: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (error) {
    throw new InputError(`The line is not JSON: ${messageOf(error).slice(0, 200)}.`);
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new InputError('A request is a JSON object such as {"op":"reset","goal":0}.');
  }
  return value as Record<string, unknown>;
}

function reset(store: SessionStore, request: z.infer<typeof resetRequest>): Record<string, unknown> {
  const {
    goal,
    name,
    instruction,
    mode,
    compat,
    quirks,
    show_attributes,
    previous_observations,
    previous_actions,
  } = request;
  const settings: Record<string, unknown> = {
    mode,
    compat,
    quirks,
    showAttributes: show_attributes,
    previousObservations: previous_observations,
    previousActions: previous_actions,
  };
  const given = Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined));
  const opened = store.start(
    {
      goal,
      ...(name === undefined ? {} : { name }),
      ...(instruction === undefined ? {} : { instruction }),
    },
    given as Partial<EnvironmentSettings>,
  );
  const { environment, state } = opened;
  const seen = {
    observation: environment.observe(state),
    actions: environment.actions(state),
    instruction: instructionOf(opened),
  };
  checkSize(store, seen);
  return { session: store.add(opened).id, ...seen };
}

function step(store: SessionStore, request: z.infer<typeof stepRequest>): Record<string, unknown> {
  const { id, environment, state } = store.get(request.session);
  const {
    state: next,
    observation,
    reward,
    done,
    valid,
    parts: made,
  } = environment.step(state, request.action);
  const result = {
    observation,
    actions: environment.actions(next),
    reward,
    done,
    valid,
    ...(made ? { parts: rewardRecord(made) } : {}),
  };
  checkSize(store, result);
  store.move(id, next);
  return result;
}

/** A character as JSON takes at most six bytes, e.g. `\\u0000`. */
const MOST_BYTES = 6;

/** Refuses an answer that is too long before anything has changed. */
function checkSize(
  store: SessionStore,
  answered: { readonly observation: string; readonly actions: AvailableActions },
): void {
  const { observation, actions } = answered;
  const characters = actions.click.reduce((sum, text) => sum + text.length + 1, observation.length + 1000);
  if (characters * MOST_BYTES <= store.maxAnswer) return;
  const bytes = Buffer.byteLength(JSON.stringify(answered));
  if (bytes <= store.maxAnswer) return;
  throw new InputError(
    `The answer would have ${bytes} bytes, more than the ${store.maxAnswer} allowed, so nothing was done: ` +
      "reset with fewer previous_observations, or start the server with a larger --max-answer.",
  );
}

function info(store: SessionStore, id: string | undefined): Record<string, unknown> {
  if (id === undefined) {
    const { size, goalCount, fingerprint } = store.catalogue;
    const splits = Object.fromEntries(
      Object.entries(splitRanges(goalCount)).map(([name, { start, end }]) => [name, [start, end]]),
    );
    return { products: size, goals: goalCount, splits, fingerprint, sessions: store.size };
  }
  const session = store.get(id);
  const { goal, page, steps, done, reward } = session.state;
  return {
    session: id,
    goal,
    instruction: instructionOf(session),
    page,
    steps,
    done,
    reward: reward?.total ?? 0,
    actions: session.environment.actions(session.state),
  };
}

function instructionOf({ environment, state }: Omit<Session, "id">): string {
  return state.instruction ?? environment.catalogue.goal(state.goal).instruction;
}

function parsed<T>(schema: z.ZodType<T>, request: unknown): T {
  const result = schema.safeParse(request ?? {});
  if (result.success) return result.data;
  const issue = result.error.issues[0]!;
  const where = issue.path.length > 0 ? `"${issue.path.join(".").slice(0, 60)}": ` : "";
  throw new InputError(`${where}${issue.message.slice(0, 200)}.`);
}
