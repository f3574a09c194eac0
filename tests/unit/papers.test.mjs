// What can be checked of the papers without a browser: links lead somewhere, and facts that stand in two places agree.
import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import test from "node:test";
import { repository } from "./pkg.mjs";

const read = (file) => readFileSync(repository(file), "utf8");
const below = (folder) => readdirSync(repository(folder)).filter((name) => name.endsWith(".md")).map((name) => join(folder, name));
const papers = [...below("."), ...below("docs"), "benches/README.md", "pkg-templates/README.md",
  ...["protocol", "sql", "worker", "js"].map((crate) => `crates/${crate}/README.md`)];
// The package's readme stands beside copies of the papers that it links to.
const base = (paper) => (paper === "pkg-templates/README.md" ? "." : dirname(paper));

test("every link to a file leads to one", () => {
  let links = 0;
  for (const paper of papers) {
    for (const [, target] of read(paper).matchAll(/\]\(([^)\s]+)\)/g)) {
      if (target.includes("://")) continue;
      const file = join(base(paper), target).replace(/#.*/, "");
      assert.ok(existsSync(repository(file)), `${paper} links to ${target}`);
      links++;
    }
  }
  assert.ok(links > 20, `${links} links`);
});

test("the readme names the two commands before anything else, and the oldest compiler", () => {
  const readme = read("README.md");
  const [, first] = readme.match(/^```sh\n([^]*?)^```/m);
  const commands = first.trim().split("\n").map((line) => line.split("#")[0].trim());
  assert.deepEqual(commands, ["cargo xtask demo", "cargo xtask test"]);
  assert.ok(readme.indexOf("cargo xtask demo") < readme.indexOf("\n## "));
  const [, oldest] = read("Cargo.toml").match(/^rust-version = "(.*)"$/m);
  for (const paper of ["README.md", "CONTRIBUTING.md"]) assert.ok(read(paper).includes(`Rust version${paper === "README.md" ? ":" : " is"} ${oldest}`), paper);
});

test("the readme begins with the five programs", () => {
  // That they print it is seen in tests/npm/readme.test.mjs.
  const printed = [...read("README.md").matchAll(/^```text\n([^]*?)^```$/gm)].slice(0, 5).map(([, lines]) => lines.trim().split("\n"));
  assert.deepEqual(printed, [
    ['[[42,"Async"]]', "1", "1"],
    ['["Dan Rydell","Dana Whitaker"]', "1", 'true ["users"]'],
    ["Username: Dan Rydell", "Username: Dana Whitaker", "1", "false"],
    ["1", "InvalidRequestError", '["Bob"]'],
    ['true unique ["email"]', "NoResultFound", "MultipleResultsFound"],
  ]);
});

test("the package's readme has the examples of the readme", () => {
  const blocks = (file) => [...read(file).matchAll(/^```(?:js|text)\n[^]*?^```$/gm)].map(([block]) => block);
  assert.deepEqual(blocks("pkg-templates/README.md"), blocks("README.md"));
});

test("the guide to style is short", () => {
  assert.ok(read("docs/STYLE.md").split("\n").length <= 120);
});

test("the example of procedures is what the worker is given in the programs", () => {
  const body = (text) => text.match(/^export function moveAll[^]*?^}$/m)?.[0];
  const [example, source] = ["docs/PROCEDURES.md", "tests/npm/app/jobs.js"].map((file) => body(read(file)));
  assert.ok(source.includes("conn.execute("), source);
  assert.equal(example, source);
});
