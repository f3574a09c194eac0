/**
 * Statements: frozen plain data, which costs nothing to make or drop and can be declared anywhere, on a server too.
 *
 * @module
 */

import { binding, type Binding, type Bound, type OwnValues, type ParameterNames } from "./bind.js";
import { callSync } from "./call.js";
import { describe, isThenable, type Encoding } from "./encode.js";
import { ArgumentError, ObjectNotExecutableError, type StatementContext } from "./errors.js";
import type { About, CompiledStatement, CompileOptions } from "./core/compiled.js";
import { compiledFor, isCompilable, record, textual, type QueryCache, type Recorded } from "./core/entry.js";
import type { TextColumns, TextRow, TextualSelect } from "./core/textual.js";
import type { Writer } from "./core/writer.js";
import { atOnce } from "./slices.js";
import { describeText } from "./text_sql.js";
import type { AnyRow, Bindable, Parameters_, RowType, SqlValue, ValueOf } from "./values.js";
import { native } from "./wasm.js";

/** Something that `execute()` takes; `R` is the row that it returns, `V` its values in order, `P` what it takes as parameters. */
export interface Executable<R extends RowType = AnyRow, V extends readonly unknown[] = readonly ValueOf<R>[], P = Parameters_> {
  /** What kind of statement it is. */
  readonly kind: string;
  /** The type of its rows; there is no value. */
  readonly rowType?: R;
  /** The type of its values; there is no value. */
  readonly valuesType?: V;
  /** The type of its parameters; there is no value. */
  readonly parametersType?: P;
}

/** SQL as text, with its parameters: what {@link text} and {@link sql} make. */
export class TextClause<R extends RowType = AnyRow> implements Executable<R>, Recorded {
  /** What kind of statement it is. */
  readonly kind = "text";
  /** The SQL as it was written. */
  readonly text: string;
  /** The type of its rows; there is no value. */
  declare readonly rowType?: R;
  readonly #own: OwnValues;
  #names: ParameterNames | undefined;

  private constructor(source: string, own: OwnValues) {
    this.text = source;
    this.#own = own;
    Object.freeze(this);
  }

  /** @internal */
  static of<R extends RowType>(source: string, own: OwnValues): TextClause<R> {
    return new TextClause<R>(source, own);
  }

