/**
 * What an engine and texts of SQL know of Core: symbols only, so that an app which uses nothing else of Core carries neither its
 * classes nor its compiler. What is built with Core brings along how it is compiled.
 *
 * @module
 */

import type { Ready } from "./compiled.js";
import type { TextColumns, TextLike, TextualSelect } from "./textual.js";
import type { Writer } from "./writer.js";

/** The method by which an object writes its record, behind those of its parts. */
export const record: unique symbol = Symbol("aludel.record");
/** The method by which a statement is compiled for parameters, which are bound to it. */
export const compiledFor: unique symbol = Symbol("aludel.compiledFor");

/** The compiled statements of an engine, and how many there may be; what they are only Core knows. */
export interface QueryCache {
  readonly size: number;
  kept: unknown;
}

/**
 * A cache of so many statements, 500 unless told.
 * @internal
 */
export const queryCache = (size = 500): QueryCache => ({ size, kept: undefined });

/** Something that becomes a record. */
export interface Recorded {
  [record](writer: Writer): void;
}

/** A statement for the compiler. */
export interface Compilable extends Recorded {
  /** What kind of statement it is. */
  readonly kind: string;
  /** @internal */
  [compiledFor](params: unknown, cache?: QueryCache): Ready;
}

/** Whether something is a statement for the compiler. */
export function isCompilable(statement: unknown): statement is Compilable {
  return typeof statement === "object" && statement !== null && compiledFor in statement && "kind" in statement;
}

type QueryOfText = (text: TextLike, columns: TextColumns) => TextualSelect<object>;
let queryOfText: QueryOfText | undefined;

/**
 * Says how a text becomes a query. All modules that types of columns can be had from say it, so that whoever can name the columns
 * of a text has what it becomes.
 * @internal
 */
export function offerTextual(make: QueryOfText): void {
  queryOfText = make;
}

/**
 * A text as a query with these columns; undefined where there is no type that a column could have.
 * @internal
 */
export function textual(text: TextLike, columns: TextColumns): TextualSelect<object> | undefined {
  return queryOfText?.(text, columns);
}
