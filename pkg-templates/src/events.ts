/**
 * What an engine tells of its work: SQLAlchemy's log of SQL, commits, and who holds whom up.
 *
 * @module
 */

import { ArgumentError } from "./errors.js";
import { describe } from "./encode.js";
import type { NativeListener } from "./generated/client.js";
import type { HookEvents } from "./hook_events.js";
import { HOOKS } from "./hooks.js";
import { report } from "./report.js";

/** One line of the log. */
export interface EchoRecord {
  /** `sqlalchemy.engine.Engine`, with the engine's logging name behind it. */
  readonly logger: string;
  /** How important it is: statements are `"INFO"`, columns and rows `"DEBUG"`, what is hardly meant `"WARNING"`. */
  readonly level: "INFO" | "DEBUG" | "WARNING";
  /** `BEGIN (implicit)`, the SQL, `[generated in 0.00012s] (1,)`, `COMMIT`. */
  readonly message: string;
}

/**
 * Shows a record on the console, in SQLAlchemy's form.
 * @internal
 */
export function printRecord(record: EchoRecord): void {
  const line = formatRecord(record, new Date());
  if (record.level === "WARNING") console.warn(line);
  else if (record.level === "DEBUG") console.debug(line);
  else console.info(line);
}

/**
 * A record as Python's logging writes it: `2026-11-21 08:15:00,123 INFO sqlalchemy.engine.Engine COMMIT`.
 * @internal
 */
