/**
 * The kinds of value that SQLite stores, as JavaScript sees them.
 *
 * @module
 */

/**
 * A value read from a database: SQL NULL, INTEGER (a bigint where a number would lose digits), REAL, TEXT or BLOB.
 */
export type SqlValue = null | number | bigint | string | Uint8Array;

/**
 * A value that can be bound to a parameter. A safe integer is an INTEGER, any other number a REAL, a boolean 0 or 1.
 */
export type Bindable = SqlValue | boolean | ArrayBuffer | ArrayBufferView;

/** The parameters of one run of a statement: by name, or by position. */
export type ParameterSet = Readonly<Record<string, Bindable>> | readonly Bindable[];

/**
 * What `execute` takes: one set of parameters, or a list of sets, each of which runs the statement once. Of a long list the sets are read
 * while the page does what else is due, so they are to stay as they are until the call is done.
 */
export type Parameters_ = ParameterSet | readonly ParameterSet[] | null | undefined;

/** What a row may be typed as: an object from the names of its columns to their values. */
export type RowType = object;

/** The row of a statement whose columns are not typed. */
export type AnyRow = Record<string, SqlValue>;

/** The parameters of a statement that is put together: by name; columns and parameters with a type convert them. */
export type NamedParameters = Readonly<Record<string, unknown>>;
/** One set of parameters by name, or a list of them. */
export type StatementParameters<S = NamedParameters> = S | readonly S[] | null | undefined;

/** Any one of the values of a row. */
export type ValueOf<R> = R[keyof R];
