/**
 * Tabs of several versions of an app, one of which migrates the database that all of them use.
 *
 * An engine that has migrated holds a lock, shared, for as long as its steps and the file fit. Whoever has steps to run asks for it
 * alone and says so on a channel; the others let go, wait until they get it again, and look what became of the file. The
 * browser takes the lock from a tab that dies.
 *
 * @module
 */

import { Engine } from "./engine.js";
import { HostLost, NewerDatabaseError } from "./errors.js";
import type { Gate } from "./gate.js";
import { report } from "./report.js";

/** Another tab is about to migrate the database, by newer code. */
export interface VersionChangeEvent {
  /** The names of its steps that this code does not know. */
  readonly unknown: readonly string[];
}

/** Other tabs have not let go of the database yet. */
export interface MigrationBlockedEvent {
  /** For how many milliseconds they were waited for so far. */
  readonly waited: number;
}

/**
 * What tabs have to know of an engine that migrates.
 * @internal
 */
export interface Member {
  readonly engine: Engine;
  /** The path of its file. */
  readonly path: string;
  /** The names of its steps. */
  readonly names: readonly string[];
  /** What forbids to use the database, if it was migrated by newer code. */
  readonly look: () => Promise<NewerDatabaseError | null>;
  /** Whether it uses the database all the same. */
  readonly allowNewer: boolean;
  readonly onVersionChange: ((event: VersionChangeEvent) => unknown) | undefined;
  readonly onBlocked: ((event: MigrationBlockedEvent) => unknown) | undefined;
}

/** How often it is said that one waits, in milliseconds: who has just come has not heard it. */
const AGAIN = 500;
/** After how many milliseconds waiting is told of. */
const BLOCKED = 1_000;
/** How often something is tried when the host of the database goes away meanwhile. */
const TRIES = 5;

/** What the lock and the channel of a database are called. */
const nameOf = (path: string): string => `aludel-schema:${path}`;

/** Takes a lock, and gives what gives it back. */
function take(name: string, mode: LockMode, signal: AbortSignal | undefined): Promise<() => void> {
  return new Promise((resolve, reject) => {
    const held = (): Promise<void> => new Promise((release) => resolve(release));
    navigator.locks.request(name, signal === undefined ? { mode } : { mode, signal }, held).catch(reject);
  });
}

/**
 * Does something while no other tab does the same, without those who use the database being asked to let go.
 * @internal
 */
export async function first<T>(path: string, signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
  const release = await take(`aludel-migrate:${path}`, "exclusive", signal);
  return work().finally(release);
}

/**
 * Does something while no engine that has migrated uses the database.
 * @internal
 */
export async function alone<T>({ path, names, onBlocked }: Member, signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
  const channel = new BroadcastChannel(nameOf(path));
  const start = performance.now();
  const by = Math.random();
  let told = onBlocked === undefined;
  const say = (): void => {
    channel.postMessage({ migrate: names, by });
    const waited = performance.now() - start;
    if (told || waited < BLOCKED) return;
    told = true;
    try {
      onBlocked?.(Object.freeze({ waited }));
    } catch (error) {
      report(error);
    }
  };
  const asked = take(nameOf(path), "exclusive", signal);
  say();
  const saying = setInterval(say, AGAIN);
  const release = await asked.finally(() => {
    clearInterval(saying);
    channel.close();
  });
  return work().finally(release);
}

/**
 * An engine whose steps fit its database.
 * @internal
 */
export class Session {
  readonly #member: Member;
  readonly #known: ReadonlySet<string>;
  readonly #channel: BroadcastChannel;
  readonly #over = new AbortController();
  #release: (() => void) | undefined;
  /** Whether calls are held up here. */
  #guarded = false;
  /** What calls fail with. */
  #refused: NewerDatabaseError | undefined;
  /** The look at the database that is under way. */
  #looking: Promise<void> | undefined;
  #leaving = false;
  /** Who has asked last. */
  #by: unknown;
  readonly #forget: () => void;
  readonly #pass: Gate = () => {
    if (this.#refused !== undefined) throw this.#refused;
    return this.#again();
  };
  readonly #stops = (): void => this.#step();
  readonly #resumes = (): void => void this.#again().catch(() => undefined);

