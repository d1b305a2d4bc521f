/** Jupyter's five sockets, and what the kernel answers on them. */
import { randomUUID } from "node:crypto";
import { Publisher, Reply, Router } from "zeromq";
import { createMessage, decode, encode, type Connection, type Content, type Message } from "../wire.js";
import { Interrupted, type CellRunner } from "./cells.js";
import type { CellCompiler } from "./compiler.js";
import { describeError } from "./errors.js";
import { createStreams } from "./streams.js";
import { bundleOf } from "./values.js";

type Jupyter = typeof import("tslab/dist/jupyter.js");
type Handler = InstanceType<Jupyter["JupyterHandlerImpl"]>;

/** A kernel whose sockets are bound; `start` lets it answer. */
export interface KernelServer {
  start(): void;
}

/**
 * Binds the sockets.
 * @throws Error when a port is taken (the starter then tries others).
 */
export async function createServer(
  connection: Connection,
  cells: CellRunner,
  compiler: CellCompiler,
  jupyter: Jupyter,
): Promise<KernelServer> {
  const session = randomUUID();
  const { key } = connection;
  // Without a limit: a loop that prints ten thousand lines loses none.
  const iopub = new Publisher({ sendHighWaterMark: 0, linger: 500 });
  const [shell, control, stdin] = [0, 0, 0].map(() => new Router({ linger: 500 })) as [
    Router,
    Router,
    Router,
  ];
  const heartbeat = new Reply({ linger: 0 });
  const at = (port: number): string => `${connection.transport}://${connection.ip}:${port}`;
  await iopub.bind(at(connection.iopub_port));
  await shell.bind(at(connection.shell_port));
  await control.bind(at(connection.control_port));
  await stdin.bind(at(connection.stdin_port));
  await heartbeat.bind(at(connection.hb_port));

  const publish = (
    type: string,
    content: Content,
    parent: Message | undefined,
    metadata: Content = {},
  ): void => {
    const message = { ...createMessage(type, content, session, parent), identities: [], metadata };
    void iopub.send(encode(key, message)).catch(() => undefined);
  };
  const reply = (socket: Router, type: string, content: Content, parent: Message): void => {
    void socket.send(encode(key, createMessage(type, content, session, parent))).catch(() => undefined);
  };

  // tslab answers what needs only its compiler: completion, inspection, "is this code complete".
  const handler = new jupyter.JupyterHandlerImpl(
    {
      inspect: (source: string, position: number) =>
        compiler.converter.inspect(cells.declarations(), source, position),
      complete: (source: string, position: number) =>
        compiler.converter.complete(cells.declarations(), source, position),
    } as ConstructorParameters<Jupyter["JupyterHandlerImpl"]>[0],
    false,
  );
  let current: Message | undefined;
  const streams = createStreams((name, text) => publish("stream", { name, text }, current));
  let count = 0;
  const waiting: { readonly socket: Router; readonly message: Message }[] = [];
  let busy = false;

  const execute = async (socket: Router, message: Message): Promise<void> => {
    const request = message.content as { code?: string; silent?: boolean; stop_on_error?: boolean };
    current = message;
    publish("status", { execution_state: "busy" }, message);
    const code = request.code ?? "";
    const silent = request.silent ?? false;
    if (!silent) count++;
    if (!silent) publish("execute_input", { code, execution_count: count }, message);
    (jupyter as { lastWriteDisplayData: unknown }).lastWriteDisplayData = (
      data: Content,
      update?: boolean,
    ) => {
      streams.flush();
      publish(
        update ? "update_display_data" : "display_data",
        { transient: {}, metadata: {}, ...data },
        message,
      );
    };
    let outcome = await cells.run(code, count);
    if (outcome.ok && !silent) {
      try {
        const data = await bundleOf(outcome.value);
        streams.flush();
        if (data) publish("execute_result", { data, metadata: {}, execution_count: count }, message);
      } catch (error) {
        outcome = { ok: false, failure: describeError(error, process.cwd(), new Map(), count) };
      }
    }
    // Let what is already on its way (a worker's last lines) arrive in this cell.
    await new Promise((resolve) => setImmediate(resolve));
    streams.flush();
    if (outcome.ok) {
      reply(
        socket,
        "execute_reply",
        { status: "ok", execution_count: count, user_expressions: {}, payload: [] },
        message,
      );
    } else {
      const { line, ...content } = outcome.failure;
      // Jupyter's rule: what was sent before this failure could be seen is not run.
      await new Promise((resolve) => setTimeout(resolve, 10));
      const unwanted = request.stop_on_error === false ? [] : waiting.splice(0);
      publish("error", content, message, line === undefined ? {} : { line });
      reply(socket, "execute_reply", { status: "error", execution_count: count, ...content }, message);
      for (const { socket, message } of unwanted) {
        publish("status", { execution_state: "busy" }, message);
        reply(socket, "execute_reply", { status: "aborted" }, message);
        publish("status", { execution_state: "idle" }, message);
      }
    }
    publish("status", { execution_state: "idle" }, message);
  };

  const drain = async (): Promise<void> => {
    if (busy) return;
    busy = true;
    for (let next = waiting.shift(); next; next = waiting.shift()) await execute(next.socket, next.message);
    busy = false;
  };

  const answers: Record<string, (content: never) => Content> = {
    kernel_info_request: () => kernelInfo(handler, compiler.typescriptVersion),
    is_complete_request: (content) => asContent(handler.handleIsComplete(content)),
    inspect_request: (content) => asContent(handler.handleInspect(content)),
    complete_request: (content) => asContent(handler.handleComplete(content)),
    comm_info_request: () => ({ status: "ok", comms: {} }),
    history_request: () => ({ status: "ok", history: [] }),
    interrupt_request: () => {
      cells.abort(new Interrupted());
      return { status: "ok" };
    },
    shutdown_request: (content: { restart?: boolean }) => ({
      status: "ok",
      restart: content.restart ?? false,
    }),
  };

  const answer = (socket: Router, message: Message): void => {
    const type = message.header.msg_type;
    const respond = answers[type];
    if (!respond) return; // comm messages and the like: nothing here listens, and Jupyter expects no answer
    publish("status", { execution_state: "busy" }, message);
    let content: Content;
    try {
      content = { status: "ok", ...respond(message.content as never) };
    } catch (error) {
      const { ename, evalue, traceback } = describeError(error, process.cwd(), new Map(), count);
      content = { status: "error", ename, evalue, traceback };
    }
    reply(socket, type.replace(/_request$/, "_reply"), content, message);
    publish("status", { execution_state: "idle" }, message);
    // Whatever cells have left running (servers, timers, workers) ends here.
    if (type === "shutdown_request") setTimeout(() => process.exit(0), 50);
  };

  const listen = async (socket: Router): Promise<void> => {
    for await (const frames of socket) {
      let message: Message;
      try {
        message = decode(key, frames);
      } catch {
        continue; // not signed by our Jupyter: as if it had not come
      }
      if (message.header.msg_type !== "execute_request") answer(socket, message);
      else {
        waiting.push({ socket, message });
        void drain();
      }
    }
  };

  return {
    start() {
      streams.capture();
      publish("status", { execution_state: "starting" }, undefined);
      void listen(shell);
      void listen(control);
      void (async () => {
        for await (const frames of heartbeat) await heartbeat.send(frames);
      })();
    },
  };
}

function kernelInfo(handler: Handler, typescript: string): Content {
  const info = handler.handleKernel();
  return { ...info, language_info: { ...info.language_info, version: typescript }, help_links: [] };
}

function asContent(value: object): Content {
  return { ...value };
}
