/**
 * Jupyter's wire protocol, both ends: a message is `[identities…, <IDS|MSG>, signature, header, parent, metadata, content]`,
 * the signature an HMAC-SHA256 over the last four. https://jupyter-client.readthedocs.io/en/stable/messaging.html
 */
import { createHmac, randomUUID, timingSafeEqual } from "node:crypto";

/** Who sent what, and as which message. */
export interface Header {
  readonly msg_id: string;
  readonly msg_type: string;
  readonly session: string;
  readonly username: string;
  readonly date: string;
  readonly version: string;
}

/** The fields of a message's content: their shape depends on its type. */
export type Content = Readonly<Record<string, unknown>>;

/** One message, decoded. `parent` is `{}` when nothing asked for it. */
export interface Message {
  readonly identities: readonly Uint8Array[];
  readonly header: Header;
  readonly parent: Partial<Header>;
  readonly metadata: Content;
  readonly content: Content;
}

/** Where a kernel listens and how its messages are signed: what Jupyter's connection file holds. */
export interface Connection {
  readonly transport: string;
  readonly ip: string;
  readonly shell_port: number;
  readonly iopub_port: number;
  readonly stdin_port: number;
  readonly control_port: number;
  readonly hb_port: number;
  readonly key: string;
  readonly signature_scheme: string;
  readonly kernel_name?: string;
}

const DELIMITER = Buffer.from("<IDS|MSG>");
const VERSION = "5.3";

/** The signature of a message's four parts; empty when the connection has no key (Jupyter: signing is off). */
export function sign(key: string, parts: readonly (string | Uint8Array)[]): string {
  if (key === "") return "";
  const hmac = createHmac("sha256", key);
  for (const part of parts) hmac.update(part);
  return hmac.digest("hex");
}

/** A new message, as an answer to `parent` when there is one. */
export function createMessage(type: string, content: Content, session: string, parent?: Message): Message {
  return {
    identities: parent?.identities ?? [],
    header: {
      msg_id: randomUUID(),
      msg_type: type,
      session,
      username: parent?.header.username ?? "aisle",
      date: new Date().toISOString(),
      version: VERSION,
    },
    parent: parent?.header ?? {},
    metadata: {},
    content,
  };
}

/** The frames to send for a message. */
export function encode(key: string, message: Message): (Uint8Array | string)[] {
  const parts = [message.header, message.parent, message.metadata, message.content].map((part) =>
    JSON.stringify(part),
  );
  return [...message.identities, DELIMITER, sign(key, parts), ...parts];
}

/**
 * The message in the frames received.
 * @throws Error when the delimiter or a part is missing, the signature is wrong or a part is not a JSON object.
 */
export function decode(key: string, frames: readonly Uint8Array[]): Message {
  const at = frames.findIndex((frame) => DELIMITER.equals(frame));
  if (at < 0) throw new Error("a Jupyter message without its <IDS|MSG> delimiter");
  if (frames.length < at + 6) throw new Error("a Jupyter message with a part missing");
  const parts = frames.slice(at + 2, at + 6);
  const expected = Buffer.from(sign(key, parts));
  const signature = Buffer.from(frames[at + 1]!);
  if (expected.length !== signature.length || !timingSafeEqual(expected, signature))
    throw new Error("a Jupyter message with a wrong signature");
  const [header, parent, metadata, content] = parts.map(parseObject);
  return {
    identities: frames.slice(0, at),
    header: header as unknown as Header,
    parent: parent as Partial<Header>,
    metadata: metadata!,
    content: content!,
  };
}

function parseObject(part: Uint8Array): Content {
  const value: unknown = JSON.parse(Buffer.from(part).toString("utf8"));
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new Error("a Jupyter message part that is not an object");
  return value as Content;
}
