/** An endpoint's answers as ours: whole ones and streams, texts and lists of parts, refusals and broken ones told apart. */
import type OpenAI from "openai";
import type { Answer } from "./completer.js";
import { wordsIn } from "./fetch-whole.js";

/** A reply that is HTTP 200 but not a chat completion: it is asked for again. */
export class MalformedReply extends Error {}

/** A reply that is HTTP 200 and says that there was an error. */
export class ServerSaid extends Error {
  constructor(
    words: string,
    /** The status that it names, where it names one. */
    readonly status: number | undefined,
  ) {
    super(words);
  }
}

/** The fields that are read of a reply; servers leave out, add and rename. */
interface Reply {
  readonly choices?: readonly {
    readonly message?: {
      readonly content?: unknown;
      readonly refusal?: unknown;
      readonly tool_calls?: unknown;
    } | null;
    readonly finish_reason?: string | null;
  }[];
  readonly usage?: Usage | null;
  readonly error?: unknown;
}
type Usage = Partial<Pick<OpenAI.CompletionUsage, "prompt_tokens" | "completion_tokens">>;

type Body = Record<string, unknown>;

/** @throws MalformedReply, ServerSaid, and what the client throws */
export async function whole(client: OpenAI, body: Body): Promise<Answer> {
  const reply = (await client.chat.completions.create({
    ...(body as unknown as OpenAI.Chat.ChatCompletionCreateParamsNonStreaming),
    stream: false,
  })) as unknown as Reply | null;
  const choice = reply?.choices?.[0];
  if (!choice?.message) {
    if (reply?.error) throw said(reply.error);
    throw new MalformedReply("the reply holds no choices[0].message");
  }
  const { content, refusal, tool_calls: calls } = choice.message;
  return answerOf(textOf(content), { refusal, calls }, choice.finish_reason, reply?.usage);
}

/** @throws MalformedReply, ServerSaid, and what the client throws */
export async function streamed(client: OpenAI, body: Body): Promise<Answer> {
  const events = await client.chat.completions.create({
    ...(body as unknown as OpenAI.Chat.ChatCompletionCreateParamsStreaming),
    stream: true,
    stream_options: { include_usage: true },
  });
  let text: string | null = null;
  let refusal = "";
  let calls = false;
  let finish: string | null = null;
  let usage: Usage | null | undefined;
  for await (const event of events) {
    const { error } = event as { error?: unknown };
    if (error) throw said(error);
    const choice = event.choices?.[0];
    const piece = textOf(choice?.delta?.content);
    if (piece !== null) text = (text ?? "") + piece;
    refusal += choice?.delta?.refusal ?? "";
    calls ||= choice?.delta?.tool_calls !== undefined && choice.delta.tool_calls !== null;
    finish = choice?.finish_reason ?? finish;
    usage = event.usage ?? usage;
  }
  // A connection that is cut between two events ends the stream without an error: the answer is not whole.
  if (finish === null) throw new MalformedReply("the stream ended before the answer did");
  return answerOf(text, { refusal, calls: calls ? [1] : [] }, finish, usage);
}

function answerOf(
  text: string | null,
  { refusal, calls }: { readonly refusal: unknown; readonly calls: unknown },
  finish: string | null | undefined,
  usage: Usage | null | undefined,
): Answer {
  const truncated = finish === "length";
  const failed = text === null || text === "" ? whyNothing(refusal, calls, finish, text === null) : null;
  return {
    text: text ?? "",
    promptTokens: usage?.prompt_tokens ?? 0,
    completionTokens: usage?.completion_tokens ?? 0,
    ...(truncated ? { truncated } : {}),
    ...(failed === null ? {} : { failed }),
  };
}

/** Why an answer has no text, or null where it is just empty. */
function whyNothing(
  refusal: unknown,
  calls: unknown,
  finish: string | null | undefined,
  none: boolean,
): string | null {
  if (typeof refusal === "string" && refusal !== "") {
    return `the model refused: ${refusal.replace(/\s+/g, " ").trim().slice(0, 200)}`;
  }
  if (finish === "content_filter") return "the server's content filter held the answer back";
  if (Array.isArray(calls) && calls.length > 0) return "the model called a tool instead of answering";
  if (!none) return null;
  if (finish === "length") return "the model was cut off before it answered: allow more --max-tokens";
  return `the server sent no content${finish ? ` (finish_reason ${finish})` : ""}`;
}

/** A content's text: itself, or the texts of its parts; null where there is none. */
function textOf(content: unknown): string | null {
  if (typeof content === "string") return content;
  if (content === null || content === undefined) return null;
  if (!Array.isArray(content))
    throw new MalformedReply("the content of the reply is neither a text nor a list of parts");
  const texts = (content as unknown[]).flatMap((part) => {
    if (typeof part === "string") return [part];
    const { text, type } = (part ?? {}) as { text?: unknown; type?: unknown };
    return typeof text === "string" && type !== "thinking" && type !== "reasoning" ? [text] : [];
  });
  return texts.length > 0 ? texts.join("") : null;
}

function said(error: unknown): ServerSaid {
  const { code, status } = (typeof error === "object" ? error : {}) as { code?: unknown; status?: unknown };
  const number = [code, status].map(Number).find((value) => value >= 400 && value < 600);
  return new ServerSaid(wordsIn(JSON.stringify({ error })) || "no reason given", number);
}
