/**
 * The frames of one statement, on their way into a result.
 *
 * Each is decoded as it arrives, so that a large result never blocks the page for long.
 *
 * @module
 */

import { call, type NativeCall } from "./call.js";
import { encodeBatch } from "./encode.js";
import { ResourceClosedError, type StatementContext } from "./errors.js";
import { Feed, type Stream } from "./feed.js";
import type { NativeStream } from "./generated/client.js";
import type { Shape } from "./row.js";
import { decodeBatch } from "./rows.js";
import { inSlices } from "./slices.js";
import type { Prepared } from "./statement.js";
import type { SqlValue } from "./values.js";
import { native } from "./wasm.js";

/**
 * Takes lines of the log that tell of columns and rows; undefined unless they are wanted.
 * @internal
 */
export type RowLog = ((message: string) => void) | undefined;

/** @internal */
export class Frames {
  readonly #log: RowLog;
  readonly #prepared: Prepared;
  #feed: Feed | undefined;
  #stream: Stream | null = null;
  /** What was wrong with a value, in a list of one. */
  #wrong: readonly [unknown] | undefined;
  #over = false;

  constructor(log: RowLog, prepared: Prepared) {
    this.#log = log;
    this.#prepared = prepared;
  }

  /** Takes a frame: the callback that wasm gets. */
  readonly take = (
    frame: Uint8Array,
    batchAt: number,
    columns: string[] | undefined,
    changes: number,
    lastInsertRowid: bigint,
  ): void => {
    // The first frame names the columns. When another one does, the statement begins anew: the tab that hosted the
    // database went away, and the next one has been asked.
    if (columns !== undefined) this.#feed = undefined;
    // The stream is known only when its first frame is here.
    const late: Stream = { pull: (feed) => (this.#stream as Stream).pull(feed), close: () => this.#stream?.close() };
    const first = this.#feed === undefined;
    const feed = (this.#feed ??= new Feed(columns?.length ? columns : null, changes, null, late));
    if (first && feed.shape !== null) feed.mapped = feed.shape.plain && feed.shape.asked.mappings;
    feed.rowcount = changes;
    const id = Number(lastInsertRowid);
    feed.lastrowid = Number.isSafeInteger(id) ? id : lastInsertRowid;
    const { shape } = feed;
    if (shape === null) return;
    let rows: readonly object[];
    try {
      rows = decodeBatch(frame, batchAt, shape.names.length, this.#maker(feed.mapped ? shape.mapping : shape.make));
    } catch (error) {
      this.#wrong = [error];
      throw error;
    }
    feed.push(rows);
    if (this.#log !== undefined) logRows(this.#log, shape, first, rows);
  };

  /** Encodes what is left of the parameters, if there is anything, as long as somebody waits for the frames. */
  encoded(signal: AbortSignal | undefined): Promise<Uint8Array<ArrayBuffer>> | undefined {
    const { rest } = this.#prepared;
    if (rest === undefined) return undefined;
    const wanted = (): void => {
      signal?.throwIfAborted();
      if (this.#over) throw new ResourceClosedError("nobody waits for it any more");
    };
    const encoded = inSlices(rest, wanted);
    encoded.catch((error: unknown) => (this.#wrong ??= [error]));
    return encoded;
  }

  /** Waits for frames. What the conversion of a value throws passes through the client, and comes out as it was. */
  async received<T>(frames: Promise<T>): Promise<T> {
    try {
      return await frames;
    } catch (error) {
      throw this.#wrong === undefined ? error : this.#wrong[0];
    } finally {
      this.#over = true;
    }
  }

  /** Makes rows of cells, each converted by the type of its column. */
  #maker(make: Shape["make"]): Shape["make"] {
    const { results } = this.#prepared;
    if (results === undefined) return make;
    return (cells) => {
      const values = cells.map((cell, i) => {
        const convert = results[i];
        return convert === undefined ? cell : convert(cell);
      });
      return make(values as SqlValue[]);
    };
  }

  /** What a buffered result reads from, when all frames have come. */
  fed(rows: number): Feed {
    const feed = this.#feed as Feed;
    feed.end();
    if (rows > 0) feed.yieldPer = rows;
    feed.about = this.#prepared.about;
    return feed;
  }

  /** What a streamed result reads from, when the first frame has come. */
  streamed(stream: NativeStream, options: NativeCall, context: StatementContext): Feed {
    const feed = this.#feed as Feed;
    if (options.yieldPer > 0) feed.yieldPer = options.yieldPer;
    this.#stream = {
      pull: async () => {
        await this.received(call(options, () => stream.next(this.take), context));
        if (!stream.more) feed.end();
      },
      close: () => stream.close(),
    };
    if (!stream.more) feed.end();
    return feed;
  }
}

/** Columns and rows in SQLAlchemy's words: they are written as parameters are. */
function logRows(log: (message: string) => void, shape: Shape, first: boolean, rows: readonly object[]): void {
  const tuple = (cells: readonly unknown[]): string =>
    native().describeParameters(encodeBatch(1, cells.length, (_, i) => cells[i], () => "a value"), false);
  if (first) log(`Col ${tuple(shape.names)}`);
  for (const row of rows) log(`Row ${tuple(shape.read(row))}`);
}
