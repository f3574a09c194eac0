// An engine in memory for tests of Core, one per file of tests.
import { after, before } from "node:test";
import { load } from "./pkg.mjs";

const { openCopy } = await load("node.js");

export let engine;
before(async () => {
  engine = await openCopy();
});
after(() => engine.dispose());

/** Runs something on a connection and rolls all of it back: the next test finds the database empty. */
export async function apart(work) {
  const conn = await engine.connect();
  try {
    return await work(conn);
  } finally {
    await conn.rollback();
    await conn.close();
  }
}
