#!/usr/bin/env node
/**
 * `npx aludel generate app.db`: the tables of a SQLite file as TypeScript.
 *
 * @module
 */

import { writeFile } from "node:fs/promises";
import process, { argv, stderr, stdout } from "node:process";
import { generateTables } from "./core/codegen.js";
import { inspect } from "./core/inspect.js";
import { openCopy } from "./node.js";

const USAGE = `aludel generate <file.db> [--out <tables.ts>] [--views]

Writes the tables of a SQLite file as TypeScript: a module of new Table(...), from which rows, inserts and
statements get their types. The file is read, never written; what stands in a -wal file beside it is not seen.
`;

async function main(): Promise<void> {
  const args = argv.slice(2);
  const views = args.includes("--views");
  const at = args.indexOf("--out");
  const out = at < 0 ? undefined : args[at + 1];
  const rest = args.filter((arg, i) => arg !== "--views" && (at < 0 || (i !== at && i !== at + 1)));
  const [command, file] = rest;
  if (command !== "generate" || file === undefined || rest.length !== 2 || (at >= 0 && out === undefined)) {
    stderr.write(USAGE);
    process.exitCode = args.includes("--help") ? 0 : 2;
    return;
  }
  const engine = await openCopy(file);
  try {
    const text = generateTables(await inspect(engine), { views });
    if (out === undefined) stdout.write(text);
    else await writeFile(out, text);
  } finally {
    await engine.dispose();
  }
}

main()
  .catch((error: unknown) => {
    stderr.write(`${error instanceof Error ? `${error.name}: ${error.message}` : String(error)}\n`);
    process.exitCode = 1;
  })
  // A worker that is gone is waited for no longer, once all is written.
  .finally(() => stdout.write("", () => process.exit()));
