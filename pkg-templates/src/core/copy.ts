/**
 * Tables in other sets: what a copy of one is made of.
 *
 * @module
 */

import { ForeignKey, ForeignKeyConstraint, Index, referred, type Referred } from "./constraint.js";
import { Column, type MetaData, type TableOptions } from "./schema.js";

/** Where a copy of a table lies, and how it is called. */
export interface CopyOptions<A extends string = string> {
  /** Its name, if that is another. */
  readonly name?: A;
  /** The attached database; null is that of the set. */
  readonly schema?: string | null;
}

/** A table, as far as its copy needs to know it. */
interface Original {
  readonly name: string;
  readonly schema: string | undefined;
  readonly metadata: MetaData;
}

/**
 * What the copy of a table is declared with. A key that leads to a table in the database of the original leads to the one in the
 * database of the copy; one that leads to the original itself leads to the copy.
 */
export function copyItems(
  table: Original,
  items: readonly unknown[],
  options: TableOptions,
  metadata: MetaData,
  wanted: CopyOptions,
): unknown[] {
  const { keepExisting: _keep, extendExisting: _extend, schema: _schema, ...rest } = options;
  const schema = wanted.schema === undefined ? table.schema : (wanted.schema ?? undefined);
  const rebound = (target: Referred): Referred => () => {
    const [of, name, column] = referred(target, table.metadata.schema);
    const isBeside = of === table.schema;
    const isItself = isBeside && name === table.name;
    return { name: column, table: { name: isItself ? (wanted.name ?? name) : name, schema: (isBeside ? schema : of) ?? metadata.schema } };
  };
  const copied = items.map((item) => {
    if (item instanceof Index) return item.copy();
    if (item instanceof ForeignKeyConstraint) return item.rebound(rebound);
    if (!(item instanceof Column)) return item;
    const [key] = item.foreignKeys;
    return key === undefined ? item : new Column(item.name, item.type, new ForeignKey(rebound(key.target), key.options), item.options);
  });
  return [...copied, schema === undefined ? rest : { ...rest, schema }];
}
