// A worker.js from an old cache: whatever its version, the page says so instead of waiting.
import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "./pkg.mjs";

const { createEngine, ProtocolError, text } = await load("index.js");
const { inlineWorker } = await load("inline.js");

/** The numbers of the two replies that every version knows, of Hello, and of the kind of error that says that a frame was not read. */
const [HELLO, HELLO_REPLY, ERROR_REPLY, PROTOCOL_ERROR] = [0x01, 0x81, 0x85, 24];

const words = (said) => [said.length, 0, 0, 0, ...Buffer.from(said)];

/** A frame of the worker that answers the request of this id, below 256. */
const frame = (kind, request, body) => new Uint8Array([0xa1, 1, kind, 0, 0, 0, 0, 0, request, ...Array(23).fill(0), ...body]).buffer;

const hello = (protocol) => (message) =>
  isHello(message) ? frame(HELLO_REPLY, message[8], [protocol, 0, ...words("0.0.7"), ...words("3.50.0")]) : unread();

/** What a worker answers to what it cannot read: it does not know to which request. */
const unread = () =>
  frame(ERROR_REPLY, 0, [0, PROTOCOL_ERROR, 0, 0, ...Array(8).fill(0), ...Array(8).fill(255), ...words("what is this?"), 0, 0, 0, 0]);

const isHello = (message) => message[0] === 0xa1 && message[2] === HELLO;

/** A worker that says what `answer` makes of each message. */
function standIn(answer) {
  const heard = new Set();
  const say = (data) => queueMicrotask(() => heard.forEach((listener) => listener({ data })));
  return {
    ended: false,
    addEventListener: (kind, listener) => void (kind === "message" && heard.add(listener)),
    removeEventListener: (kind, listener) => void heard.delete(listener),
    postMessage: (message) => say(message instanceof Uint8Array ? answer(message) : "ready"),
    terminate() {
      this.ended = true;
    },
  };
}

for (const [claim, answer, said] of [
  ["an older one", hello(2), /the worker is of aludel 0\.0\.7 \(protocol 2\), the page of aludel .*reload the page/],
  ["a newer one", hello(99), /the worker is of aludel 0\.0\.7 \(protocol 99\)/],
  ["one that reads nothing", unread, /the worker cannot read what this page sends.*reload the page/],
]) {
  test(`a worker of another version is refused: ${claim}`, async () => {
    const workers = [];
    const engine = createEngine("sqlite://", {
      worker() {
        workers.push(standIn(answer));
        return workers.at(-1);
      },
    });
    const calls = [engine.connect(), engine.execute(text("SELECT 1")), engine.scalar(text("SELECT 2"))];
    for (const { status, reason } of await Promise.allSettled(calls)) {
      assert.equal(status, "rejected");
      assert.ok(reason instanceof ProtocolError, `${reason}`);
      assert.match(reason.message, said);
    }
    assert.ok(workers.length > 0 && workers.every(({ ended }) => ended), "none is left running");
    await engine.dispose();
  });
}

test("a page of an older version is refused, in messages of one frame each, which it can read", async () => {
  const worker = inlineWorker();
  const heard = [];
  await new Promise((then) => {
    worker.addEventListener("message", ({ data }) => {
      if (data === "ready") {
        // Version 2 of the protocol posted each frame by itself, and waited for no answer.
        for (const request of [1, 2]) worker.postMessage(new Uint8Array(frame(HELLO, request, [2, 0, ...words("0.0.7")])));
        return;
      }
      heard.push(new Uint8Array(data));
      if (heard.length === 2) then();
    });
    worker.postMessage({ wasmUrl: undefined });
  });
  worker.terminate();
  assert.deepEqual(heard.map((reply) => [reply[0], reply[2], reply[8], reply[33]]), [1, 2].map((request) => [0xa1, ERROR_REPLY, request, PROTOCOL_ERROR]));
  assert.match(Buffer.from(heard[0]).toString(), /the page is of aludel 0\.0\.7 \(protocol 2\), the worker of aludel .*reload the page/);
});
