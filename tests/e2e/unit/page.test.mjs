// The page as it is on file: it brings everything itself, and its policy allows nothing else.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync, readdirSync } from "node:fs";
import { test } from "node:test";
import { schemaTree } from "../../../www/app/tree/model.js";

const www = new URL("../../../www/", import.meta.url);
const page = readFileSync(new URL("index.html", www), "utf8");
const files = readdirSync(www, { recursive: true }).map(String).filter((name) => /\.(?:js|css|html|svg)$/u.test(name));
const sources = files.map((name) => [name, readFileSync(new URL(name, www), "utf8")]);

test("the policy's hash is that of the import map", () => {
  const map = /<script type="importmap">([^]*?)<\/script>/u.exec(page)[1];
  assert.deepEqual(Object.keys(JSON.parse(map).imports), ["aludel"]);
  assert.ok(page.includes(`'sha256-${createHash("sha256").update(map).digest("base64")}'`));
});

test("nothing comes from elsewhere, and nothing is styled or scripted inline", () => {
  for (const [name, text] of sources) {
    const foreign = text.match(/\b(?:https?:)?\/\/[a-z0-9.-]+\.[a-z]{2,}/giu)?.filter((url) => !url.includes("www.w3.org"));
    assert.deepEqual(foreign ?? [], [], name);
  }
  assert.doesNotMatch(page, /\sstyle=|\son[a-z]+=|<style/u);
});

test("every element that the program asks for is on the page, once", () => {
  const ids = [...page.matchAll(/\sid="([^"]+)"/gu)].map((match) => match[1]);
  assert.equal(new Set(ids).size, ids.length);
  for (const [name, text] of sources) {
    for (const [, id] of text.matchAll(/byId\("([^"]+)"\)/gu)) assert.ok(ids.includes(id), `${name}: ${id}`);
  }
});

test("every icon that is used is drawn", () => {
  const drawn = new Set([...page.matchAll(/<symbol id="icon-([^"]+)"/gu)].map((match) => match[1]));
  const used = [...page.matchAll(/href="#icon-([^"]+)"/gu), ...sources.flatMap(([, text]) => [...text.matchAll(/\bicon\("([^"]+)"\)/gu)])];
  for (const [, name] of used) assert.ok(drawn.has(name), name);
});

test("only the package is imported from outside the page", () => {
  for (const [name, text] of sources) {
    for (const [, from] of text.matchAll(/^import [^;]*? from "([^"]+)";/gmu)) assert.ok(from === "aludel" || from.startsWith("."), `${name}: ${from}`);
  }
});

test("the schema becomes a tree", () => {
  const tree = schemaTree(
    [["table", "t"], ["view", "v"]],
    [["t", "id", "INTEGER", 0, 1, 0], ["t", "p", "INTEGER", 1, 0, 0], ["t", "h", "", 0, 0, 1], ["t", "g", "", 0, 0, 2]],
    [["t", "p", "parent", null]],
    [["t", "i", 1, "p"], ["t", "i", 1, null], ["t", "j", 0, "g"], ["gone", "k", 0, "x"]]);
  assert.deepEqual(tree.map(({ name, type }) => [name, type]), [["t", "table"], ["v", "view"]]);
  assert.deepEqual(tree[0].columns.map(({ name, marks, words }) => [name, marks, words]), [
    ["id", ["PK"], "INTEGER, primary key"], ["p", ["FK"], "INTEGER, references parent"], ["g", [], "any type, generated, may be NULL"]]);
  assert.deepEqual(tree[0].indexes, [{ name: "i", unique: true, columns: ["p", "an expression"] }, { name: "j", unique: false, columns: ["g"] }]);
});
