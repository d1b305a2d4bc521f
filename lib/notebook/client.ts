/** Our side of a kernel: starts the process, speaks Jupyter's protocol to it, and sees that nothing of it is left behind. */
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { randomBytes, randomUUID } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo, type Server } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { Dealer, Subscriber } from "zeromq";
import { RunError } from "../base/index.js";
import { createMessage, decode, encode, type Connection, type Content, type Message } from "./wire.js";

/** How to start a kernel. */
export interface KernelOptions {
  /** The program and its arguments; `{connection_file}` stands for the file's path. Default: ours. */
  readonly command?: readonly string[];
  /** Seconds to wait for its first answer. Default 60. */
  readonly startSeconds?: number;
  /** Added to the kernel's environment. */
  readonly env?: Readonly<Record<string, string>>;
}

/** A kernel's answer to a cell. */
export interface ExecuteReply {
  readonly status: "ok" | "error" | "aborted";
  readonly executionCount: number | null;
  /** The line of the cell, from 1, where it failed, when the kernel knows. */
  readonly line: number | undefined;
}

/** A running kernel. */
export interface KernelClient {
  readonly pid: number;
  readonly languageInfo: Content;
  /**
   * Runs code; `onOutput` sees each iopub message that belongs to it, also those that come after its end (a timer's print).
   * @throws RunError when the kernel dies or is killed meanwhile.
   */
  execute(code: string, onOutput: (type: string, content: Content) => void): Promise<ExecuteReply>;
  /** Interrupts what runs. */
  interrupt(): void;
  /** Ends the kernel: politely, then not. Resolves when its process is gone. */
  shutdown(): Promise<void>;
  /** Ends the kernel at once, with everything that it started. Works while this process exits. */
  kill(): void;
}

/** How long a kernel may take to leave before it is killed. */
const LEAVE_MS = 1500;
/** How long messages may be taken in without a pause. */
const BUSY_MS = 20;
const PORTS = ["shell_port", "iopub_port", "stdin_port", "control_port", "hb_port"] as const;

/** The kernel's launcher, from the project root. */
export const LAUNCHER = path.join("lib", "notebook", "launch.cjs");

/**
 * Starts a kernel and waits until it answers.
 * @throws RunError with what the kernel said when it does not start.
 */
export async function startKernelClient(options: KernelOptions = {}): Promise<KernelClient> {
  const folder = mkdtempSync(path.join(tmpdir(), "aisle-kernel-"));
  const connection = await createConnection();
  const file = path.join(folder, "connection.json");
  writeFileSync(file, JSON.stringify(connection), { mode: 0o600 });
  const command = options.command ?? [process.execPath, path.resolve(LAUNCHER), "{connection_file}"];
  const [program, ...args] = command.map((part) => part.replace("{connection_file}", file));
  const child = spawn(program!, args, {
    // A group of its own: Ctrl-C reaches the runner, which then decides; and killing it takes its children along.
    detached: process.platform !== "win32",
    stdio: ["ignore", "pipe", "pipe"],
    windowsHide: true,
    env: { ...process.env, ...options.env, JPY_PARENT_PID: String(process.pid) },
  });
  return new Client(child, connection, folder).ready(options.startSeconds ?? 60);
}

/** An ear for the answers to one request. */
interface Pending {
  onOutput(message: Message): void;
  onReply(message: Message): void;
  onIdle(): void;
  onDeath(error: Error): void;
}

class Client implements KernelClient {
  languageInfo: Content = {};
  private readonly session = randomUUID();
  private readonly shell = new Dealer({ linger: 0, receiveHighWaterMark: 0 });
  private readonly control = new Dealer({ linger: 0 });
  private readonly iopub = new Subscriber({ linger: 0, receiveHighWaterMark: 0 });
  private readonly pending = new Map<string, Pending>();
  /** Who hears what finished cells still print. */
  private readonly finished = new Map<string, Pending["onOutput"]>();
  private readonly exited: Promise<void>;
  private said = "";
  private death: RunError | undefined;
  private expected = false;
  private readonly atExit = (): void => this.kill();