  private constructor(member: Member, release: (() => void) | undefined) {
    this.#member = member;
    this.#known = new Set(member.names);
    this.#release = release;
    this.#channel = new BroadcastChannel(nameOf(member.path));
    this.#channel.onmessage = ({ data }) => {
      const { migrate, by } = (data ?? {}) as { readonly migrate?: unknown; readonly by?: unknown };
      if (Array.isArray(migrate)) void this.#leave(migrate as string[], by);
    };
    this.#forget = whenOver(member.engine, () => this.end());
    globalThis.addEventListener?.("pagehide", this.#stops);
    globalThis.addEventListener?.("pageshow", this.#resumes);
    globalThis.document?.addEventListener("freeze", this.#stops);
    globalThis.document?.addEventListener("resume", this.#resumes);
    if (release !== undefined) return;
    this.#hold();
    this.#resumes();
  }

  /** Looks at a database while nobody migrates it. Where there is nothing to do, it stays so until the session ends. */
  static async begin<T>(member: Member, signal: AbortSignal | undefined, look: () => Promise<T | undefined>): Promise<[Session, T] | undefined> {
    const release = await take(nameOf(member.path), "shared", signal);
    let found: T | undefined;
    try {
      found = await look();
      signal?.throwIfAborted();
    } catch (error) {
      release();
      throw error;
    }
    if (found !== undefined) return [new Session(member, release), found];
    release();
    return undefined;
  }

  /** The same once more, when it has ended: it looks at the database before calls go on. */
  again(): Session {
    return new Session(this.#member, undefined);
  }

  /** Lets go at once where it would wait for what its application does when it is asked. */
  hurry(): void {
    if (this.#leaving) this.#step();
  }

  /** Whether it has ended. */
  get over(): boolean {
    return this.#over.signal.aborted;
  }

  /** Lets go, for good. */
  end(): void {
    this.#forget();
    this.#over.abort();
    this.#channel.close();
    globalThis.removeEventListener?.("pagehide", this.#stops);
    globalThis.removeEventListener?.("pageshow", this.#resumes);
    globalThis.document?.removeEventListener("freeze", this.#stops);
    globalThis.document?.removeEventListener("resume", this.#resumes);
    this.#open();
    this.#release?.();
    this.#release = undefined;
  }

  /** Another tab has steps to run. */
  async #leave(names: readonly string[], by: unknown): Promise<void> {
    // It is said again and again, and one of those may come late.
    if (this.#by === by || this.#leaving || this.#release === undefined) return;
    this.#by = by;
    this.#leaving = true;
    const unknown = Object.freeze(names.filter((name) => !this.#known.has(name)));
    if (unknown.length > 0) {
      try {
        await this.#member.onVersionChange?.(Object.freeze({ unknown }));
      } catch (error) {
        report(error);
      }
    }
    this.#leaving = false;
    if (this.#over.signal.aborted) return;
    if (unknown.length > 0 && !this.#member.allowNewer) {
      const message = "another tab runs newer code, which migrates the database: load that";
      this.#refused = new NewerDatabaseError(message, { unknown });
    }
    this.#step();
    await this.#again().catch(() => undefined);
  }

  /** Lets go until the next look. */
  #step(): void {
    if (this.#release === undefined) return;
    this.#hold();
    this.#release();
    this.#release = undefined;
  }

  #hold(): void {
    this.#guarded = true;
    Engine.inside(this.#member.engine).hooks.gate = this.#pass;
  }

  /** Looks at the database when nobody migrates it any more. */
  #again(): Promise<void> {
    if (!this.#guarded) return Promise.resolve();
    this.#looking ??= this.#look().finally(() => (this.#looking = undefined));
    return this.#looking;
  }

  async #look(): Promise<void> {
    const { signal } = this.#over;
    const { path, look, allowNewer } = this.#member;
    let release: (() => void) | undefined;
    try {
      release = await take(nameOf(path), "shared", signal);
      const newer = await patient(look);
      if (signal.aborted) return;
      if (newer !== null && !allowNewer) throw newer;
      // Who takes whatever it finds holds up nobody.
      if (newer === null) [this.#release, release] = [release, undefined];
      this.#open();
    } catch (error) {
      // Who has ended it holds up nobody any more.
      if (signal.aborted) return;
      // Where it is not known, the next call looks again.
      this.#refused = error instanceof NewerDatabaseError ? error : undefined;
      throw error;
    } finally {
      release?.();
    }
  }

  #open(): void {
    [this.#refused, this.#guarded] = [undefined, false];
    const { hooks } = Engine.inside(this.#member.engine);
    if (hooks.gate === this.#pass) hooks.gate = undefined;
  }
}

/**
 * Calls a function when an engine is disposed of. What is returned ends that.
 * @internal
 */
export function whenOver(engine: Engine, end: () => void): () => void {
  const { ends } = Engine.inside(engine).hooks;
  ends.add(end);
  return () => ends.delete(end);
}

/**
 * Does something with an engine on the same database whose connections are its own: nobody holds them up, and nobody has to give one back.
 * @internal
 */
export async function beside<T>(engine: Engine, work: (own: Engine) => Promise<T>): Promise<T> {
  const { given: all, onDisk } = Engine.inside(engine);
  const { poolSize, maxOverflow, poolTimeout, poolRecycle, poolPrePing, poolUseLifo, echo, performanceMarks, ...given } = all;
  const own = Engine.of(engine.url, { ...given, poolClass: "NullPool" }, onDisk);
  try {
    return await work(own);
  } finally {
    await own.dispose();
  }
}

/**
 * Does something again where it was the death of the host that ended it.
 * @internal
 */
export async function patient<T>(work: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof HostLost && error.retryable && tries < TRIES)) throw error;
    }
  }
}
