// The demo's other views: charts, plans, the history, imports, live queries, and the panel of storage and connections.

import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { serve } from "./site.mjs";
import { browsers, launch, Workbench } from "./workbench.mjs";

const HOSTILE = "<img src=x onerror=\"document.title='owned'\">";
const MANY = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 20000)";

/** A database of another program: one table, whose names and values are hostile. */
async function foreign() {
  const { Database } = await createRequire(import.meta.url)("sql.js")();
  const database = new Database();
  const name = `"${HOSTILE.replaceAll("\"", "\"\"")}"`;
  database.run(`CREATE TABLE ${name} (id INTEGER PRIMARY KEY, ${name} TEXT)`);
  for (let i = 0; i < 300; i += 1) database.run(`INSERT INTO ${name} VALUES (?, ?)`, [i, `${HOSTILE} ${i} ${"x".repeat(100)}`]);
  const bytes = database.export();
  database.close();
  return Buffer.from(bytes);
}

for (const name of browsers) {
  describe(`the demo's views in ${name}`, () => {
    let site;
    let chosen;
    let bench;
    let url;
    let files;
    let started = false;

    before(async () => {
      site = await serve();
      url = `http://localhost:${site.port}/`;
      chosen = await launch(name);
      files = mkdtempSync(join(tmpdir(), "aludel-import-"));
    });
    after(async () => {
      await chosen?.close();
      site?.close();
      if (files !== undefined) rmSync(files, { recursive: true, force: true });
    });

    const text = (selector) => bench.see((which) => document.querySelector(which)?.textContent, selector);
    const dialog = async (id) => {
      await bench.page.click(`#${id}`);
      await bench.until(() => document.getElementById("dialog").open);
    };
    const closeDialog = async () => {
      await bench.press("Escape");
      await bench.until(() => !document.getElementById("dialog").open);
    };
    const press = (label) => bench.see((wanted) => [...document.querySelectorAll("#dialog button")].find((button) => button.textContent === wanted).click(), label);
    const chart = () => bench.page.click("#mode-chart");
    const then = (what, check) => test(what, async () => {
      assert.ok(started, "the demo did not start");
      await check();
      assert.deepEqual(bench.complaints, []);
    });

    test("the demo starts", async () => {
      bench = await Workbench.open(chosen.browser, url);
      await bench.ready();
      await bench.idle();
      started = true;
    });

    then("a result of two columns is a chart, by the keyboard too, and a table", async () => {
      await bench.run("SELECT genre, count(*) AS artists FROM artists GROUP BY genre ORDER BY 2 DESC");
      await chart();
      assert.equal(await text(".chart-title"), "artists by genre");
      assert.equal(await text(".chart-note"), "All 10 rows.");
      await bench.until(() => document.querySelectorAll(".chart-bar").length === 10);
      await bench.page.focus(".chart-plot");
      const said = () => bench.see(() => {
        const plot = document.querySelector(".chart-plot");
        return [plot.getAttribute("aria-valuenow"), plot.getAttribute("aria-valuemax"), plot.getAttribute("aria-valuetext"), document.querySelector(".chart-readout").textContent];
      });
      await bench.press("End");
      const [now, most, last, shown] = await said();
      assert.deepEqual([now, most], ["10", "10"]);
      assert.equal(last, shown);
      await bench.press("Home");
      assert.match((await said())[2], /^Rock: \d+$/u);
      await bench.until(() => document.querySelectorAll(".chart-bar.current").length === 1);
      await bench.page.click(".chart-table summary");
      await bench.until(() => document.querySelectorAll(".chart-numbers tbody tr").length === 10);
      assert.equal(await text(".chart-numbers tbody th"), "Rock");
      assert.deepEqual(await bench.violations(), []);
      // The same as a line, and back to the rows.
      await bench.see(() => [...document.querySelectorAll(".chart .segment")].find((button) => button.textContent === "Line").click());
      await bench.until(() => document.querySelector(".chart-line") !== null && document.querySelectorAll(".chart-dot").length >= 10);
      await bench.page.click("#mode-rows");
      assert.deepEqual((await bench.rows(1))[0], ["genre", "artists"]);
    });

    then("a chart of very many rows is bounded, and says so", async () => {
      await bench.run(`${MANY} SELECT i, i * i AS square FROM n`);
      await chart();
      assert.equal(await text(".chart-note"), "The first 2,000 of 20,000 rows.");
      await bench.until(() => document.querySelector(".chart-line") !== null);
      assert.ok(await bench.see(() => document.querySelectorAll(".chart *").length) < 100);
    });

    then("a chart of no rows, and one without numbers, say why there is nothing", async () => {
      await bench.run("SELECT genre, formed FROM artists WHERE 0");
      await chart();
      assert.equal(await text(".chart"), "There are no rows to draw.");
      await bench.run("SELECT name, genre FROM artists");
      await chart();
      assert.equal(await text(".chart"), "A chart needs a column of numbers, and there is none.");
      await bench.run("SELECT 1");
      assert.ok(await bench.see(() => document.getElementById("modes").hidden));
    });

    then("hostile names and values are only text", async () => {
      const quoted = HOSTILE.replaceAll("\"", "\"\"");
      await bench.run(`SELECT '${HOSTILE.replaceAll("'", "''")}' AS "${quoted}", 3 AS "__proto__", -2.5 AS "${quoted}" UNION ALL SELECT '</svg><script>', 1, 9e999`);
      await chart();
      await bench.until(() => document.querySelector(".chart svg") !== null);
      assert.equal(await text(".chart-title"), `${HOSTILE} by ${HOSTILE}`);
      await bench.page.click(".chart-table summary");
      assert.match(await text(".chart-note"), /1 without a number is left out/u);
      assert.equal(await bench.see(() => document.querySelectorAll("#panel img, #panel script").length), 0);
      await dialog("history");
      assert.match(await text(".history code"), /<img src=x onerror=/u);
      assert.equal(await bench.see(() => document.querySelectorAll("#dialog img").length), 0);
      await closeDialog();
      assert.notEqual(await bench.page.title(), "owned");
    });

    then("the plan of a statement is a tree; it is not run", async () => {
      await bench.type("DELETE FROM artists WHERE (SELECT count(*) FROM customers WHERE customers.country = artists.country) > 3");
      await bench.press("Control+Shift+Enter");
      await bench.idle();
      assert.match(await text(".plan-short"), /^Read from end to end: .*artists/u);
      const items = () => bench.see(() => [...document.querySelectorAll(".plan-step")].map((item) => [item.getAttribute("aria-level"), item.getAttribute("aria-expanded"), item.hidden]));
      const open = await items();
      const parent = open.findIndex(([, expanded]) => expanded === "true");
      assert.ok(parent >= 0 && open[parent + 1][0] === "2", JSON.stringify(open));
      // Left closes what is open, and right opens it again.
      await bench.page.focus(".plan-step");
      for (let i = 0; i < parent; i += 1) await bench.press("ArrowDown");
      await bench.press("ArrowLeft");
      assert.equal((await items())[parent + 1][2], true);
      await bench.press("ArrowRight");
      assert.equal((await items())[parent + 1][2], false);
      assert.deepEqual(await bench.violations(), []);
      assert.equal(await bench.value("SELECT count(*) FROM artists"), "1200");
      // What is wrong with a statement is shown where it is, as when it is run.
      await bench.type("SELECT 1;\nSELECT county FROM customers");
      await bench.page.click("#explain");
      await bench.idle();
      assert.deepEqual(await bench.see(() => [document.querySelector(".flaw").textContent, document.getElementById("sql").selectionStart]), ["county", 17]);
    });

    then("what was run is in the history, is found there, and runs again", async () => {
      await bench.run("SELECT 'needle' AS hay");
      await bench.run("SELECT wrong");
      await bench.page.reload();
      await bench.ready();
      await dialog("history");
      assert.match(await bench.see(() => [...document.querySelectorAll(".history-main")][0].textContent), /^SELECT wrong.*no such column: wrong/u);
      assert.deepEqual(await bench.violations(), []);
      await bench.page.type("#history-search", "NEEDLE hay");
      await bench.until(() => document.querySelectorAll(".history-main").length === 1);
      await bench.press("ArrowDown");
      await bench.press("Enter");
      await bench.until(() => !document.getElementById("dialog").open);
      assert.equal(await bench.see(() => document.getElementById("sql").value), "SELECT 'needle' AS hay");
      await bench.type("");
      await dialog("history");
      await bench.page.type("#history-search", "needle");
      await bench.until(() => document.querySelectorAll(".history-main").length === 1);
      await press("Run");
      await bench.until(() => document.querySelector("#panel .grid-cell")?.textContent === "needle");
      await bench.idle();
      await dialog("history");
      await press("Clear…");
      await press("Clear it");
      await bench.until(() => !document.getElementById("dialog").open);
      await dialog("history");
      assert.match(await text("#dialog-body"), /kept here, in this browser only/u);
      await closeDialog();
    });

    then("a live query follows another tab, and stays while other statements run", async () => {
      await bench.run("CREATE TABLE shop (what TEXT, price INTEGER)");
      await bench.type("DELETE FROM shop");
      await bench.page.click("#follow");
      assert.match(await text("#announcer"), /One SELECT can be followed/u);
      await bench.type("SELECT what, price FROM shop ORDER BY price -- the end");
      await bench.page.click("#follow");
      await bench.until(() => /^0 rows; waiting for changes$/u.test(document.querySelector(".live-words").textContent));
      const other = await Workbench.open(chosen.browser, url);
      await other.ready();
      await other.page.click("#storage");
      assert.match(await other.until(() => document.querySelector("#facts-connections dd")?.textContent), /^Another tab has the files open/u);
      await other.press("Escape");
      await other.until(() => !document.getElementById("dialog").open);
      await other.run("INSERT INTO shop VALUES ('milk', 2), ('bread', 3)");
      assert.match(await other.status(), /^2 rows changed/u);
      await bench.page.bringToFront();
      await bench.until(() => /^2 rows \(\+2\), changed by another tab at /u.test(document.querySelector(".live-words").textContent));
      assert.deepEqual(await bench.rows(), [["what", "price"], ["milk", "2"], ["bread", "3"]]);
      assert.deepEqual(await bench.violations(), []);
      // As a chart, it is drawn anew.
      await chart();
      await bench.until(() => document.querySelectorAll(".chart-bar").length === 2);
      await other.page.bringToFront();
      await other.run("DELETE FROM shop WHERE what = 'milk'");
      await bench.page.bringToFront();
      await bench.until(() => document.querySelectorAll(".chart-bar").length === 1);
      assert.equal(await bench.see(() => document.querySelector(".live-words").textContent.split(", ")[0]), "1 row (−1)");
      await bench.page.click("#mode-rows");
      // It stays as a tab of its own.
      await bench.run("UPDATE shop SET price = 4");
      assert.deepEqual(await bench.see(() => [...document.querySelectorAll("[role=tab]")].map((tab) => [tab.id, tab.getAttribute("aria-selected")])), [["tab-0", "true"], ["tab-live", "false"]]);
      await bench.page.click("#tab-live");
      await bench.until(() => /changed by this tab/u.test(document.querySelector(".live-words").textContent));
      await bench.until(() => [...document.querySelectorAll("#panel .grid-cell")].map((cell) => cell.textContent).join() === "bread,4");
      await bench.page.click("#live-stop");
      assert.match(await text(".live-words"), /^Stopped/u);
      await bench.run("DROP TABLE shop");
      assert.equal(await bench.see(() => document.querySelector("#tab-live")), null);
      assert.deepEqual(other.complaints, []);
      await other.page.close();
    });

    then("a live query that is wrong, or whose table goes, says so", async () => {
      await bench.type("SELECT a FROM nowhere");
      await bench.page.click("#follow");
      await bench.until(() => document.querySelector(".live-view [role=alert]")?.textContent === "no such table: nowhere");
      const all = await bench.announced();
      await bench.run("CREATE TABLE brief (a)");
      await bench.type("SELECT * FROM brief");
      await bench.page.click("#follow");
      await bench.until(() => /^0 rows/u.test(document.querySelector(".live-words").textContent));
      await bench.run("DROP TABLE brief");
      await bench.page.click("#tab-live");
      await bench.until(() => /^Ended: no such table: /u.test(document.querySelector(".live-words").textContent));
      assert.match((await all()).join("\n"), /^The live query has ended: no such table: /mu);
    });

    then("a live query follows the columns of its table, and the current cell its rows", async () => {
      await bench.run("CREATE TABLE pair (a); INSERT INTO pair VALUES (1), (2)");
      await bench.type("SELECT * FROM pair");
      await bench.page.click("#follow");
      await bench.until(() => document.querySelectorAll("#panel .grid-row").length === 2);
      await bench.page.focus("#panel [role=grid]");
      await bench.press("ArrowDown");
      const cell = () => document.getElementById("cell-tools").hidden ? "none" : document.getElementById("cell-text").textContent;
      assert.equal(await bench.see(cell), "row 2, column 1");
      const commit = (sql) => bench.see(async (statement) => {
        const { createEngine, text: of } = await import("aludel");
        const engine = createEngine("sqlite:///music.db");
        await engine.execute(of(statement));
        await engine.dispose();
      }, sql);
      await commit("DELETE FROM pair WHERE a = 2");
      await bench.until(() => document.getElementById("cell-text").textContent === "row 1, column 1");
      await commit("DELETE FROM pair");
      await bench.until(() => document.getElementById("cell-tools").hidden);
      await commit("ALTER TABLE pair ADD COLUMN b DEFAULT 'new'");
      await commit("INSERT INTO pair VALUES (3, 'old')");
      await bench.until(() => document.querySelector("#panel .grid-cell")?.textContent === "3");
      assert.deepEqual(await bench.rows(), [["a", "b"], ["3", "old"]]);
      assert.equal(await bench.see(() => document.querySelectorAll(".live-head").length), 1);
      await bench.page.focus("#live-stop");
      await bench.press("Enter");
      await bench.until(() => /^Stopped/u.test(document.querySelector(".live-words").textContent));
      assert.equal(await bench.see(() => document.activeElement.id), "follow");
      await bench.run("DROP TABLE pair");
    });

    then("a live query that is slow leaves the tab in front that the reader has picked", async () => {
      await bench.run("SELECT 1 AS one; SELECT 2 AS two");
      await bench.type("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 2000000) SELECT count(*) FROM n");
      await bench.page.click("#follow");
      await bench.until(() => document.querySelector("#tab-live[aria-selected=true]") !== null);
      await bench.page.click("#tab-0");
      await bench.until(() => document.querySelector("#tab-live .tab-tally")?.textContent === "1");
      assert.equal(await bench.see(() => document.querySelector("[role=tab][aria-selected=true]").id), "tab-0");
      await bench.page.click("#tab-live");
      await bench.page.click("#live-stop");
    });

    then("a grid that has the focus keeps it when the run comes to its end", async () => {
      await bench.run("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i, i + 1 AS next FROM n WHERE i % 20000 = 0", { wait: false });
      await bench.until(() => document.querySelectorAll("#panel .grid-row").length > 0);
      await bench.page.focus("#panel [role=grid]");
      await bench.press("Escape");
      await bench.idle();
      assert.match(await bench.status(), /^Cancelled/u);
      assert.equal(await bench.see(() => document.activeElement.getAttribute("role")), "grid");
    });

    then("the panel tells of storage and connections, and asks the browser to keep the data", async () => {
      const { origin } = new URL(url);
      if (name === "chromium") await chosen.browser.defaultBrowserContext().overridePermissions(origin, ["persistent-storage"]);
      await dialog("storage");
      const facts = () => bench.see(() => Object.fromEntries([...document.querySelectorAll("#dialog dt")].map((term) => [term.textContent, term.nextElementSibling.textContent])));
      const first = await facts();
      assert.match(first.Where, /OPFS\), music\.db$/u);
      assert.match(first.Database, /^\d+\.\d MB$/u);
      assert.match(first["Log (WAL)"], /^\d+(?:\.\d)? [KM]?B; /u);
      assert.match(first.Connections, /^\d in use, \d idle, at most 4, of this tab$/u);
      assert.match(first.Host, /^This tab has the files open/u);
      assert.match(first["Who waits"], /^(?:Nobody has waited|\d\d:\d\d)/u);
      assert.match(await text(".room"), /used of .* that the browser gives this site/u);
      assert.deepEqual(await bench.violations(), []);
      if (await bench.see(() => document.getElementById("persist") !== null)) {
        await bench.page.click("#persist");
        await bench.until(() => /^The browser (?:keeps it|does not promise it for now)$/u.test(document.getElementById("announcer").textContent));
        const granted = await text("#announcer") === "The browser keeps it";
        assert.equal(granted, await bench.see(() => navigator.storage.persisted()));
        if (name === "firefox") assert.ok(granted);
        await dialog("storage");
        assert.match((await facts()).Eviction, granted ? /has promised to keep it/u : /may clear it/u);
      }
      await closeDialog();
    });

    then("the panel says when it cannot be read", async () => {
      const broken = (now) => bench.see((yes) => {
        if (yes) Object.defineProperty(navigator.storage, "estimate", { configurable: true, value: () => Promise.reject(new Error("no estimate")) });
        else delete navigator.storage.estimate;
      }, now);
      await broken(true);
      await bench.page.click("#storage");
      await bench.until(() => document.getElementById("announcer").textContent === "That cannot be said now: no estimate");
      assert.equal(await bench.see(() => document.getElementById("dialog").open), false);
      await broken(false);
      await dialog("storage");
      await broken(true);
      await bench.until(() => /^Not read anew since \d\d:\d\d:\d\d: no estimate$/u.test(document.querySelector("#dialog [role=status]")?.textContent));
      assert.match(await text("#facts-connections"), /idle/u);
      await broken(false);
      await closeDialog();
    });

    then("the panel names who waits for whom, and is read anew while it is open", async () => {
      await bench.run("CREATE TABLE held (a)");
      // A transaction that is open and does nothing holds up the run of the page.
      await bench.see(async () => {
        const { createEngine, text: sql } = await import("aludel");
        window.holder = createEngine("sqlite:///music.db");
        window.held = await window.holder.connect();
        await window.held.execute(sql("INSERT INTO held VALUES (1)"));
      });
      await bench.run("INSERT INTO held VALUES (2)", { wait: false });
      await dialog("storage");
      await bench.until(() => /waited .* for the write lock; this tab has it for /u.test(document.getElementById("facts-connections").textContent));
      assert.match(await text("#facts-connections"), /[1-9] in use/u);
      await closeDialog();
      await bench.see(() => window.held.commit().then(() => window.held.close()).then(() => window.holder.dispose()));
      await bench.idle();
      assert.match(await bench.status(), /^1 row changed/u);
      await bench.run("DROP TABLE held");
    });

    then("a file that is no healthy database is refused with its reason, and the old database stays", async () => {
      const good = await foreign();
      const spoilt = Buffer.from(good);
      spoilt.fill(0xee, Math.floor(good.length / 2), Math.floor(good.length / 2) + 9000);
      const cases = [
        ["words.db", Buffer.from("These are words, and no database at all.".repeat(200)), "This is no SQLite database"],
        ["empty.db", Buffer.alloc(0), "This is no SQLite database"],
        ["short.db", good.subarray(0, good.length - 5000), "The file is damaged"],
        ["spoilt.db", spoilt, "The file is damaged"],
      ];
      const size = async () => {
        await dialog("storage");
        const held = await bench.see(() => [...document.querySelectorAll("#dialog dt")].find((term) => term.textContent === "Database").nextElementSibling.textContent);
        await closeDialog();
        return held;
      };
      const before = await size();
      for (const [file, bytes, title] of cases) {
        writeFileSync(join(files, file), bytes);
        await (await bench.page.$("#import-file")).uploadFile(join(files, file));
        await bench.until(() => document.getElementById("dialog").open && document.getElementById("dialog-title").textContent === "Replace the database?");
        assert.match(await text("#dialog-body"), new RegExp(`^${file.replace(".", "\\.")} \\(`, "u"));
        await press("Replace it");
        await bench.until(() => document.querySelector("#dialog [role=alert]") !== null);
        assert.equal(await text("#dialog-title"), title, file);
        assert.match(await text("#dialog [role=alert]"), /Your database is what it was\./u);
        if (file === "words.db") assert.deepEqual(await bench.violations(), []);
        await closeDialog();
      }
      assert.equal(await bench.value("SELECT count(*) FROM invoice_lines"), "122578");
      assert.equal(await size(), before);
    });

    then("a file that is dropped while another one is imported does not end that import", async () => {
      const drop = (file) => bench.see((name) => {
        const file = new File(["SQLite"], name);
        // Its bytes do not come.
        file.stream = () => new ReadableStream({});
        dispatchEvent(Object.assign(new Event("drop", { cancelable: true }), { dataTransfer: { types: ["Files"], files: [file] } }));
      }, file);
      await drop("first.db");
      await bench.until(() => document.getElementById("dialog").open && document.getElementById("dialog-title").textContent === "Replace the database?");
      await press("Replace it");
      await bench.until(() => document.getElementById("dialog-title").textContent === "Importing first.db");
      await drop("second.db");
      await bench.until(() => document.getElementById("announcer").textContent === "A file is being imported: wait for it, or cancel it");
      assert.deepEqual([await text("#dialog-title"), await bench.see(() => document.getElementById("dialog").open)], ["Importing first.db", true]);
      await press("Cancel");
      await bench.until(() => document.getElementById("announcer").textContent === "Not imported; the database is what it was");
      await drop("third.db");
      await bench.until(() => document.getElementById("dialog").open && document.getElementById("dialog-title").textContent === "Replace the database?");
      await press("Keep mine");
      await bench.until(() => !document.getElementById("dialog").open);
    });

    then("a database of another program takes the place of this one, in every tab, and is still there after a reload", async () => {
      writeFileSync(join(files, "foreign.sqlite"), await foreign());
      const other = await Workbench.open(chosen.browser, url);
      await other.ready();
      await bench.page.bringToFront();
      const choose = async () => {
        await (await bench.page.$("#import-file")).uploadFile(join(files, "foreign.sqlite"));
        await bench.until(() => document.getElementById("dialog").open && document.getElementById("dialog-title").textContent === "Replace the database?");
      };
      await choose();
      await press("Keep mine");
      await bench.until(() => !document.getElementById("dialog").open);
      assert.equal(await bench.value("SELECT count(*) FROM artists"), "1200");
      await choose();
      await press("Replace it");
      await bench.until(() => document.getElementById("status-text").textContent === "foreign.sqlite is here: 1 table");
      assert.deepEqual(await bench.tables(), { [HOSTILE]: 300 });
      await other.page.bringToFront();
      await other.until(() => document.querySelectorAll("#tree [aria-level='1']").length === 1);
      assert.deepEqual(await other.tables(), { [HOSTILE]: 300 });
      await other.page.close();
      await bench.page.bringToFront();
      await bench.page.reload();
      await bench.ready();
      assert.deepEqual(await bench.see(() => window.covers), ["Opening the database"]);
      assert.deepEqual(await bench.tables(), { [HOSTILE]: 300 });
      await bench.type("");
      await bench.page.click("#tree [aria-level='1'] .tree-name");
      await bench.until(() => /^300 rows/u.test(document.getElementById("status-text").textContent));
      assert.deepEqual((await bench.rows(1))[0], ["id", HOSTILE]);
      assert.equal(await bench.see(() => document.querySelectorAll("#tree img, #panel img").length), 0);
    });

    then("all of it fits a window of 360 pixels", async () => {
      await bench.page.setViewport({ width: 360, height: 740 });
      const fits = async (what) => {
        assert.equal(await bench.see(() => Math.max(document.documentElement.scrollWidth, document.body.scrollWidth)), 360, what);
        assert.deepEqual(await bench.violations(), [], what);
      };
      for (const id of ["run", "cancel", "explain", "follow", "history", "examples", "import", "download", "storage", "keys", "theme"]) {
        const box = await bench.see((which) => document.getElementById(which).getBoundingClientRect().toJSON(), id);
        assert.ok(box.left >= 0 && box.right <= 360, `${id} is on the screen`);
      }
      await bench.run("WITH months(month, sold, earned) AS (VALUES ('2024-01', 3, 4.5), ('2024-02', 5, 6.5)) SELECT * FROM months");
      await chart();
      await bench.until(() => document.querySelector(".chart svg") !== null);
      await fits("chart");
      await bench.page.click("#explain");
      await bench.until(() => document.querySelector(".plan-tree") !== null);
      await fits("plan");
      await bench.page.click("#follow");
      await bench.until(() => document.querySelector(".live-view .grid-row") !== null);
      await fits("live");
      for (const id of ["history", "storage"]) {
        await dialog(id);
        await fits(id);
        await closeDialog();
      }
    });
  });
}
