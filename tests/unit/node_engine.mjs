// Engines in a thread of Node, for tests: over memory, with what a test counts and asks for.
import { after } from "node:test";
import { load } from "./pkg.mjs";

const { createEngine, text } = await load("index.js");
const { nodeOptions } = await load("node.js");
// inline_surface.test.mjs runs tests of the other files over the worker on their own thread.
const options = process.env.ALUDEL_INLINE === undefined ? await nodeOptions() : { worker: (await load("inline.js")).inlineWorker };

const engines = new Set();
// A test that failed has not disposed of its own, whose thread would keep the process.
after(() => Promise.all([...engines].map((engine) => engine.dispose())));

/** An engine with these options. A file becomes memory. */
export function nodeEngine(more = {}, url = "sqlite://") {
  const engine = createEngine(url, { fallback: "memory", ...options, ...more });
  engines.add(engine);
  return engine;
}

// Of docs/PROTOCOL.md: the bytes of a header, the kind of the request that closes a connection, and that of its answer.
const HEADER = 32;
const BUNDLE = 0xa2;
const CLOSE = 0x09;
export const DONE = 0x84;

/** The frames of a message, which may hold several. */
export function framesOf(message) {
  if (message[0] !== BUNDLE) return [message];
  const view = new DataView(message.buffer, message.byteOffset, message.byteLength);
  const frames = [];
  for (let at = 8; at < message.length; at += 8 + Math.ceil(view.getUint32(at, true) / 8) * 8) {
    frames.push(message.subarray(at + 8, at + 8 + view.getUint32(at, true)));
  }
  return frames;
}

/**
 * An engine, how many frames went to its workers so far and in how many messages, a function that makes the last of them fail, and one that has it
 * close a connection behind the back of the engine. `heard` is given the messages of frames that come from them.
 */
export function counting({ heard, ...more } = {}) {
  const counter = { frames: 0, messages: 0 };
  let last;
  const worker = () => {
    const made = options.worker();
    const { postMessage: post, addEventListener: listen } = made;
    const failed = [];
    made.addEventListener = (kind, listener) => {
      if (kind === "error") failed.push(listener);
      if (kind === "message" && heard) listen(kind, ({ data }) => data instanceof ArrayBuffer && heard(data));
      listen(kind, listener);
    };
    counter.fail = (message) => failed.forEach((listener) => listener({ message, preventDefault() {} }));
    made.postMessage = (message, ...rest) => {
      if (message instanceof Uint8Array) {
        const frames = framesOf(message);
        counter.messages++;
        counter.frames += frames.length;
        last = frames.at(-1).slice(0, HEADER);
      }
      return post(message, ...rest);
    };
    counter.lose = () => new Promise((closed) => {
      const request = 1n << 60n;
      const close = last.slice();
      close[2] = CLOSE;
      new DataView(close.buffer).setBigUint64(8, request, true);
      const answered = ({ data }) => {
        if (!(data instanceof ArrayBuffer) || new DataView(data).getBigUint64(8, true) !== request) return;
        made.removeEventListener("message", answered);
        closed(new Uint8Array(data)[2]);
      };
      made.addEventListener("message", answered);
      post(close);
    });
    return made;
  };
  counter.engine = nodeEngine({ worker, ...more });
  return counter;
}

/** Three users in a new database. */
export async function fill(engine) {
  await engine.execute(text("CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT, age INTEGER)"));
  await engine.execute(text("INSERT INTO users VALUES (1, 'Dan', 30), (2, 'Dana', 20), (3, 'Casey', NULL)"));
  return engine;
}

/** A function that runs a test on a new engine with three users and disposes of it. */
export const onPeople = (test, more = {}) => async (...context) => {
  const engine = await fill(nodeEngine(more));
  try {
    await test(engine, ...context);
  } finally {
    await engine.dispose();
  }
};

/** The same, on a connection. */
export const onConnection = (test, more = {}) =>
  onPeople((engine, ...context) => engine.connect((conn) => test(conn, engine, ...context)), more);

export const COUNT = text("SELECT count(*) FROM users");
export const INSERT = text("INSERT INTO users (name) VALUES ('Eve')");

/** A check for `assert.rejects`: the class, and what the message says. */
export const error = (errorClass, message, more = () => true) => (thrown) => {
  if (!(thrown instanceof errorClass)) throw new Error(`not ${errorClass.name}: ${thrown}`, { cause: thrown });
  if (!(typeof message === "string" ? thrown.message.includes(message) : message.test(thrown.message))) {
    throw new Error(`another message: ${thrown.message}`, { cause: thrown });
  }
  return more(thrown);
};

/** What an engine tells, by name, in order. */
export function heard(engine, names) {
  const log = [];
  for (const name of names) engine.listen(name, () => void log.push(name));
  return log;
}
