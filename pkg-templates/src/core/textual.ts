/**
 * Texts of SQL as queries whose columns are known.
 *
 * @module
 */

import { ArgumentError } from "../errors.js";
import { describe } from "../encode.js";
import { offerTextual } from "./entry.js";
import type { QueryLike } from "./expr.js";
import { CompoundSelect } from "./select.js";
import { SelectBase } from "./select_base.js";
import { type SqlType, type TypeArgument } from "./types.js";
import { typeOfColumn } from "./type_base.js";
import { record, type Recorded, type Writer } from "./writer.js";

/** The columns of a text, in their order, with their types. */
export type TextColumns = Readonly<Record<string, TypeArgument<any>>>;
/** The row of a text with these columns. */
export type TextRow<C> = { -readonly [K in keyof C]: C[K] extends TypeArgument<infer T> ? T | null : never };

/** A text of SQL, as far as it matters here. */
export interface TextLike extends Recorded {
  /** @internal */
  writeText(writer: Writer): void;
}

/**
 * Has texts become queries.
 * @internal
 */
export function asQueries(): void {
  offerTextual((text, columns) => new TextualSelect<object>(text, columns));
}

/** A text of SQL as a query: it has columns, and can be a subquery or a CTE. */
export class TextualSelect<R extends object> extends SelectBase<R, readonly R[keyof R][]> {
  /** What kind of statement it is. */
  override readonly kind = "textual";
  /** @internal */
  override readonly resultColumns: readonly { readonly key: string; readonly type: SqlType<any> }[];
  readonly #text: TextLike;

  /** @internal */
  constructor(text: TextLike, columns: TextColumns) {
    super();
    if (typeof columns !== "object" || columns === null) throw new ArgumentError(`columns() takes { name: type }, not ${describe(columns)}`);
    this.#text = text;
    this.resultColumns = Object.entries(columns).map(([key, type]) => ({ key, type: typeOfColumn(key, type) }));
    Object.freeze(this);
  }

  /** @internal */
  override compoundOf(kind: number, others: readonly QueryLike[]): CompoundSelect<R, readonly R[keyof R][]> {
    return new CompoundSelect<R, readonly R[keyof R][]>(kind, [this, ...others]);
  }

  /** Writes its record, for the compiler. */
  override [record](writer: Writer): void {
    this.#text.writeText(writer);
    const text = writer.last();
    writer.begin(0x63);
    writer.u32(text);
    writer.u32(this.resultColumns.length);
    for (const { key, type } of this.resultColumns) {
      writer.text(key);
      type.write(writer);
    }
  }
}