export function formatRecord({ logger, level, message }: EchoRecord, at: Date): string {
  const two = (n: number): string => String(n).padStart(2, "0");
  const day = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
  const time = `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
  return `${day} ${time},${String(at.getMilliseconds()).padStart(3, "0")} ${level} ${logger} ${message}`;
}

/** Which tab something is about: this one, or another one that has the same database open. */
export type Tab = "this" | "other";

/** A commit that changed something: the event `"change"`. */
export interface ChangeEvent {
  /** The tables whose rows were changed, in alphabetical order. */
  readonly tables: readonly string[];
  /** Whether tables, views, indexes or triggers were created, altered or dropped. */
  readonly schema: boolean;
  /** Which tab committed. */
  readonly tab: Tab;
  /** Whether it was the engine itself that committed. */
  readonly own: boolean;
  /**
   * Whether the tab that hosted the database went away, so that the last commits may not have been told: any table may
   * have changed, and the rest of the event says nothing. Where it went for good, commits are told again from the engine's
   * next connection on, after another such event.
   */
  readonly missed: boolean;
}

/** Who waits, of a {@link BlockedEvent}. */
export interface Waiter {
  /** Where in the program its connection was asked for, if that is known. */
  readonly site: string | null;
  /** Which tab it is in. */
  readonly tab: Tab;
}

/** Who is waited for, of a {@link BlockedEvent}. */
export interface Holder {
  /** Where in the program its connection was taken, if that is known. */
  readonly site: string | null;
  /** Which tab it is in. */
  readonly tab: Tab;
  /** For how many milliseconds it has had what is waited for. */
  readonly age: number;
  /** For how many of them it has done nothing; 0 while a statement runs, null where that is not known. */
  readonly idle: number | null;
}

/** Somebody has waited for a second while one who is waited for did nothing: the event `"blocked"`. */
export interface BlockedEvent {
  /** What is waited for: a connection of the pool, the write lock, or the end of a snapshot that keeps the log from being emptied. */
  readonly what: "pool" | "writeLock" | "snapshot";
  /** For how many milliseconds so far. */
  readonly waited: number;
  /** Who waits; null when it is the log. */
  readonly waiter: Waiter | null;
  /** Who has it, oldest first. */
  readonly holders: readonly Holder[];
  /** How many bytes the log has, where that is the matter; else 0. */
  readonly logBytes: number;
}

/** Another tab than before hosts the database: the event `"host"`. */
export interface HostEvent {
  /** Which tab it is; null while none was found. */
  readonly tab: Tab | null;
}

/**
 * A tab has the database open with another version of aludel: the event `"versionSkew"`. The two share it if they speak the same
 * protocol; if not, the one that came second gets a `StorageError`, reason `locked-by-other-version`.
 */
export interface VersionSkewEvent {
  /** The version of this tab. */
  readonly ours: string;
  /** The version of the other one. */
  readonly theirs: string;
}

/** What `engine.listen()` can be asked for, by name. */
export interface EngineEvents extends HookEvents {
  /** Something was committed, by any tab. */
  readonly change: ChangeEvent;
  /** Somebody waits for one who does nothing. */
  readonly blocked: BlockedEvent;
  /** Another tab hosts the database. */
  readonly host: HostEvent;
  /** A tab has the database open with another version. */
  readonly versionSkew: VersionSkewEvent;
}

/** Events that nobody waits for: they tell of the database rather than of calls. */
type Told = Omit<EngineEvents, keyof HookEvents>;
type Listener = (event: never) => unknown;
type Listen = (name: string, tell: (...parts: never[]) => void) => NativeListener;

// What comes from wasm, in its order.
const shapes: { readonly [K in keyof Told]: (...parts: never[]) => Told[K] } = {
  change: (tables: string[], schema: boolean, tab: Tab, own: boolean, missed: boolean) => ({
    tables: Object.freeze(tables),
    schema,
    tab,
    own,
    missed,
  }),
  blocked: (
    what: BlockedEvent["what"],
    waited: number,
    tab: Tab | null,
    site: string | null,
    holders: [string | null, Tab, number, number | null][],
    logBytes: number,
  ) => ({
    what,
    waited,
    waiter: tab === null ? null : Object.freeze({ site, tab }),
    holders: Object.freeze(holders.map(([site, tab, age, idle]) => Object.freeze({ site, tab, age, idle }))),
    logBytes,
  }),
  host: (tab: Tab | null) => ({ tab }),
  versionSkew: (ours: string, theirs: string) => ({ ours, theirs }),
};

/**
 * Who listens to an engine.
 * @internal
 */
export class Listeners {
  readonly #listen: Listen;
  readonly #kinds = new Map<string, { readonly native: NativeListener; readonly all: Map<Listener, boolean> }>();

  constructor(listen: Listen) {
    this.#listen = listen;
  }

  /** Adds a listener, to one event only if it is `once`. */
  add(name: keyof Told, listener: Listener, once = false): void {
    const kind = this.#kinds.get(name);
    if (kind !== undefined) return void (kind.all.has(listener) || kind.all.set(listener, once));
    const all = new Map([[listener, once]]);
    const shape = shapes[name] as (...parts: unknown[]) => object;
    const native = this.#listen(name, (...parts) => {
      const event = Object.freeze(shape(...parts)) as never;
      // A copy: a listener may add and remove others.
      for (const [listener, once] of [...all]) {
        if (!all.has(listener)) continue;
        if (once) this.remove(name, listener);
        told(() => listener(event));
      }
    });
    this.#kinds.set(name, { native, all });
  }

  remove(name: keyof Told, listener: Listener): void {
    const kind = this.#kinds.get(name);
    if (kind === undefined || !kind.all.delete(listener) || kind.all.size > 0) return;
    this.#kinds.delete(name);
    kind.native.free();
  }

  clear(): void {
    for (const { native, all } of this.#kinds.values()) {
      all.clear();
      native.free();
    }
    this.#kinds.clear();
  }
}

/**
 * Checks what somebody wants to listen to, and that it is a function.
 * @internal
 */
export function checkListener(name: unknown, listener: unknown): void {
  const known = [...Object.keys(shapes), ...HOOKS];
  if (typeof name !== "string" || !known.includes(name)) {
    const given = typeof name === "string" ? `'${name}'` : describe(name);
    throw new ArgumentError(`No such event ${given}; known are: ${known.join(", ")}`);
  }
  if (typeof listener !== "function") throw new ArgumentError(`a listener is a function, not ${describe(listener)}`);
}

/** A listener that throws does not stop the work of others; its error is shown as one that nobody caught. */
function told(tell: () => unknown): void {
  try {
    tell();
  } catch (error) {
    report(error);
  }
}
