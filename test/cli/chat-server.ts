import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** A chat request as the protocol sends it. */
export interface ChatRequest {
  readonly model: string;
  readonly messages: readonly { readonly role: string; readonly content: string }[];
  readonly max_tokens: number;
  readonly temperature: number;
  readonly seed: number;
  readonly stream?: boolean;
}

/** Answers a request in place of the server, or says no by false. */
export type Interference = (
  request: IncomingMessage,
  response: ServerResponse,
  body: ChatRequest,
  count: number,
) => boolean;

/** A real HTTP server that speaks the OpenAI protocol, answers as a simple shopper would, and can be made to misbehave. */
export class ChatServer {
  readonly seen: ChatRequest[] = [];
  readonly keys = new Set<string | undefined>();
  /** Whole answers that were sent. */
  answered = 0;
  /** Milliseconds before an answer. */
  delay = 0;
  interfere: Interference = () => false;
  private readonly server: Server;

  constructor() {
    this.server = createServer((request, response) => {
      let text = "";
      request.on("data", (chunk: Buffer) => (text += chunk.toString()));
      request.on("end", () => {
        const body = JSON.parse(text) as ChatRequest;
        this.seen.push(body);
        this.keys.add(request.headers.authorization);
        if (this.interfere(request, response, body, this.seen.length)) return;
        setTimeout(() => this.answer(response, body), this.delay);
      });
    });
  }

  async start(): Promise<string> {
    await new Promise<void>((resume) => this.server.listen(0, "127.0.0.1", resume));
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/v1`;
  }
  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resume) => this.server.close(resume));
  }
  forget(): void {
    this.seen.length = 0;
    this.answered = 0;
    this.delay = 0;
    this.interfere = () => false;
  }

  private answer(response: ServerResponse, { messages, stream }: ChatRequest): void {
    const text = shopper(messages.at(-1)!.content);
    const usage = { prompt_tokens: 100, completion_tokens: 7, total_tokens: 107 };
    this.answered += 1;
    if (!stream) {
      response.setHeader("content-type", "application/json");
      const message = { role: "assistant", content: text };
      response.end(
        JSON.stringify({ id: "1", choices: [{ index: 0, finish_reason: "stop", message }], usage }),
      );
      return;
    }
    response.setHeader("content-type", "text/event-stream");
    const send = (value: unknown): void => void response.write(`data: ${JSON.stringify(value)}\n\n`);
    for (const word of text.split(/(?<= )/)) send({ choices: [{ index: 0, delta: { content: word } }] });
    send({ choices: [{ index: 0, delta: {}, finish_reason: "stop" }] });
    send({ choices: [], usage });
    response.end("data: [DONE]\n\n");
  }
}

/** Searches the task's words, takes the second result, buys: enough to tell one goal from another. */
function shopper(question: string): string {
  const task = /(?:Instruction|Your task): (.*)/.exec(question)![1]!;
  const words = task.replace(/,? and price lower.*/, "");
  if (question.includes("search query only")) return `"${words}"\n`;
  if (question.includes("Reply with a number")) return "Number 2 looks right.";
  const possible = /Possible actions:\n([\s\S]*?)\n(?:Steps|Think|Write)/.exec(question)![1]!.split("\n");
  const product = possible.find((action) => /^click\[b0\w{8}\]$/.test(action));
  const action = possible.includes("search[<your query>]")
    ? `search[${words}]`
    : (product ?? (possible.includes("click[buy now]") ? "click[buy now]" : possible[0]!));
  return `<think>One step after another.</think><action>${action}</action>`;
}
