// The few assertions that the pages need, and the runner of their checks.

/** Runs named checks one after the other; gives what each one found. */
export async function run(checks) {
  const outcomes = [];
  for (const [name, check] of Object.entries(checks)) {
    const start = performance.now();
    let error = null;
    try {
      await inTime(check());
    } catch (thrown) {
      error = thrown instanceof Error ? `${thrown.name}: ${thrown.message}\n${thrown.stack}` : String(thrown);
    }
    outcomes.push({ name, error, ms: Math.round(performance.now() - start) });
  }
  return outcomes;
}

// Far more than any check takes, so that one that hangs is named.
const LIMIT = 30_000;

function inTime(promise) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`it hung for ${LIMIT / 1000} seconds`)), LIMIT);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

const show = (value) =>
  JSON.stringify(value, (_, inner) =>
    typeof inner === "bigint" ? `${inner}n` : inner instanceof Uint8Array ? `bytes ${[...inner]}` : inner) ?? String(value);

/** Throws unless both show the same. */
export function equal(actual, expected, what = "") {
  if (show(actual) !== show(expected)) throw new Error(`${what} is ${show(actual)}, not ${show(expected)}`);
}

/** Throws unless it holds. */
export function ok(holds, what) {
  if (!holds) throw new Error(`not so: ${what}`);
}

/** The error that a function throws or rejects with; throws when it does neither. */
export async function thrownBy(fn) {
  let value;
  try {
    value = await fn();
  } catch (error) {
    return error;
  }
  throw new Error(`nothing was thrown, but ${show(value)} was given`);
}

/** Throws unless a function throws an instance of this class with such a message. */
export async function throws(errorClass, pattern, fn) {
  const error = await thrownBy(fn);
  ok(error instanceof errorClass, `${error?.name}: ${error?.message} is a ${errorClass.name}`);
  ok(pattern.test(error.message), `${JSON.stringify(error.message)} matches ${pattern}`);
  return error;
}
