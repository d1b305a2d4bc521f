/** Jupyter's five sockets. https://jupyter-client.readthedocs.io/en/stable/messaging.html */
import { randomUUID } from "node:crypto";
import { Reply, Router } from "zeromq";
import { bindThread } from "./thread.js";
import { createMessage, decode, encode, type Connection, type Content, type Message } from "../wire.js";

/** Where a request came in, and where its answer goes out. */
export type Channel = "shell" | "control" | "stdin";

/** Bound sockets. */
export interface Sockets {
  readonly session: string;
  /** Tells everybody. */
  publish(type: string, content: Content, parent?: Message, metadata?: Content): void;
  /** Answers one, on the channel where it asked, or asks it on another. */
  reply(channel: Channel, type: string, content: Content, parent: Message): void;
  /** Hears what comes. What is not signed by our Jupyter has not come. */
  listen(hear: Hear): void;
}

/** `at` is the millisecond (Date.now) when the message came, which may be a while ago. */
type Hear = (channel: Channel, message: Message, at: number) => void;

/**
 * Binds the sockets.
 * @throws Error when a port is taken (the starter then tries others).
 */
export async function bindSockets(root: string, connection: Connection): Promise<Sockets> {
  const session = randomUUID();
  const { key } = connection;
  const routers = { shell: new Router({ linger: 500 }), stdin: new Router({ linger: 500 }) };
  const heartbeat = new Reply({ linger: 0 });
  const at = (port: number): string => `${connection.transport}://${connection.ip}:${port}`;
  await routers.shell.bind(at(connection.shell_port));
  const addresses = { control: at(connection.control_port), iopub: at(connection.iopub_port) };
  const thread = await bindThread(root, addresses, key);
  await routers.stdin.bind(at(connection.stdin_port));
  await heartbeat.bind(at(connection.hb_port));

  const take = (frames: readonly Uint8Array[]): Message | undefined => {
    try {
      return decode(key, frames);
    } catch {
      return undefined;
    }
  };
  const listenTo = async (channel: "shell" | "stdin", hear: Hear): Promise<void> => {
    for await (const frames of routers[channel]) {
      const message = take(frames);
      if (message) hear(channel, message, Date.now());
    }
  };
  return {
    session,
    publish(type, content, parent, metadata = {}) {
      const message = { ...createMessage(type, content, session, parent), identities: [], metadata };
      thread.send("iopub", encode(key, message));
    },
    reply(channel, type, content, parent) {
      const message = createMessage(type, content, session, parent);
      if (channel === "control") thread.send("control", encode(key, message));
      else void routers[channel].send(encode(key, message)).catch(() => undefined);
    },
    listen(hear) {
      for (const channel of ["shell", "stdin"] as const) void listenTo(channel, hear);
      thread.listen((frames, at) => {
        const message = take(frames.map((frame) => Buffer.from(frame)));
        if (message) hear("control", message, at);
      });
      void (async () => {
        for await (const frames of heartbeat) await heartbeat.send(frames);
      })();
    },
  };
}