  /** A statement that has these values for its parameters by name, unless a call gives others. */
  bindparams(values: Readonly<Record<string, Bindable>>): TextClause<R> {
    if (typeof values !== "object" || values === null || Array.isArray(values)) {
      throw new ArgumentError("bindparams() takes values by name: { name: value }");
    }
    const named = Object.freeze(Object.assign(nameless(), this.#own.named, values));
    return new TextClause<R>(this.text, { ...this.#own, named });
  }

  /** The same as a query with these columns, whose values are of these types: `text(sql).columns({ id: Integer, name: Text })`. */
  columns<const C extends TextColumns>(columns: C): TextualSelect<TextRow<C>> {
    const query = textual(this, columns);
    if (query === undefined) throw new ArgumentError("columns() takes types by name: { id: Integer }");
    return query as TextualSelect<TextRow<C>>;
  }

  /** The SQL with its parameters as SQLite gets them, and their values: for people to read. */
  compile(options: CompileOptions = {}): CompiledStatement {
    let unique = 0;
    const [text, values] = this.#named(() => unique++);
    return describeText(text, new Map(values), options);
  }

  /** The SQL as it was written. */
  toString(): string {
    return this.text;
  }

  /** Writes its record, for the compiler: it may stand where an expression may. */
  [record](writer: Writer): void {
    this.writeText(writer);
    const text = writer.last();
    writer.begin(0x07);
    writer.u32(text);
  }

  /** @internal */
  writeText(writer: Writer): void {
    const [text, values] = this.#named(() => writer.unique());
    writer.begin(0x62);
    writer.text(text);
    writer.u32(values.length);
    for (const [name, value] of values) {
      const expanding = Array.isArray(value);
      writer.text(name);
      writer.typeOf(expanding ? null : value);
      writer.flag(expanding);
      writer.flag(true);
      writer.u32(writer.literal(value));
    }
  }

  /** The text, and the values that it brings along by name. What stands for `?` gets names that nothing else in a statement has. */
  #named(unique: () => number): readonly [string, readonly (readonly [string, unknown])[]] {
    const { positional, parts, named } = this.#own;
    const values = Object.entries(named);
    if (positional === null || parts === undefined) return [this.text, values];
    const text = parts.reduce((out, part, i) => {
      const name = `sql_${unique()}`;
      values.push([name, positional[i - 1]]);
      return `${out}:${name}${part}`;
    });
    return [text, values];
  }

  /** @internal */
  static names(clause: TextClause<RowType>): ParameterNames {
    // Kept with the statement, so that one that is executed often is read once.
    return (clause.#names ??= parameterNames(clause.text, false));
  }

  /** @internal */
  static own(clause: TextClause<RowType>): OwnValues {
    return clause.#own;
  }
}

/** An object without a prototype, so that every name can be a key of it. */
const nameless = (): Record<string, unknown> => Object.create(null) as Record<string, unknown>;
const NONE: OwnValues = Object.freeze({ positional: null, named: Object.freeze(nameless()) });

/**
 * SQL as text, with parameters `:name` or `?`. Values are always bound, never written into the SQL.
 *
 * ```ts
 * const byName = text<{ id: number; name: string }>("SELECT id, name FROM users WHERE name = :name");
 * const result = await conn.execute(byName, { name: "Dan" });
 * ```
 *
 * A colon that begins no parameter may be written `\:`; in strings, quoted names and comments it need not.
 */
export function text(sql: string): TextClause<AnyRow>;
/** The same, with the type of its rows. */
export function text<R extends RowType>(sql: string): TextClause<R>;
export function text<R extends RowType>(sql: string): TextClause<R> {
  if (typeof sql !== "string") throw new ArgumentError(`text() takes a string of SQL, not ${describe(sql)}`);
  return TextClause.of<R>(sql, NONE);
}

/**
 * SQL as a tagged template: each value becomes a bound parameter, and another statement becomes part of the SQL.
 *
 * ```ts
 * const adults = sql`age >= ${18}`;
 * const result = await conn.execute(sql<{ name: string }>`SELECT name FROM users WHERE ${adults}`);
 * ```
 */
export function sql(
  strings: TemplateStringsArray,
  ...values: readonly (Bindable | TextClause<RowType>)[]
): TextClause<AnyRow>;
/** The same, with the type of its rows. */
export function sql<R extends RowType>(
  strings: TemplateStringsArray,
  ...values: readonly (Bindable | TextClause<RowType>)[]
): TextClause<R>;
export function sql<R extends RowType>(
  strings: TemplateStringsArray,
  ...values: readonly (Bindable | TextClause<RowType>)[]
): TextClause<R> {
  if (!Array.isArray(strings) || !("raw" in strings)) {
    throw new ArgumentError("sql is a template tag: sql`SELECT ...`; for a string there is text()");
  }
  let source = strings[0] as string;
  const positional: unknown[] = [];
  const named = nameless();
  const parts: string[] = [source];
  const more = (sql: string): void => void (parts[parts.length - 1] += sql);
  values.forEach((value, i) => {
    if (value instanceof TextClause) {
      const own = TextClause.own(value);
      for (const [name, bound] of Object.entries(own.named)) {
        if (Object.hasOwn(named, name) && !Object.is(named[name], bound)) {
          throw new ArgumentError(`two parts of a sql template have different values for the parameter '${name}'`);
        }
        named[name] = bound;
      }
      positional.push(...(own.positional ?? []));
      source += value.text;
      const [first, ...others] = own.parts ?? [value.text];
      more(first as string);
      parts.push(...others);
    } else {
      positional.push(value);
      source += "?";
      parts.push("");
    }
    source += strings[i + 1] as string;
    more(strings[i + 1] as string);
  });
  const own = { positional: positional.length === 0 ? null : Object.freeze(positional), parts: Object.freeze(parts), named: Object.freeze(named) };
  return TextClause.of<R>(source, Object.freeze(own));
}

/**
 * A function for each column of a result that is converted.
 * @internal
 */
export type Conversions = readonly (((value: SqlValue) => unknown) | undefined)[];

/**
 * A statement ready to go.
 * @internal
 */
export interface Prepared extends Bound {
  /** What is left to be encoded; there is no batch before. */
  readonly rest?: Encoding | undefined;
  readonly source: string;
  /** Whether nothing in it is replaced. */
  readonly verbatim: boolean;
  /** Binds the parameters once more: the first batch goes away with its frame. */
  readonly again: () => Bound;
  /** How the values of each column of the result are converted. */
  readonly results?: Conversions | undefined;
  /** What its result can be asked about it; a text knows nothing. */
  readonly about?: About;
  /** What is to be said about it. */
  readonly warnings?: readonly string[];
}

/**
 * Compiles a statement, unless the cache has it, and binds its parameters.
 * @internal
 */
export function prepare(statement: unknown, params: unknown, cache?: QueryCache): Prepared {
  if (statement instanceof TextClause) {
    const names = TextClause.names(statement);
    const own = TextClause.own(statement);
    return { source: statement.text, verbatim: false, ...begun(binding(names, params, own)) };
  }
  if (isCompilable(statement)) {
    return { verbatim: true, ...statement[compiledFor](params, cache) };
  }
  throw notExecutable(statement);
}

/**
 * Reads SQL as the driver does, replacing nothing, and binds its parameters.
 * @internal
 */
export function prepareDriverSql(source: unknown, params: unknown): Prepared {
  if (typeof source !== "string") {
    throw new ArgumentError(`execDriverSql() takes a string of SQL, not ${describe(source)}; for statements there is execute()`);
  }
  const names = parameterNames(source, true);
  return { source, verbatim: true, ...begun(binding(names, params)) };
}

/**
 * Parameters, encoded as far as that takes no time.
 * @internal
 */
export function begun({ encoding, many, again }: Binding): Pick<Prepared, "batch" | "many" | "rest" | "again"> {
  if (encoding === undefined) return { batch: undefined, many, again };
  const batch = atOnce(encoding);
  return batch === undefined ? { batch, many, again, rest: encoding } : { batch, many, again };
}

/**
 * The same with all of its parameters encoded.
 * @internal
 */
export function whole(prepared: Prepared): Prepared {
  const { rest } = prepared;
  return rest === undefined ? prepared : { ...prepared, batch: rest.finish(), rest: undefined };
}

/**
 * The parameters of a text, in the order of their values.
 * @internal
 */
export function parameterNames(source: string, verbatim: boolean): ParameterNames {
  return callSync(() => native().parameterNames(source, verbatim) as ParameterNames);
}

/**
 * What is known of a statement, for its errors.
 * @internal
 */
export function contextOf(prepared: Prepared, params: unknown, hidden: boolean): StatementContext {
  return {
    statement: prepared.source,
    params: hidden ? null : (params ?? null),
    paramsText: () => {
      if (hidden) return null;
      try {
        const { batch, many } = prepared.again();
        return batch === undefined ? null : native().describeParameters(batch, many);
      } catch {
        // What the caller has made of them since is not to hide the error.
        return null;
      }
    },
  };
}

function notExecutable(statement: unknown): ObjectNotExecutableError {
  if (typeof statement === "string") {
    const shown = JSON.stringify(statement.length > 100 ? `${statement.slice(0, 100)}...` : statement);
    return new ObjectNotExecutableError(
      `Not an executable object: ${shown}. Use text(${shown}), the sql template tag, or execDriverSql() for a string of SQL.`,
    );
  }
  const what = isThenable(statement) ? "a Promise: its await was forgotten" : describe(statement);
  return new ObjectNotExecutableError(`Not an executable object: ${what}. Use text() or the sql template tag.`);
}

/** One statement of a script. */
export interface ScriptStatement {
  /** The statement, without the blanks and comments around it and without its semicolon. */
  readonly sql: string;
  /** At which UTF-16 code unit of the script it begins. */
  readonly offset: number;
}

/**
 * Cuts a script into its statements at its semicolons. Those in strings, quoted names, comments and the bodies of triggers
 * do not count.
 */
export function splitStatements(script: string): ScriptStatement[] {
  if (typeof script !== "string") throw new ArgumentError(`splitStatements() takes a string, not ${describe(script)}`);
  return native().splitStatements(script) as ScriptStatement[];
}
