import { InputError } from "../base/index.js";
import {
  openEnvironment,
  type Catalogue,
  type Environment,
  type EnvironmentSettings,
  type SessionState,
} from "../simulator/index.js";

export interface StoreOptions {
  /** A session unused for so long is closed. Default 1800. */
  readonly idleSeconds?: number;
  /** Most sessions at a time. Default 100,000. */
  readonly maxSessions?: number;
  /** Seconds on a clock that never goes back; for tests. */
  readonly now?: () => number;
}

/** One client's place in the shop. Its state is a value: a clone shares it until either moves. */
export interface Session {
  readonly id: string;
  readonly environment: Environment;
  state: SessionState;
  usedAt: number;
}

/** Different environments kept; each is only a few caches over the one catalogue. */
const MAX_ENVIRONMENTS = 64;

/** Every open session over one catalogue. Nothing outlives a session that is closed or idle for too long. */
export class SessionStore {
  /** Least recently used first: use moves a session to the end. */
  readonly #sessions = new Map<string, Session>();
  readonly #environments = new Map<string, Environment>();
  readonly #idleSeconds: number;
  readonly #maxSessions: number;
  readonly #now: () => number;
  #opened = 0;

  constructor(
    readonly catalogue: Catalogue,
    options: StoreOptions = {},
  ) {
    this.#idleSeconds = options.idleSeconds ?? 1800;
    this.#maxSessions = options.maxSessions ?? 100_000;
    this.#now = options.now ?? (() => performance.now() / 1000);
  }

  get size(): number {
    return this.#sessions.size;
  }

  /**
   * Opens a session on a goal.
   * @throws InputError when the goal or a setting does not exist, or too many sessions are open.
   */
  open(
    start: { readonly goal: number; readonly name?: string; readonly instruction?: string },
    settings: Partial<EnvironmentSettings>,
  ): Session {
    const environment = this.#environmentFor(settings);
    const { goal, name, instruction } = start;
    const state = environment.reset({
      goal,
      ...(name === undefined ? {} : { session: name }),
      ...(instruction === undefined ? {} : { instruction }),
    });
    return this.#add(environment, state);
  }

  /** @throws InputError when there is no such session, or too many are open. */
  clone(id: string): Session {
    const { environment, state } = this.get(id);
    return this.#add(environment, state);
  }

  /** The session of a name, which counts as used. @throws InputError when there is none. */
  get(id: string): Session {
    this.closeIdle();
    const session = this.#sessions.get(id);
    if (!session)
      throw new UnknownSession(
        `There is no session "${shorten(id)}": it was closed, idle for too long, or never opened.`,
      );
    session.usedAt = this.#now();
    this.#sessions.delete(id);
    this.#sessions.set(id, session);
    return session;
  }

  /** @throws InputError when there is no such session. */
  close(id: string): void {
    this.get(id);
    this.#sessions.delete(id);
  }

  /** Closes what was idle for too long and returns how many there were. */
  closeIdle(): number {
    const oldest = this.#now() - this.#idleSeconds;
    let closed = 0;
    for (const [id, session] of this.#sessions) {
      if (session.usedAt > oldest) break;
      this.#sessions.delete(id);
      closed++;
    }
    return closed;
  }

  #add(environment: Environment, state: SessionState): Session {
    this.closeIdle();
    if (this.#sessions.size >= this.#maxSessions) {
      throw new InputError(`${this.#maxSessions} sessions are open, as many as there may be: close some.`);
    }
    const id = `s${++this.#opened}`;
    const session: Session = { id, environment, state, usedAt: this.#now() };
    this.#sessions.set(id, session);
    return session;
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

function shorten(text: string): string {
  return text.length > 40 ? `${text.slice(0, 40)}…` : text;
}
