/**
 * The frames of one statement, on their way into a result.
 *
 * Each is decoded as it arrives, so that a large result never blocks the page for long.
 *
 * @module
 */

import { call, type NativeCall } from "./call.js";
import type { StatementContext } from "./errors.js";
import { Feed, type Stream } from "./feed.js";
import type { NativeStream } from "./generated/client.js";
import { Result } from "./result.js";
import { decodeBatch } from "./rows.js";
import type { RowType } from "./values.js";

/** @internal */
export class Frames {
  #feed: Feed | undefined;
  #stream: Stream | null = null;

  /** Takes a frame: the callback that wasm gets. */
  readonly take = (
    frame: Uint8Array,
    batchAt: number,
    columns: string[] | undefined,
    changes: number,
    lastInsertRowid: bigint,
  ): void => {
    // The stream is known only when its first frame is here.
    const late: Stream = { pull: (feed) => (this.#stream as Stream).pull(feed), close: () => this.#stream?.close() };
    const feed = (this.#feed ??= new Feed(columns?.length ? columns : null, changes, null, late));
    feed.rowcount = changes;
    const id = Number(lastInsertRowid);
    feed.lastrowid = Number.isSafeInteger(id) ? id : lastInsertRowid;
    if (feed.columns !== null) feed.push(decodeBatch(frame, batchAt));
  };

  /** The result, when all frames have come. */
  buffered<R extends RowType>(rows: number): Result<R> {
    const feed = this.#feed as Feed;
    feed.end();
    if (rows > 0) feed.yieldPer = rows;
    return Result.of<R>(feed);
  }

  /** What a streamed result reads from, when the first frame has come. */
  streamed(stream: NativeStream, options: NativeCall, context: StatementContext): Feed {
    const feed = this.#feed as Feed;
    if (options.yieldPer > 0) feed.yieldPer = options.yieldPer;
    this.#stream = {
      pull: async () => {
        await call(options, () => stream.next(this.take), context);
        if (!stream.more) feed.end();
      },
      close: () => stream.close(),
    };
    if (!stream.more) feed.end();
    return feed;
  }
}
