/**
 * Limits that the official client lacks: its time-out ends with the headers of an answer, and of a refusal it reads only
 * `error.message`.
 */

/** Nothing came for as long as the time-out allows. */
export class Silence extends Error {}

type Fetch = (input: string | URL | Request, init?: RequestInit) => Promise<Response>;

/**
 * A `fetch` whose answers end in time: a whole answer within `timeout` milliseconds, an event stream with no longer pause
 * than that. What a refusing server says, wherever in its answer, stands in `error.message`.
 */
export function fetchWhole(timeout: number): Fetch {
  return async (input, init = {}) => {
    const limit = new AbortController();
    const late = (): void =>
      limit.abort(new Silence(`timed out: nothing came for ${timeout / 1000} seconds`));
    const timer = setTimeout(late, timeout);
    try {
      const signal = init.signal ? AbortSignal.any([init.signal, limit.signal]) : limit.signal;
      const response = await fetch(input, { ...init, signal });
      if (!response.ok) return refusal(response, await response.text().catch(() => ""));
      if (/text\/event-stream/i.test(response.headers.get("content-type") ?? "")) {
        return like(response, response.body && withoutPauses(response.body, timeout, late, limit.signal));
      }
      try {
        return like(response, await response.text());
      } catch (error) {
        // The client takes it for a broken answer, which is asked for again, as it takes a cut one.
        const reason: unknown = limit.signal.aborted ? limit.signal.reason : error;
        return like(response, new ReadableStream({ start: (controller) => controller.error(reason) }));
      }
    } finally {
      clearTimeout(timer);
    }
  };
}

/** The same stream, which ends with an error when its next piece takes too long. */
function withoutPauses(
  body: ReadableStream<Uint8Array>,
  timeout: number,
  late: () => void,
  signal: AbortSignal,
): ReadableStream<Uint8Array> {
  const reader = body.getReader();
  return new ReadableStream({
    async pull(controller) {
      const timer = setTimeout(late, timeout);
      try {
        const { done, value } = await reader.read();
        if (done) controller.close();
        else controller.enqueue(value);
      } catch (error) {
        controller.error(signal.aborted ? signal.reason : error);
      } finally {
        clearTimeout(timer);
      }
    },
    cancel: (reason) => reader.cancel(reason),
  });
}

function like(
  { status, statusText, headers }: Response,
  body: string | ReadableStream<Uint8Array> | null,
): Response {
  const kept = new Headers(headers);
  kept.delete("content-encoding"); // it is unpacked already
  kept.delete("content-length");
  return new Response(body, { status, statusText, headers: kept });
}

function refusal(response: Response, text: string): Response {
  const said = wordsIn(text);
  const answer = like(
    response,
    said === "" ? text : JSON.stringify({ error: { ...codesIn(text), message: said } }),
  );
  if (said !== "") answer.headers.set("content-type", "application/json");
  return answer;
}

/** Codes beside a refusal's words, such as `content_filter`. */
function codesIn(text: string): Record<string, unknown> {
  try {
    const value = JSON.parse(text) as { error?: unknown };
    const found = typeof value.error === "object" && value.error !== null ? value.error : value;
    const { code, type, param } = found as Record<string, unknown>;
    return { code, type, param };
  } catch {
    return {};
  }
}

/** A server's message in an error's body: the fields under which the known servers put it, or the text itself. */
export function wordsIn(text: string): string {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // Of a page, its beginning is enough, and an endless one must not take endless time.
    const plain = text
      .slice(0, 20_000)
      .replace(/<(style|script)[^]*?<\/\1>/gi, " ")
      .replace(/<[^<>]*>/g, " ");
    return plain.replace(/\s+/g, " ").trim();
  }
  return wordsOf(value, 0);
}

const FIELDS = [
  "message",
  "error",
  "detail",
  "errors",
  "msg",
  "error_description",
  "error_message",
  "title",
  "reason",
];

function wordsOf(value: unknown, depth: number): string {
  if (typeof value === "string") return value.trim();
  if (depth > 4 || typeof value !== "object" || value === null) return "";
  if (Array.isArray(value)) {
    return value
      .map((one) => wordsOf(one, depth + 1))
      .filter(Boolean)
      .slice(0, 3)
      .join("; ");
  }
  for (const field of FIELDS) {
    const found = wordsOf((value as Record<string, unknown>)[field], depth + 1);
    if (found !== "") return found;
  }
  return "";
}
