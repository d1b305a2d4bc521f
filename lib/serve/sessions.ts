import { randomUUID } from "node:crypto";
import { InputError } from "../base/index.js";
import {
  openEnvironment,
  type Catalogue,
  type Environment,
  type EnvironmentSettings,
  type SessionState,
} from "../simulator/index.js";
import { bytesOf, defaultMemory } from "./memory.js";

export interface StoreOptions {
  /** A session unused for so long is closed. Default 1800. */
  readonly idleSeconds?: number;
  /** Most sessions at a time. Default 100,000. */
  readonly maxSessions?: number;
  /** Most bytes that all sessions keep alive together. Default a quarter of the heap that this process may have. */
  readonly maxMemory?: number;
  /** Most bytes of one answer. Default 4 MiB. */
  readonly maxAnswer?: number;
  /** Seconds on a clock that never goes back; for tests. */
  readonly now?: () => number;
}

/** One client's place in the shop. Its state is a value: a clone shares it until either moves. */
export interface Session {
  /** 122 random bits: who does not know it cannot find it. */
  readonly id: string;
  readonly environment: Environment;
  readonly state: SessionState;
}

interface Entry extends Session {
  state: SessionState;
  bytes: number;
  usedAt: number;
}

/** Different environments found again by their settings; each is only a few caches over the one catalogue. */
const MAX_ENVIRONMENTS = 64;

/** Every open session over one catalogue. Nothing outlives a session that is closed or idle for too long. */
export class SessionStore {
  /** Most bytes of one answer. */
  readonly maxAnswer: number;
  /** Least recently used first: use moves a session to the end. */
  readonly #sessions = new Map<string, Entry>();
  readonly #environments = new Map<string, Environment>();
  readonly #idleSeconds: number;
  readonly #maxSessions: number;
  readonly #maxMemory: number;
  readonly #now: () => number;
  #bytes = 0;

  constructor(
    readonly catalogue: Catalogue,
    options: StoreOptions = {},
  ) {
    this.maxAnswer = options.maxAnswer ?? 4 << 20;
    this.#idleSeconds = options.idleSeconds ?? 1800;
    this.#maxSessions = options.maxSessions ?? 100_000;
    this.#maxMemory = options.maxMemory ?? defaultMemory();
    this.#now = options.now ?? (() => performance.now() / 1000);
  }

  /** How many sessions are open. */
  get size(): number {
    return this.#sessions.size;
  }

  /** About how many bytes they keep alive. */
  get bytes(): number {
    return this.#bytes;
  }

  /**
   * A session on a goal that is not open yet: `add` opens it.
   * @throws InputError when the goal or a setting does not exist.
   */
  start(
    start: { readonly goal: number; readonly name?: string; readonly instruction?: string },
    settings: Partial<EnvironmentSettings>,
  ): Omit<Session, "id"> {
    const environment = this.#environmentFor(settings);
    const { goal, name, instruction } = start;
    const state = environment.reset({
      goal,
      ...(name === undefined ? {} : { session: name }),
      ...(instruction === undefined ? {} : { instruction }),
    });
    return { environment, state };
  }

  /** Opens a session. @throws ShopFull when too many are open, or they hold too much. */
  add({ environment, state }: Omit<Session, "id">): Session {
    this.closeIdle();
    if (this.#sessions.size >= this.#maxSessions) {
      throw new ShopFull(`${this.#maxSessions} sessions are open, as many as there may be: close some.`);
    }
    const bytes = this.#roomFor(bytesOf(state), 0);
    const entry: Entry = { id: randomUUID(), environment, state, bytes, usedAt: this.#now() };
    this.#sessions.set(entry.id, entry);
    return entry;
  }

  /** Another session at the same point. @throws InputError when there is no such session, or no room for it. */
  clone(id: string): Session {
    return this.add(this.get(id));
  }

  /** The session of a name, which counts as used. @throws UnknownSession when there is none. */
  get(id: string): Session {
    return this.#find(id);
  }

  /** Moves a session to another state. @throws ShopFull when that one holds too much; the session then stays where it was. */
  move(id: string, state: SessionState): void {
    const entry = this.#find(id);
    entry.bytes = this.#roomFor(bytesOf(state), entry.bytes);
    entry.state = state;
  }

  /** @throws UnknownSession when there is no such session. */
  close(id: string): void {
    this.#remove(this.#find(id));
  }

  /** Closes what was idle for too long and returns how many there were. */
  closeIdle(): number {
    const oldest = this.#now() - this.#idleSeconds;
    let closed = 0;
    for (const entry of this.#sessions.values()) {
      if (entry.usedAt > oldest) break;
      this.#remove(entry);
      closed++;
    }
    return closed;
  }

  #find(id: string): Entry {
    this.closeIdle();
    const entry = this.#sessions.get(id);
    if (!entry)
      throw new UnknownSession(
        `There is no session "${shorten(id)}": it was closed, idle for too long, or never opened.`,
      );
    entry.usedAt = this.#now();
    this.#sessions.delete(id);
    this.#sessions.set(id, entry);
    return entry;
  }

  #remove(entry: Entry): void {
    this.#sessions.delete(entry.id);
    this.#bytes -= entry.bytes;
  }

  /** Counts `bytes` in the place of what a session held `before`, if there is room for them. */
  #roomFor(bytes: number, before: number): number {
    const after = this.#bytes - before + bytes;
    if (bytes > before && after > this.#maxMemory) {
      throw new ShopFull(
        `The open sessions hold ${this.#bytes} of the ${this.#maxMemory} bytes that they may: close some, ` +
          `or start the server with a larger --max-memory.`,
      );
    }
    this.#bytes = after;
    return bytes;
  }

  #environmentFor(settings: Partial<EnvironmentSettings>): Environment {
    const key = JSON.stringify(Object.entries(settings).sort(([a], [b]) => (a < b ? -1 : 1)));
    const known = this.#environments.get(key);
    if (known) return known;
    const environment = openEnvironment(this.catalogue, settings);
    const [first] = this.#environments.keys();
    if (this.#environments.size >= MAX_ENVIRONMENTS && first !== undefined) this.#environments.delete(first);
    this.#environments.set(key, environment);
    return environment;
  }
}

/** A session that is not, or no longer, there: HTTP says 404. */
export class UnknownSession extends InputError {}

/** There is no room for what was asked until sessions are closed: HTTP says 429. */
export class ShopFull extends InputError {}

function shorten(text: string): string {
  return text.length > 40 ? `${text.slice(0, 40)}…` : text;
}
