/**
 * Constructs of one's own: classes whose SQL a function writes, out of the SQL of their parts.
 *
 * @module
 */

import { ArgumentError, CompileError } from "../errors.js";
import { describe } from "../encode.js";
import type { Executable } from "../statement.js";
import type { AnyRow, RowType, StatementParameters } from "../values.js";
import { ClauseElement } from "./clause.js";
import { Expr, isQuery } from "./expr.js";
import { literal } from "./expressions.js";
import { From } from "./from.js";
import { writePieces } from "./records.js";
import { NullType, type SqlType, type TypeArgument } from "./types.js";
import { typeOf } from "./type_base.js";
import { isRecorded, record, type Recorded, type Writer } from "./writer.js";

/** What a function that writes SQL can ask for. */
export interface SqlCompiler {
  /** The SQL of a part: an expression, a query (without parentheses), a table as it stands in FROM; a value becomes a parameter. */
  process(part: unknown): string;
  /** What the SQL is written for. */
  readonly dialect: { readonly name: "sqlite" };
}

type Render = (element: never, compiler: SqlCompiler) => string;
const known = new WeakMap<object, Render>();

/**
 * Says how constructs of a class are written. Classes that extend it are written so, too, unless they have a function of their own.
 *
 * ```ts
 * class Greatest extends ColumnElement<number> {
 *   constructor(readonly left: Expr<number>, readonly right: Expr<number>) { super(Integer); }
 * }
 * registerCompiler(Greatest, (element, compiler) => `max(${compiler.process(element.left)}, ${compiler.process(element.right)})`);
 * ```
 */
export function registerCompiler<T extends ColumnElement<any> | ExecutableElement<any>>(
  construct: abstract new (...args: any[]) => T,
  render: (element: T, compiler: SqlCompiler) => string,
): void {
  const own = typeof construct === "function" && (construct.prototype as unknown);
  if (!(own instanceof ColumnElement || own instanceof ExecutableElement)) {
    throw new ArgumentError("registerCompiler() takes a class that extends ColumnElement or ExecutableElement");
  }
  if (typeof render !== "function") throw new ArgumentError(`registerCompiler() takes a function that gives SQL, not ${describe(render)}`);
  known.set(construct, render as unknown as Render);
}

function renderOf(element: object): Render {
  for (let at = element.constructor as object | null; typeof at === "function"; at = Object.getPrototypeOf(at) as object | null) {
    const render = known.get(at);
    if (render !== undefined) return render;
  }
  const message = `Compiler for sqlite can't render element of type ${element.constructor.name}: registerCompiler() says how`;
  throw new CompileError(message, { code: "l7de" });
}

const dialect = Object.freeze({ name: "sqlite" as const });

/** Writes what the function gives: its SQL, and between it the parts that it asked for. */
function write(writer: Writer, element: object, type: SqlType): void {
  const parts: (readonly [kind: number, part: Recorded])[] = [];
  const process = (part: unknown): string => {
    const kind = isQuery(part) ? 2 : part instanceof From ? 3 : 1;
    parts.push([kind, isRecorded(part) ? part : literal(part)]);
    return `\0${parts.length - 1}\0`;
  };
  const sql: unknown = renderOf(element)(element as never, { process, dialect });
  if (typeof sql !== "string") throw new CompileError(`the SQL of ${element.constructor.name} is a string, not ${describe(sql)}`);
  const pieces = sql.split("\0").map((piece, i) => {
    if (i % 2 === 0) return piece;
    const [kind, part] = parts[Number(piece)] ?? [1, literal(null)];
    return [kind, writer.ref(part)] as const;
  });
  writePieces(writer, pieces, type);
}

/** An expression of one's own; {@link registerCompiler} says what it becomes. */
export abstract class ColumnElement<T = unknown> extends Expr<T> {
  /** The type of its values. */
  readonly type: SqlType<T>;

  /** With the type of its values, if they are converted. */
  constructor(type?: TypeArgument<T>) {
    super();
    this.type = type === undefined ? (NullType as SqlType<any>) : typeOf(type);
  }

  /** Writes its record, for the compiler. */
  override [record](writer: Writer): void {
    write(writer, this, this.type);
  }
}

/** A statement of one's own; {@link registerCompiler} says what it becomes. */
export abstract class ExecutableElement<R extends RowType = AnyRow>
  extends ClauseElement
  implements Executable<R, readonly R[keyof R][], StatementParameters> {
  /** What kind of statement it is. */
  readonly kind = "custom";
  /** The type of its rows; there is no value. */
  declare readonly rowType?: R;
  /** The type of its values; there is no value. */
  declare readonly valuesType?: readonly R[keyof R][];
  /** The type of its parameters; there is no value. */
  declare readonly parametersType?: StatementParameters;

  /** Writes its record, for the compiler. */
  override [record](writer: Writer): void {
    write(writer, this, NullType);
  }
}
