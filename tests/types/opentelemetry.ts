// A tracer of @opentelemetry/api is taken as it is: its interfaces, copied from version 1.9 as far as they matter here.

import { createEngine } from "aludel";
import { instrument, type InstrumentOptions } from "aludel/opentelemetry";

type AttributeValue = string | number | boolean | Array<null | undefined | string> | Array<null | undefined | number> | Array<null | undefined | boolean>;
interface Attributes {
  [attributeKey: string]: AttributeValue | undefined;
}
type HrTime = [number, number];
type TimeInput = HrTime | number | Date;
declare enum SpanKind {
  INTERNAL = 0,
  SERVER = 1,
  CLIENT = 2,
  PRODUCER = 3,
  CONSUMER = 4,
}
declare enum SpanStatusCode {
  UNSET = 0,
  OK = 1,
  ERROR = 2,
}
interface ExceptionWithCode {
  code: string | number;
  name?: string;
  message?: string;
  stack?: string;
}
interface ExceptionWithMessage {
  code?: string | number;
  message: string;
  name?: string;
  stack?: string;
}
type Exception = ExceptionWithCode | ExceptionWithMessage | string;
interface Span {
  setAttribute(key: string, value: AttributeValue): this;
  setStatus(status: { code: SpanStatusCode; message?: string }): this;
  end(endTime?: TimeInput): void;
  recordException(exception: Exception, time?: TimeInput): void;
}
interface Tracer {
  startSpan(name: string, options?: { kind?: SpanKind; attributes?: Attributes; startTime?: TimeInput; root?: boolean }, context?: { getValue(key: symbol): unknown }): Span;
}
declare const tracer: Tracer;

const stop: () => void = instrument(createEngine("sqlite://"), { tracer, literals: true, parameters: false });
stop();
const options: InstrumentOptions = { tracer };
// @ts-expect-error a tracer is wanted
instrument(createEngine("sqlite://"), {});
// @ts-expect-error there is no such option
instrument(createEngine("sqlite://"), { ...options, values: true });
