// What a process, or a thread, does with the database of node_files_alone.test.mjs, and says of it:
// `open` opens it, `count` counts its rows, `drop` drops it, `write` commits rows, one after the other, until it is killed.
import { parentPort } from "node:worker_threads";
import { load } from "./pkg.mjs";

const { createEngine, dropDatabase, text } = await load("index_node.js");
const [what, directory, more] = process.argv.slice(2);
const options = { directory, ...JSON.parse(more) };
const say = (message) => (parentPort === null ? process.send(message) : parentPort.postMessage(message));

async function write() {
  const engine = createEngine("sqlite:///notes.db", options);
  await engine.execute(text("CREATE TABLE IF NOT EXISTS t (x INTEGER PRIMARY KEY, filler BLOB)"));
  for (let row = 1 + (await engine.scalar(text("SELECT count(*) FROM t"))); ; row++) {
    await engine.execute(text("INSERT INTO t VALUES (:row, randomblob(2000))"), { row });
    say({ committed: row });
  }
}

async function open() {
  const engine = createEngine("sqlite:///notes.db", options);
  await engine.scalar(text("SELECT count(*) FROM sqlite_schema"));
  await engine.dispose();
  return { opened: true };
}

async function count() {
  const engine = createEngine("sqlite:///notes.db", options);
  const rows = await engine.scalar(text("SELECT count(*) FROM t"));
  await engine.dispose();
  return { rows };
}

const DOES = { open, count, write, drop: async () => ({ dropped: await dropDatabase("sqlite:///notes.db", options) }) };

await DOES[what]().then(say, ({ name, reason }) => say({ failed: name, reason }));
process.disconnect?.();
