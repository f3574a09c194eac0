// `cargo xtask demo --check`: drives the demo headless and prints what it saw, so that its main job can be watched on a
// machine without a screen. Usage: node check.mjs [address]; without one it serves the built demo itself.

import { serve } from "./site.mjs";
import { browsers, launch, saved, Workbench } from "./workbench.mjs";
import { EXAMPLES } from "../../www/app/examples.js";

const started = performance.now();
const say = (text) => console.log(`${((performance.now() - started) / 1000).toFixed(1).padStart(6)} s  ${text}`);
const given = process.argv[2] ?? process.env.AL_BASE_URL;
const site = given === undefined ? await serve() : undefined;
const url = given ?? `http://localhost:${site.port}/`;
const name = browsers[0];
const chosen = await launch(name);
let failed = false;

/** Fails the check, and goes on to show the rest. */
function expect(truth, what) {
  if (truth) return;
  failed = true;
  say(`NOT AS IT SHOULD BE: ${what}`);
}

function table(rows) {
  const widths = rows[0].map((_, column) => Math.min(34, Math.max(...rows.map((row) => row[column].length))));
  for (const row of rows) console.log(`          ${row.map((cell, i) => cell.slice(0, widths[i]).padEnd(widths[i])).join("  ")}`.trimEnd());
}

async function show(bench, sql, most = 8) {
  for (const line of sql.trim().split("\n")) console.log(`          | ${line}`);
  await bench.run(sql);
  table(await bench.rows(most));
  say(await bench.status());
}

try {
  say(`opening ${url} in ${name}`);
  const bench = await Workbench.open(chosen.browser, url);
  await bench.until(() => document.getElementById("cover").hidden || !document.getElementById("cover-progress").hidden || document.querySelector("#cover-actions button"));
  say(await bench.see(() => document.getElementById("cover-title").textContent));
  await bench.ready();
  const steps = await bench.see(() => window.steps);
  say(`the bar moved ${steps.length} times; the store is there`);
  expect(steps.length > 5, "the progress bar hardly moved");
  const tables = await bench.tables();
  table(Object.entries(tables).map(([table, rows]) => [table, rows.toLocaleString("en").padStart(9)]));
  const total = Object.values(tables).reduce((sum, rows) => sum + rows, 0);
  say(`${total.toLocaleString("en")} rows; ${await bench.see(() => document.getElementById("storage-text").textContent)}, ${await bench.see(() => document.getElementById("storage-size").textContent)}`);
  expect(total >= 100_000, "fewer than 100,000 rows");

  say("the best sellers, by joins over four tables");
  await show(bench, EXAMPLES[0].sql);
  say("how SQLite does that");
  await bench.type(EXAMPLES[0].sql);
  await bench.press("Control+Shift+Enter");
  await bench.idle();
  say(await bench.see(() => document.querySelector(".plan-short").textContent));
  for (const step of await bench.see(() => [...document.querySelectorAll(".plan-step")].map((item) => `${"  ".repeat(Number(item.getAttribute("aria-level")) - 1)}${item.querySelector(".plan-detail").textContent}`))) console.log(`          ${step}`);

  say("two columns as a chart");
  await bench.run(EXAMPLES.find(({ title }) => title.startsWith("What people buy")).sql);
  await bench.page.click("#mode-chart");
  await bench.until(() => document.querySelector(".chart-bar") !== null);
  say(await bench.see(() => `${document.querySelector(".chart-title").textContent}: ${document.querySelectorAll(".chart-bar").length} bars. ${document.querySelector(".chart-note").textContent}`));

  say("a write, and a reload");
  await bench.run("CREATE TABLE IF NOT EXISTS visits (at TEXT); INSERT INTO visits VALUES (datetime('now'));");
  await bench.page.reload();
  await bench.ready();
  expect((await bench.see(() => window.covers)).length === 1, "the store was made a second time");
  await show(bench, "SELECT count(*) AS visits FROM visits");
  expect((await bench.rows())[1]?.[0] === "1", "the row of before the reload is gone");
  await bench.run("DROP TABLE visits");

  say("more than 100,000 rows, streamed");
  await show(bench, EXAMPLES[1].sql, 4);
  const elements = await bench.see(() => document.querySelectorAll("#panel *").length);
  say(`${elements} elements in the document show them`);
  expect(elements < 700, "too many elements");

  say("an error");
  await bench.run(EXAMPLES.find(({ title }) => title.startsWith("An error")).sql);
  say(await bench.status());
  for (const line of (await bench.see(() => document.querySelector(".excerpt").textContent)).split("\n")) console.log(`          ${line}`);

  say("a long query, cancelled");
  await bench.run(EXAMPLES.find(({ title }) => title.startsWith("A long")).sql, { wait: false });
  await bench.until(() => document.querySelectorAll(".grid-row").length > 0);
  await bench.press("Escape");
  await bench.idle();
  say(await bench.status());
  expect((await bench.status()).startsWith("Cancelled"), "it was not cancelled");

  say("the download");
  await bench.page.click("#download");
  const bytes = await saved(chosen.downloads, "music.db");
  say(`music.db, ${bytes.length.toLocaleString("en")} bytes, begins with ${JSON.stringify(bytes.subarray(0, 15).toString("latin1"))}`);
  expect(bytes.subarray(0, 15).toString("latin1") === "SQLite format 3", "that is no SQLite database");
  for (const complaint of bench.complaints) expect(false, complaint);
} catch (error) {
  expect(false, error.stack);
} finally {
  await chosen.close();
  site?.close();
}
say(failed ? "the demo did NOT do what it should" : "the demo does what it should");
process.exitCode = failed ? 1 : 0;
