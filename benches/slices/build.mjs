// Builds the prototype: with slices, without, and one wasm file for engines with and without.
import { spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));
const target = process.env.CARGO_TARGET_DIR ?? join(root, "target");
/** Where the builds go, a folder each. */
export const out = join(target, "slices");

/** The prototype is a workspace of its own, which would have a target of its own. The package's SQLite was written by `cargo xtask setup`. */
const env = { ...process.env, CARGO_TARGET_DIR: target, SQLITE_WASM_RS_SOURCE_DIR: join(target, "sqlite") };

function run(program, ...args) {
  console.log(`${program.split("/").at(-1)} ${args.join(" ")}`);
  const { status, error } = spawnSync(program, args, { cwd: root, stdio: "inherit", env });
  if (status !== 0) throw error ?? new Error(`${program} failed`);
}

const wasmOpt = (...args) => run(join(root, "tests/node_modules/.bin/wasm-opt"), ...args);

/** Cargo and wasm-bindgen. */
function bind(variant, profile, features) {
  const manifest = join(root, "benches/slices/Cargo.toml");
  const cargo = ["build", "--manifest-path", manifest, "--target", "wasm32-unknown-unknown", "--profile", profile];
  run("cargo", ...cargo, ...features);
  const wasm = join(target, "wasm32-unknown-unknown", profile, "slices.wasm");
  const flags = ["--target", "web", "--remove-name-section", "--out-name", "slices", "--out-dir", join(out, variant)];
  run(join(root, "target/tools/bin/wasm-bindgen"), ...flags, wasm);
  renameSync(join(out, variant, "slices_bg.wasm"), join(out, variant, "slices.wasm"));
}

/** Another build's glue, changed. */
function glue(from, to, change) {
  mkdirSync(join(out, to), { recursive: true });
  writeFileSync(join(out, to, "slices.js"), change(readFileSync(join(out, from, "slices.js"), "utf8")));
}

/** Makes `plain`, `jspi`, `one` and `bare`. */
export function build(profile = "quick") {
  bind("plain", profile, []);
  bind("jspi", profile, ["--features", "jspi"]);
  // Without the instructions for exceptions every engine takes it, and glue that asks first does the rest.
  glue("jspi", "one", (js) => {
    const entered = js.replaceAll("WebAssembly.promising(", "promising(");
    const asked = entered.replaceAll("new WebAssembly.Suspending(", "suspending(");
    return `const can = "Suspending" in WebAssembly;
const suspending = (f) => (can ? new WebAssembly.Suspending(f) : f);
const promising = (f) => (can ? WebAssembly.promising(f) : f);
${asked}`;
  });
  const [from, to] = ["jspi", "one"].map((variant) => join(out, variant, "slices.wasm"));
  wasmOpt("--enable-exception-handling", "--strip-eh", "-O1", from, "-o", to);
  // What fails, to know that the histories would tell: nobody keeps the shadow stack of what is suspended.
  glue("plain", "bare", (js) => {
    const plain = /export function go\(slot\) \{\s+wasm\.go\(slot\);/;
    const pause = /(__wbg_pause_\w+: )(function\(arg0\) \{.*?\n {8}\}),/s;
    const entered = js.replace(plain, "export async function go(slot) { await WebAssembly.promising(wasm.go)(slot);");
    return entered.replace(pause, "$1new WebAssembly.Suspending($2),");
  });
  copyFileSync(join(out, "plain", "slices.wasm"), join(out, "bare", "slices.wasm"));
}

/** Shrinks the builds as a release is, and says how large they are. */
export function sizes() {
  build("release");
  const exceptions = "--enable-exception-handling";
  const flags = { plain: [], jspi: [exceptions], one: [exceptions, "--strip-eh"] };
  for (const [variant, more] of Object.entries(flags)) {
    const from = join(out, variant === "one" ? "jspi" : variant, "slices.wasm");
    wasmOpt(...more, "-Os", from, "-o", join(out, variant, "small.wasm"));
  }
  return Object.keys(flags).map((variant) => [variant, readFileSync(join(out, variant, "small.wasm"))]);
}
