/**
 * What an engine tells of its work: SQLAlchemy's log of SQL.
 *
 * @module
 */

/** One line of the log. */
export interface EchoRecord {
  /** `sqlalchemy.engine.Engine`, with the engine's logging name behind it. */
  readonly logger: string;
  /** How important it is: statements are `"INFO"`, columns and rows `"DEBUG"`. */
  readonly level: "INFO" | "DEBUG";
  /** `BEGIN (implicit)`, the SQL, `[generated in 0.00012s] (1,)`, `COMMIT`. */
  readonly message: string;
}

/**
 * Shows a record on the console, in SQLAlchemy's form.
 * @internal
 */
export function printRecord(record: EchoRecord): void {
  const line = formatRecord(record, new Date());
  if (record.level === "DEBUG") console.debug(line);
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
