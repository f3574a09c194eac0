// The demo, driven in real browsers as its users drive it.

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { after, before, describe, test } from "node:test";
import { serve } from "./site.mjs";
import { browsers, launch, PLAIN_HOST, saved, Workbench } from "./workbench.mjs";
import { musicStore } from "../../www/app/store/catalogue.js";
import { EXAMPLES } from "../../www/app/examples.js";

const { totals } = musicStore();
const example = (title) => EXAMPLES.find((each) => each.title === title).sql;

for (const name of browsers) {
  describe(`the demo in ${name}`, () => {
    let site;
    let chosen;
    let bench;
    let url;
    let started = false;

    before(async () => {
      site = await serve();
      url = `http://localhost:${site.port}/`;
      chosen = await launch(name);
    });
    after(async () => {
      await chosen?.close();
      site?.close();
    });

    test("the first visit makes the music store, with progress, and shows a first result", async () => {
      bench = await Workbench.open(chosen.browser, url);
      await bench.ready();
      started = true;
      assert.deepEqual(await bench.see(() => window.covers), ["Opening the database", "Making a music store"]);
      const steps = await bench.see(() => window.steps);
      assert.ok(steps.some((value) => value > 0 && value < 1), "the bar moved");
      assert.ok(steps.every((value, i) => i === 0 || value >= steps[i - 1]), "and never backwards");
      assert.deepEqual(await bench.tables(), totals);
      await bench.idle();
      const rows = await bench.rows(50);
      assert.deepEqual(rows[0], ["artist", "genre", "sold", "revenue"]);
      assert.ok(rows.length > 5 && Number(rows[1][3]) >= Number(rows[2][3]));
      assert.match(await bench.status(), /^50 rows in /u);
      assert.match(await bench.see(() => document.getElementById("storage").textContent), /Kept in this browser\d+(?:\.\d)? MB/u);
    });

    // Without the store nothing below can work, and each would only wait in vain.
    const then = (what, check) => test(what, async () => {
      assert.ok(started, "the demo did not start");
      await check();
    });

    then("the store is the same in every browser", async () => {
      assert.equal(await bench.value("SELECT printf('%.2f', sum(total)) FROM invoices"), "150421.88");
      assert.equal(await bench.value("SELECT name FROM artists WHERE id = 7"), "Meera Desai");
    });

    then("a reload finds the database again, with what was changed in it", async () => {
      await bench.run("INSERT INTO artists (id, name, genre, country, formed) VALUES (5000, 'The Reloaded', 'Rock', 'Norway', 2020)");
      assert.match(await bench.status(), /^1 row changed in /u);
      await bench.page.reload();
      await bench.ready();
      assert.deepEqual(await bench.see(() => window.covers), ["Opening the database"]);
      assert.equal(await bench.value("SELECT name FROM artists WHERE id = 5000"), "The Reloaded");
      await bench.run("DELETE FROM artists WHERE id = 5000");
      assert.deepEqual(await bench.tables(), totals);
    });

    then("a seeding that was interrupted is finished by the next visit", async () => {
      // Another origin, so another database.
      const other = await Workbench.open(chosen.browser, `http://127.0.0.1:${site.port}/`);
      await other.until(() => document.getElementById("progress").value > 0.3);
      await other.page.reload();
      await other.ready();
      assert.ok((await other.see(() => window.covers)).includes("Making a music store"));
      assert.deepEqual(await other.tables(), totals);
      assert.equal(await other.value("SELECT count(*) = count(DISTINCT id) AND max(id) = count(*) FROM invoice_lines"), "1");
      assert.equal(await other.value("PRAGMA user_version"), "1");
      await other.page.close();
    });

    then("more than 100,000 rows are shown with few elements, and scroll", async () => {
      await bench.run(example("Every invoice line"));
      const count = totals.invoice_lines;
      assert.match(await bench.status(), new RegExp(`^${count.toLocaleString("en")} rows in .*the first after `, "u"));
      const grid = () => bench.see(() => {
        const element = document.querySelector("#panel [role=grid]");
        const inner = element.getBoundingClientRect();
        const indexes = [...element.querySelectorAll("[role=row]")].map((row) => Number(row.getAttribute("aria-rowindex")));
        const bottom = Math.max(...[...element.querySelectorAll(".grid-row")].map((row) => row.getBoundingClientRect().bottom));
        return { rowcount: element.getAttribute("aria-rowcount"), colcount: element.getAttribute("aria-colcount"), elements: element.querySelectorAll("*").length,
          indexes, filled: bottom >= inner.bottom - 40 };
      });
      const top = await grid();
      assert.equal(top.rowcount, String(count + 1));
      assert.equal(top.colcount, "7");
      assert.ok(top.elements < 600, `${top.elements} elements`);
      assert.deepEqual(top.indexes.slice(0, 3), [1, 2, 3]);
      const { blank, typical } = await bench.see(async () => {
        const element = document.querySelector("#panel [role=grid]");
        const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));
        const times = [];
        let blank = 0;
        for (let step = 0; step <= 60; step += 1) {
          const before = performance.now();
          element.scrollTop = (element.scrollHeight - element.clientHeight) * (step / 60);
          await frame();
          times.push(performance.now() - before);
          await frame();
          const middle = Math.floor((element.scrollTop + element.clientHeight / 2) / 28) + 1;
          if (element.querySelector(`[aria-rowindex="${middle}"]`) === null) blank += 1;
        }
        return { blank, typical: times.sort((a, b) => a - b)[30] };
      });
      console.log(`${name}: a frame while scrolling through ${count} rows took ${typical.toFixed(0)} ms, in the median`);
      assert.equal(blank, 0, "no frame was blank");
      await bench.until((index) => [...document.querySelectorAll(".grid-row")].some((row) => row.getAttribute("aria-rowindex") === index), String(count + 1));
      const end = await grid();
      assert.ok(end.elements < 600 && end.filled);
    });

    then("an error is shown in place, with the caret where SQLite says", async () => {
      const sql = "SELECT 1;\nSELECT first_name,\n       county\nFROM customers;";
      await bench.run(sql);
      assert.match(await bench.status(), /^OperationalError: no such column: county/u);
      const { title, excerpt, start, invalid, flaw, focus } = await bench.see(() => ({
        title: document.querySelector(".failure h2").textContent,
        excerpt: document.querySelector(".excerpt").textContent,
        start: document.getElementById("sql").selectionStart,
        invalid: document.getElementById("sql").getAttribute("aria-invalid"),
        flaw: document.querySelector(".flaw").textContent,
        focus: document.activeElement.id,
      }));
      assert.equal(title, "OperationalError");
      assert.equal(excerpt, "       county\n       ^");
      assert.deepEqual([start, invalid, flaw, focus], [sql.indexOf("county"), "true", "county", "sql"]);
      await bench.type("SELECT 2");
      assert.equal(await bench.see(() => document.getElementById("sql").getAttribute("aria-invalid")), null);
    });

    then("what stands before an error in the same run is rolled back", async () => {
      await bench.run("CREATE TABLE half (a); INSERT INTO half VALUES (1); SELECT nonsense FROM half;");
      assert.match(await bench.see(() => document.querySelector(".failure").textContent), /rolled back: nothing of this run was kept/u);
      assert.equal(await bench.value("SELECT count(*) FROM sqlite_schema WHERE name = 'half'"), "0");
    });

    then("a violated constraint is told in words", async () => {
      await bench.run("INSERT INTO artists (name, genre, country, formed) SELECT name, genre, country, formed FROM artists LIMIT 1");
      const text = await bench.see(() => document.querySelector(".failure").textContent);
      assert.match(text, /IntegrityError/u);
      assert.match(text, /It is about name of artists/u);
    });

    then("several statements run in order; each with rows has its tab", async () => {
      await bench.run("CREATE TABLE notes (body TEXT);\nINSERT INTO notes VALUES ('a;b'), ('c');\nSELECT * FROM notes; -- the end\nSELECT count(*) AS n FROM notes;\nDROP TABLE notes;");
      assert.match(await bench.status(), /^5 statements in /u);
      assert.deepEqual(await bench.see(() => [...document.querySelectorAll("[role=tab]")].map((tab) => tab.textContent)), ["Overview", "3SELECT2", "4SELECT1"]);
      assert.deepEqual(await bench.rows(), [["n"], ["2"]]);
      await bench.page.click("#tab-2");
      assert.deepEqual(await bench.rows(), [["body"], ["a;b"], ["c"]]);
      await bench.page.click("#tab-all");
      assert.match(await bench.see(() => document.querySelector(".overview").textContent), /2 rows changed/u);
    });

    then("a selection runs alone", async () => {
      const sql = "SELECT 'no';\nSELECT 'yes' AS chosen;\nSELECT 'no';";
      const from = sql.indexOf("SELECT 'yes'");
      await bench.type(sql, from, sql.indexOf(";", from));
      await bench.press("Control+Enter");
      await bench.idle();
      assert.deepEqual(await bench.rows(), [["chosen"], ["yes"]]);
    });

    then("a running query is cancelled, and the next one runs", async () => {
      await bench.run(example("A long query to cancel"), { wait: false });
      await bench.until(() => document.getElementById("panel").querySelectorAll(".grid-row").length > 0);
      await bench.page.click("#cancel");
      await bench.idle();
      assert.match(await bench.status(), /^Cancelled after .* rows? so far$/u);
      assert.equal(await bench.value("SELECT 'still here'"), "still here");
    });

    then("a query that makes no rows is cancelled too, and the data stays", async () => {
      await bench.run("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 4000000000) SELECT count(*) FROM n", { wait: false });
      await bench.until(() => /^Running… \d/u.test(document.getElementById("status-text").textContent));
      await bench.press("Escape");
      await bench.idle();
      assert.match(await bench.status(), /^Cancelled after /u);
      assert.equal(await bench.value("SELECT count(*) FROM invoices"), String(totals.invoices));
    });

    then("NULL, numbers, texts and blobs look different, and odd columns are shown", async () => {
      await bench.run("SELECT NULL AS a, 9007199254740993 AS b, 'NULL' AS c, x'0102' AS d, 1.5 AS __proto__, 2 AS length, 3 AS length, 4 AS \"\", 5 AS \"then\"");
      await bench.rows();
      const cells = await bench.see(() => [...document.querySelectorAll(".grid-cell")].map((cell) => [cell.className.split(" ")[1], cell.textContent]));
      assert.deepEqual(cells, [["null", "NULL"], ["number", "9007199254740993"], ["text", "NULL"], ["blob", "BLOB · 2 B"], ["number", "1.5"],
        ["number", "2"], ["number", "3"], ["number", "4"], ["number", "5"]]);
    });

    then("the download is the database, complete", async () => {
      await bench.page.click("#download");
      const bytes = await saved(chosen.downloads, "music.db");
      assert.equal(bytes.subarray(0, 16).toString("latin1"), "SQLite format 3\0");
      const pageSize = bytes.readUInt16BE(16);
      assert.equal(bytes.length, pageSize * bytes.readUInt32BE(28));
      assert.deepEqual([bytes[18], bytes[19]], [1, 1], "no WAL needed");
      // Another SQLite reads it.
      const require = createRequire(import.meta.url);
      const { Database } = await require("sql.js")();
      const copy = new Database(bytes);
      const scalar = (sql) => copy.exec(sql)[0].values[0][0];
      assert.equal(scalar("PRAGMA integrity_check"), "ok");
      for (const [table, count] of Object.entries(totals)) assert.equal(scalar(`SELECT count(*) FROM ${table}`), count);
      copy.close();
    });

    then("everything is within reach of the keyboard", async () => {
      const focused = () => bench.see(() => document.activeElement.id || document.activeElement.dataset.name || document.activeElement.getAttribute("role"));
      await bench.page.reload();
      await bench.ready();
      await bench.idle();
      await bench.press("Tab");
      assert.equal(await bench.see(() => document.activeElement.className), "skip");
      await bench.press("Enter");
      assert.equal(await focused(), "sql");
      await bench.type("");
      // To the tables; open one, and a column's name goes into the editor.
      await bench.press("Shift+F6");
      assert.equal(await focused(), "artists");
      await bench.press("t");
      assert.equal(await focused(), "tracks");
      await bench.press("ArrowRight");
      assert.equal(await bench.see(() => document.activeElement.getAttribute("aria-expanded")), "true");
      await bench.press("ArrowDown");
      await bench.press("Enter");
      assert.equal(await bench.see(() => document.getElementById("sql").value), "id");
      await bench.type("");
      await bench.press("Shift+F6");
      await bench.press("ArrowLeft");
      assert.equal(await focused(), "tracks");
      await bench.press("Enter");
      await bench.until(() => /35,692 rows/u.test(document.getElementById("status-text").textContent));
      assert.equal(await bench.see(() => document.getElementById("sql").value), "SELECT * FROM tracks;\n");
      // Into the grid: move, open a cell, copy it.
      await bench.rows();
      await bench.press("F6");
      assert.equal(await focused(), "grid");
      await bench.press("Control+End");
      await bench.until(() => document.getElementById("active-cell")?.closest("[role=row]").getAttribute("aria-rowindex") === "35693");
      await bench.press("Control+Home");
      for (let i = 0; i < 3; i += 1) await bench.press("ArrowRight");
      const { text, active } = await bench.see(() => ({
        text: document.getElementById("active-cell").textContent, active: document.querySelector("#panel [role=grid]").getAttribute("aria-activedescendant") }));
      assert.equal(active, "active-cell");
      await bench.press("Control+c");
      await bench.until(() => document.getElementById("announcer").textContent === "Copied the cell");
      await bench.press("Enter");
      await bench.until(() => document.getElementById("dialog").open);
      assert.equal(await bench.see(() => document.querySelector(".value").textContent), text);
      await bench.press("Escape");
      await bench.until(() => !document.getElementById("dialog").open);
      assert.equal(await focused(), "grid");
      // What was copied is what is pasted.
      await bench.type("");
      await bench.press("Control+v");
      await bench.until((wanted) => document.getElementById("sql").value === wanted, text);
    });

    then("axe-core finds nothing wrong, in light and in dark", async () => {
      const clean = async (where) => assert.deepEqual(await bench.violations(), [], where);
      for (const colours of ["first", "second"]) {
        await bench.run(example("Album covers"));
        await bench.rows();
        await bench.page.click(".grid-cell");
        await bench.page.click("#tree [data-name=albums] .tree-twist");
        await clean(`grid, ${colours}`);
        await bench.run("SELECT 1; SELECT wrong");
        await clean(`error, ${colours}`);
        await bench.page.click("#tab-all");
        await clean(`overview, ${colours}`);
        for (const dialog of ["examples", "keys", "storage"]) {
          await bench.page.click(`#${dialog}`);
          await bench.until(() => document.getElementById("dialog").open);
          await clean(`${dialog}, ${colours}`);
          await bench.press("Escape");
          await bench.until(() => !document.getElementById("dialog").open);
        }
        await bench.page.click("#theme");
      }
    });

    then("it works in a window of 360 pixels", async () => {
      await bench.page.setViewport({ width: 360, height: 740 });
      const width = () => bench.see(() => Math.max(document.documentElement.scrollWidth, document.body.scrollWidth));
      await bench.type("");
      assert.equal(await width(), 360);
      await bench.page.click("#drawer");
      await bench.until(() => getComputedStyle(document.getElementById("side")).opacity === "1");
      assert.deepEqual(await bench.violations(), []);
      await bench.page.click("#tree [data-name=artists] .tree-name");
      await bench.until(() => /1,200 rows/u.test(document.getElementById("status-text").textContent));
      await bench.rows();
      assert.equal(await width(), 360);
      assert.ok(await bench.see(() => document.querySelector(".grid-row").getBoundingClientRect().top < innerHeight));
      await bench.run("SELECT wrong FROM artists");
      assert.equal(await width(), 360);
      assert.deepEqual(await bench.violations(), []);
      for (const id of ["run", "cancel", "examples", "download", "storage", "keys", "theme"]) {
        const box = await bench.see((which) => document.getElementById(which).getBoundingClientRect().toJSON(), id);
        assert.ok(box.left >= 0 && box.right <= 360, `${id} is on the screen`);
      }
      await bench.page.setViewport({ width: 1280, height: 800 });
    });

    then("a second tab has the same database, and goes on when the first is gone", async () => {
      const second = await Workbench.open(chosen.browser, url);
      await second.ready();
      assert.deepEqual(await second.tables(), totals);
      assert.deepEqual(await second.violations(), []);
      assert.deepEqual(bench.complaints, []);
      await bench.page.close();
      assert.match(await second.value("SELECT count(*) FROM artists"), /^1,?200$/u);
      assert.deepEqual(second.complaints, []);
      bench = second;
    });

    then("starting over removes what was made and makes the store anew", async () => {
      await bench.run("CREATE TABLE mine (id INTEGER PRIMARY KEY, artist INTEGER REFERENCES artists (id)); CREATE TABLE child (m REFERENCES mine (id)); "
        + "INSERT INTO mine VALUES (1, 1); INSERT INTO child VALUES (1); CREATE VIEW seen AS SELECT * FROM mine; "
        + "CREATE VIRTUAL TABLE found USING fts5 (body); INSERT INTO found VALUES ('words'); UPDATE tracks SET title = 'changed';");
      assert.match(await bench.status(), /^8 statements in /u);
      const click = (label) => bench.see((text) => [...document.querySelectorAll("#dialog button")].find((button) => button.textContent === text).click(), label);
      await bench.page.click("#storage");
      await bench.until(() => document.getElementById("dialog").open);
      await click("Start over…");
      await click("Remove and make anew");
      // Nothing else can be begun meanwhile.
      await bench.until(() => !document.getElementById("cover").hidden && ["run", "import", "storage"].every((id) => document.getElementById(id).disabled));
      await bench.ready();
      await bench.idle();
      assert.deepEqual(await bench.tables(), totals);
      assert.equal(await bench.value("SELECT count(*) FROM tracks WHERE title = 'changed'"), "0");
    });

    then("without file storage it asks before it uses memory", async () => {
      const plain = await Workbench.open(chosen.browser, `http://${PLAIN_HOST}:${site.port}/`);
      await plain.until(() => document.querySelector("#cover-actions button") !== null);
      assert.equal(await plain.see(() => document.getElementById("cover-title").textContent), "No file storage here");
      assert.deepEqual(await plain.violations(), []);
      await plain.press("Enter");
      await plain.ready();
      assert.match(await plain.see(() => document.getElementById("storage").textContent), /In memory only/u);
      assert.deepEqual(await plain.tables(), totals);
      assert.deepEqual(plain.complaints, []);
      await plain.page.close();
    });
  });
}
