/** Answers Jupyter's requests. https://jupyter-client.readthedocs.io/en/stable/messaging.html */
import type { Content, Message } from "../wire.js";
import { offerBridge } from "../bridge.js";
import { provideInterrupts } from "../../base/index.js";
import { createAsking, offerInput } from "./asking.js";
import type { CellOutcome, CellRunner } from "./cells.js";
import type { CellCompiler } from "./compiler.js";
import { sayHeeded, unbroken } from "./thread.js";
import { createContext, currentContext, type CellContext } from "./context.js";
import { complete, inspect, isComplete } from "./explain.js";
import { History } from "./history.js";
import type { Outlet } from "./outlet.js";
import type { Channel, Sockets } from "./sockets.js";
import { bundleOf } from "./values.js";

/** The server's dependencies. */
export interface ServerParts {
  readonly sockets: Sockets;
  readonly cells: CellRunner;
  readonly compiler: CellCompiler;
  readonly outlet: Outlet;
}

interface ExecuteRequest {
  readonly code?: string;
  readonly silent?: boolean;
  readonly store_history?: boolean;
  readonly stop_on_error?: boolean;
}

/** Begins to answer. */
export function startServer({ sockets, cells, compiler, outlet }: ServerParts): void {
  const history = new History();
  let count = 0;
  let latest: CellContext | undefined;
  let payload: Content[] = [];
  const waiting: { readonly channel: Channel; readonly message: Message }[] = [];
  let busy = false;
  const asking = createAsking(
    sockets,
    () => latest,
    () => outlet.flush(),
  );

  const execute = async (channel: Channel, message: Message): Promise<void> => {
    const request = message.content as ExecuteRequest;
    const [code, silent] = [request.code ?? "", request.silent ?? false];
    const counted = !silent && (request.store_history ?? true);
    sockets.publish("status", { execution_state: "busy" }, message);
    if (counted) history.add(++count, code);
    if (!silent) sockets.publish("execute_input", { code, execution_count: count }, message);
    const context = createContext(message, count);
    latest = context;
    payload = [];
    outlet.begin(context);
    let outcome = await cells.run(code, context);
    if (outcome.ok && !silent) outcome = await showResult(outcome, context, counted);
    // Let what is already on its way (a worker's last lines) arrive in this cell.
    await new Promise((resolve) => setImmediate(resolve));
    outlet.end(context);
    if (outcome.ok) {
      const content = { status: "ok", execution_count: count, user_expressions: {}, payload };
      sockets.reply(channel, "execute_reply", content, message);
    } else {
      const { line, ...content } = outcome.failure;
      // Jupyter's rule: what was sent before this failure could be seen is not run.
      await new Promise((resolve) => setTimeout(resolve, 10));
      const unwanted = request.stop_on_error === false ? [] : waiting.splice(0);
      sockets.publish("error", content, message, line === undefined ? {} : { line });
      sockets.reply(
        channel,
        "execute_reply",
        { status: "error", execution_count: count, ...content },
        message,
      );
      for (const { channel, message } of unwanted) {
        sockets.publish("status", { execution_state: "busy" }, message);
        sockets.reply(channel, "execute_reply", { status: "aborted" }, message);
        sockets.publish("status", { execution_state: "idle" }, message);
      }
    }
    sockets.publish("status", { execution_state: "idle" }, message);
  };

  const showResult = async (
    outcome: Extract<CellOutcome, { ok: true }>,
    context: CellContext,
    counted: boolean,
  ): Promise<CellOutcome> => {
    try {
      const data = await bundleOf(outcome.value);
      outlet.end(context);
      if (!data) return outcome;
      if (counted && typeof data["text/plain"] === "string") history.setOutput(data["text/plain"]);
      sockets.publish(
        "execute_result",
        { data, metadata: {}, execution_count: context.count },
        context.request,
      );
      return outcome;
    } catch (error) {
      return { ok: false, failure: cells.describe(error, context.count) };
    }
  };

  const drain = async (): Promise<void> => {
    if (busy) return;
    busy = true;
    for (let next = waiting.shift(); next; next = waiting.shift()) await execute(next.channel, next.message);
    busy = false;
  };

  const answers: Readonly<Record<string, (content: Content, at: number) => Content>> = {
    kernel_info_request: () => kernelInfo(compiler.ts.version),
    is_complete_request: (content) => isComplete(compiler, String(content["code"])),
    inspect_request: (content) => inspect(compiler, String(content["code"]), Number(content["cursor_pos"])),
    complete_request: (content) => complete(compiler, String(content["code"]), Number(content["cursor_pos"])),
    comm_info_request: () => ({ comms: {} }),
    history_request: (content) => history.answer(content),
    interrupt_request: (_, at) => {
      cells.interrupt(at);
      return {};
    },
    shutdown_request: (content) => ({ restart: content["restart"] === true }),
  };

  const answer = (channel: Channel, message: Message, at: number): void => {
    const type = message.header.msg_type;
    const respond = answers[type];
    if (!respond) return; // comm messages and the like: nothing here listens, and Jupyter expects no answer
    sockets.publish("status", { execution_state: "busy" }, message);
    let content: Content;
    try {
      content = { status: "ok", ...unbroken(() => respond(message.content, at)) };
    } catch (error) {
      const { ename, evalue, traceback } = cells.describe(error, count);
      content = { status: "error", ename, evalue, traceback };
    }
    sockets.reply(channel, type.replace(/_request$/, "_reply"), content, message);
    sockets.publish("status", { execution_state: "idle" }, message);
    // Whatever cells have left running (servers, timers, workers) ends here.
    if (type === "shutdown_request") setTimeout(() => process.exit(0), 50);
  };

  offerBridge({
    display: (data, name, update) =>
      outlet.display(
        { data, metadata: {}, transient: name === undefined ? {} : { display_id: name } },
        update,
      ),
    clear: (wait) => outlet.clear(wait),
    page: (data) => void payload.push({ source: "page", data, start: 0 }),
    ask: (question, hidden) => asking.ask(question, hidden),
  });
  provideInterrupts(() => {
    const context = currentContext() ?? latest;
    if (context) context.heeded = true;
    if (context?.running) sayHeeded(true);
    return context?.controller.signal;
  });
  offerInput(asking);
  outlet.capture();
  sockets.publish("status", { execution_state: "starting" });
  sockets.listen((channel, message, at) => {
    if (channel === "stdin") asking.answer(message);
    else if (message.header.msg_type !== "execute_request") answer(channel, message, at);
    else {
      waiting.push({ channel, message });
      void drain();
    }
  });
}

function kernelInfo(typescript: string): Content {
  return {
    protocol_version: "5.3",
    implementation: "aisle",
    implementation_version: "1.0.0",
    banner: "TypeScript (Aisle)",
    language_info: {
      name: "typescript",
      version: typescript,
      mimetype: "text/typescript",
      file_extension: ".ts",
      // What makes Jupyter's editors colour it as TypeScript; the two of them look at different fields.
      codemirror_mode: { mode: "typescript", name: "javascript", typescript: true },
    },
    help_links: [],
  };
}