  constructor(
    private readonly child: ChildProcess,
    private readonly connection: Connection,
    private readonly folder: string,
  ) {
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding("utf8");
      stream?.on("data", (text: string) => (this.said = (this.said + text).slice(-4000)));
    }
    this.exited = new Promise((resolve) => {
      const end = (reason: string): void => {
        this.die(reason);
        resolve();
      };
      child.once("error", (error) => end(`could not be started (${error.message})`));
      child.once("exit", (code, signal) => {
        // What it said last may still be in the pipe.
        setTimeout(() => end(signal ? `was killed by ${signal}` : `ended with exit code ${code}`), 20);
      });
    });
    process.once("exit", this.atExit);
    const at = (port: number): string => `${connection.transport}://${connection.ip}:${port}`;
    this.shell.connect(at(connection.shell_port));
    this.control.connect(at(connection.control_port));
    this.iopub.connect(at(connection.iopub_port));
    this.iopub.subscribe();
    void this.listen(this.shell, (message, pending) => pending.onReply(message));
    void this.listen(this.control, (message, pending) => pending.onReply(message));
    void this.listen(this.iopub, (message, pending) => {
      if (message.header.msg_type === "status" && message.content["execution_state"] === "idle")
        pending.onIdle();
      else pending.onOutput(message);
    });
  }

  get pid(): number {
    return this.child.pid ?? -1;
  }

  /** Asks until both the answer and its "idle" have come: a subscriber hears nothing that was said before it had joined. */
  async ready(seconds: number): Promise<this> {
    const until = performance.now() + seconds * 1000;
    for (;;) {
      const answer = await Promise.race([
        this.request(this.shell, "kernel_info_request", {}, () => undefined),
        new Promise<undefined>((resolve) => setTimeout(resolve, 300, undefined)),
      ]);
      if (answer) {
        this.languageInfo = answer.content["language_info"] as Content;
        return this;
      }
      if (performance.now() > until) {
        this.kill();
        throw new RunError(`The kernel did not answer within ${seconds} s${this.lastWords()}.`);
      }
    }
  }

  async execute(code: string, onOutput: (type: string, content: Content) => void): Promise<ExecuteReply> {
    let line: number | undefined;
    const content = {
      code,
      silent: false,
      store_history: true,
      user_expressions: {},
      allow_stdin: false,
      stop_on_error: true,
    };
    const reply = await this.request(
      this.shell,
      "execute_request",
      content,
      ({ header, content, metadata }) => {
        if (header.msg_type === "error" && typeof metadata["line"] === "number") line = metadata["line"];
        onOutput(header.msg_type, content);
      },
    );
    const executionCount = reply.content["execution_count"];
    return {
      status: reply.content["status"] as ExecuteReply["status"],
      executionCount: typeof executionCount === "number" ? executionCount : null,
      line,
    };
  }

  interrupt(): void {
    void this.request(this.control, "interrupt_request", {}, () => undefined).catch(() => undefined);
  }

  async shutdown(): Promise<void> {
    this.expected = true;
    const timer = setTimeout(() => this.kill(), LEAVE_MS);
    void this.request(this.control, "shutdown_request", { restart: false }, () => undefined).catch(
      () => undefined,
    );
    await this.exited;
    clearTimeout(timer);
    this.kill(); // what the kernel itself had started
  }

  kill(): void {
    this.expected = true;
    const { pid } = this.child;
    if (pid === undefined) return;
    try {
      if (process.platform === "win32") {
        if (this.child.exitCode === null)
          spawnSync("taskkill", ["/pid", String(pid), "/t", "/f"], { windowsHide: true });
      } else process.kill(-pid, "SIGKILL");
    } catch {
      // Nothing of it is left.
    }
  }

  /** Sends a request; resolves with its reply once the kernel is idle again. */
  private request(
    socket: Dealer,
    type: string,
    content: Content,
    onOutput: (message: Message) => void,
  ): Promise<Message> {
    return new Promise((resolve, reject) => {
      if (this.death) return reject(this.death);
      const message = createMessage(type, content, this.session);
      const id = message.header.msg_id;
      let [reply, idle] = [undefined as Message | undefined, false];
      const settle = (): void => {
        if (!reply || !idle) return;
        this.pending.delete(id);
        if (type === "execute_request") this.finished.set(id, onOutput);
        resolve(reply);
      };
      this.pending.set(id, {
        onOutput,
        onReply: (answer) => {
          reply = answer;
          settle();
        },
        onIdle: () => {
          idle = true;
          settle();
        },
        onDeath: reject,
      });
      socket.send(encode(this.connection.key, message)).catch(reject);
    });
  }

  private async listen(
    socket: Dealer | Subscriber,
    hear: (message: Message, pending: Pending) => void,
  ): Promise<void> {
    let rested = performance.now();
    for await (const frames of socket) {
      // Messages that never end would leave no turn to the timers and signals that can end them.
      if (performance.now() - rested > BUSY_MS) {
        await new Promise((resolve) => setImmediate(resolve));
        rested = performance.now();
      }
      let message: Message;
      try {
        message = decode(this.connection.key, frames);
      } catch {
        continue; // not our kernel's
      }
      const parent = message.parent.msg_id ?? "";
      const pending = this.pending.get(parent);
      if (pending) hear(message, pending);
      else if (socket === this.iopub) this.finished.get(parent)?.(message);
    }
  }

  private die(reason: string): void {
    if (this.death) return;
    this.death = new RunError(`The kernel ${reason}${this.expected ? "" : this.lastWords()}.`);
    for (const socket of [this.shell, this.control, this.iopub]) socket.close();
    process.removeListener("exit", this.atExit);
    rmSync(this.folder, { recursive: true, force: true });
    for (const { onDeath } of this.pending.values()) onDeath(this.death);
    this.pending.clear();
  }

  /** The last that the process itself printed: why it did not start, or how it crashed. */
  private lastWords(): string {
    const lines = this.said.trim().split("\n").slice(-8).join("\n");
    return lines ? `; it said:\n${lines}\n` : "";
  }
}

/** A connection on five free ports of this machine, held open together so that no two are the same. */
async function createConnection(): Promise<Connection> {
  const servers = await Promise.all(PORTS.map(() => listenAnywhere()));
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  const [shell_port, iopub_port, stdin_port, control_port, hb_port] = ports as [
    number,
    number,
    number,
    number,
    number,
  ];
  return {
    transport: "tcp",
    ip: "127.0.0.1",
    shell_port,
    iopub_port,
    stdin_port,
    control_port,
    hb_port,
    key: randomBytes(32).toString("hex"),
    signature_scheme: "hmac-sha256",
    kernel_name: "aisle",
  };
}

function listenAnywhere(): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => resolve(server));
  });
}
