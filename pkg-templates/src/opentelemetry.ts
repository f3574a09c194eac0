/**
 * Traces of OpenTelemetry: a span for each statement, with the names of its stable conventions for databases.
 *
 * ```ts
 * import { trace } from "@opentelemetry/api";
 * import { instrument } from "aludel/opentelemetry";
 *
 * const stop = instrument(engine, { tracer: trace.getTracer("app") });
 * ```
 *
 * It depends on no package: a tracer is whatever has `startSpan()`, as `@opentelemetry/api` has it.
 *
 * @module
 */

import { describe } from "./encode.js";
import type { Engine } from "./engine.js";
import { ArgumentError } from "./errors.js";
import type { AfterCursorExecuteEvent, CursorExecuteEvent } from "./hook_events.js";
import { report } from "./report.js";
import { summary, type SqlSummary } from "./sql_summary.js";

/** What a span can say of something. */
export type SpanValue = string | number | boolean;

/** A span as `@opentelemetry/api` has it, as far as it is used here. */
export interface TracedSpan {
  /** Says one more thing of it. */
  setAttribute(name: string, value: SpanValue): unknown;
  /** Says how it went. */
  setStatus(status: { code: number; message?: string }): unknown;
  /** Notes an error. */
  recordException(error: { name: string; message: string }): void;
  /** Ends it. */
  end(): void;
}

/** A tracer as `@opentelemetry/api` has it, as far as it is used here. */
export interface SpanTracer {
  /** Starts a span, as a child of the one that is active. */
  startSpan(name: string, options?: { kind?: number; attributes?: Record<string, SpanValue> }): TracedSpan;
}

/** How an engine is traced. */
export interface InstrumentOptions {
  /** Who makes the spans: `trace.getTracer("name")` of `@opentelemetry/api`. */
  readonly tracer: SpanTracer;
  /** Whether literals in the SQL stay as they are, instead of `?` in their place. False unless given. */
  readonly literals?: boolean;
  /**
   * Whether the values of parameters are shown, as `db.query.parameter.0` and so on; blobs never are, nor is anything of an engine
   * with `hideParameters`. False unless given.
   */
  readonly parameters?: boolean;
}

const CLIENT = 2;
const FAILED = 2;
/** Longer values, texts and lists are cut. */
const LONGEST = 1_000;
const MOST_PARAMETERS = 100;
const KEPT = 500;

/**
 * Makes a span of each statement of an engine, from when it is sent to its answer (of a stream: to its first rows). What is returned
 * ends that, as `engine.dispose()` does.
 *
 * The parent is the span that is active when the call is made; behind asynchronous listeners of the engine (of `"connect"`, say, or
 * `"beforeExecute"`), the one that is active when they have ended. A statement that fails has the status of an error, `error.type` (the name
 * of its class) and its message without values; one that never gets to SQLite has no span. A transaction is none of its own: BEGIN
 * travels with the first statement. Procedures and imports are not told of; an export is told of as the statements that read it. What the
 * tracer throws is reported and stops nothing.
 */
export function instrument(engine: Engine, options: InstrumentOptions): () => void {
  const { tracer, literals, parameters } = checked(options);
  const spans = new WeakMap<object, TracedSpan>();
  const known = new Map<string, SqlSummary>();
  const short = (sql: string): SqlSummary => {
    const found = known.get(sql) ?? summary(sql);
    if (known.size >= KEPT) known.clear();
    known.set(sql, found);
    return found;
  };
  const begin = (event: CursorExecuteEvent): void =>
    safely(() => {
      const { text, operation, table } = short(event.statement);
      const namespace = engine.storage.path ?? ":memory:";
      const attributes: Record<string, SpanValue> = {
        "db.system.name": "sqlite",
        "db.namespace": namespace,
        "db.query.text": literals ? event.statement : text,
      };
      if (operation !== "") attributes["db.operation.name"] = operation;
      if (table !== undefined) attributes["db.collection.name"] = table;
      const name = [operation, table ?? namespace].filter((part) => part !== "").join(" ");
      attributes["db.query.summary"] = [operation, table ?? ""].filter((part) => part !== "").join(" ");
      if (event.runs > 1) attributes["db.operation.batch.size"] = event.runs;
      if (parameters && !engine.hideParameters && !event.many) {
        event.params.slice(0, MOST_PARAMETERS).forEach((value, i) => {
          if (!(value instanceof Uint8Array)) attributes[`db.query.parameter.${i}`] = String(value).slice(0, LONGEST);
        });
      }
      spans.set(event.context, tracer.startSpan(name, { kind: CLIENT, attributes }));
    });
  const end = (event: AfterCursorExecuteEvent): void =>
    safely(() => {
      const span = spans.get(event.context);
      if (span === undefined) return;
      spans.delete(event.context);
      if (event.error !== null) fail(span, event.error);
      span.end();
    });
  const slow = { threshold: 0 };
  engine.listen("beforeCursorExecute", begin);
  engine.listen("afterCursorExecute", end);
  // Of a statement that failed, only this event tells; of others it comes second.
  engine.listen("slowStatement", end, slow);
  return () => {
    engine.remove("beforeCursorExecute", begin);
    engine.remove("afterCursorExecute", end);
    engine.remove("slowStatement", end);
  };
}

function fail(span: TracedSpan, error: unknown): void {
  const { name = "Error", message = String(error), sqliteCodeName } = (error ?? {}) as { name?: string; message?: string; sqliteCodeName?: string | null };
  // SQLAlchemy's texts go on with the statement and the values of its parameters.
  const [first = ""] = message.split("\n[SQL: ");
  span.setAttribute("error.type", name);
  if (typeof sqliteCodeName === "string") span.setAttribute("db.response.status_code", sqliteCodeName);
  span.recordException({ name, message: first });
  span.setStatus({ code: FAILED, message: first });
}

/** Does something that no call is to fail for. */
function safely(work: () => void): void {
  try {
    work();
  } catch (error) {
    report(error);
  }
}

function checked(options: InstrumentOptions): InstrumentOptions {
  if (typeof options !== "object" || options === null) {
    throw new ArgumentError(`the options of instrument() are an object, not ${describe(options)}`);
  }
  const known = ["literals", "parameters", "tracer"];
  for (const name of Object.keys(options)) {
    if (!known.includes(name)) throw new ArgumentError(`Unknown option '${name}' of instrument(); known are: ${known.join(", ")}`);
  }
  for (const name of ["literals", "parameters"] as const) {
    const value = options[name];
    if (value !== undefined && typeof value !== "boolean") throw new ArgumentError(`${name} is true or false, not ${describe(value)}`);
  }
  if (typeof (options.tracer as SpanTracer | null | undefined)?.startSpan !== "function") {
    throw new ArgumentError(`tracer is a tracer of OpenTelemetry, not ${describe(options.tracer)}`);
  }
  return options;
}
