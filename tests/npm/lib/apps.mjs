// Small apps that have the packed package installed as a user would have it.
import { execFile } from "node:child_process";
import { cp, mkdtemp, mkdir, readdir, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const here = fileURLToPath(new URL("../", import.meta.url));
const root = fileURLToPath(new URL("../../../", import.meta.url));

/** The directory of the package as it is published, and of its twin whose worker can be told to fail. */
export const pkg = process.env.ALUDEL_PKG || join(root, "pkg");
export const faults = process.env.ALUDEL_PKG_FAULTS || join(root, "dist/faults");
/** The bundlers and other tools. */
export const tools = join(root, "tests/node_modules");

const exec = promisify(execFile);

/** Runs a program; its output stands in the error when it fails. */
export async function run(program, args, options = {}) {
  try {
    return await exec(program, args, { maxBuffer: 1 << 26, ...options });
  } catch (error) {
    throw new Error(`${program} ${args.join(" ")} failed\n${error.stdout}\n${error.stderr}`);
  }
}

/** Runs a tool of tests/node_modules. */
export const tool = (script, args, options) => run(process.execPath, [join(tools, script), ...args], options);

/**
 * Makes an app in a directory of its own: the files of tests/npm/app, and the package, packed and installed from its
 * tarball. The returned function removes it.
 */
export async function makeApp(from = pkg) {
  const directory = await mkdtemp(join(tmpdir(), "aludel-app-"));
  const remove = () => rm(directory, { recursive: true, force: true, maxRetries: 5 });
  try {
    await run("npm", ["pack", "--ignore-scripts", "--pack-destination", directory], { cwd: from });
    const tarball = (await readdir(directory)).find((name) => name.endsWith(".tgz"));
    const manifest = { name: "app", private: true, type: "module", dependencies: { aludel: `file:./${tarball}` } };
    await writeFile(join(directory, "package.json"), JSON.stringify(manifest));
    await run("npm", ["install", "--offline", "--no-audit", "--no-fund", "--ignore-scripts"], { cwd: directory });
    await cp(join(here, "app"), join(directory, "src"), { recursive: true });
    await cp(join(here, "app/index.html"), join(directory, "index.html"));
    // A worker whose frames are counted is made by the page itself. It has a place of its own, so that it cannot stand
    // in for files that a bundler forgot.
    await mkdir(join(directory, "public/counted"), { recursive: true });
    for (const file of ["worker.js", "worker.wasm"]) {
      await cp(join(directory, "node_modules/aludel", file), join(directory, "public/counted", file));
    }
    await cp(join(here, "app/workers"), join(directory, "public/counted"), { recursive: true });
    return { directory, remove };
  } catch (error) {
    await remove();
    throw error;
  }
}

/** Lets an app find the bundlers, too. */
export async function linkTools(directory) {
  for (const name of await readdir(tools)) {
    if (name.startsWith(".") || name === "aludel") continue;
    await symlink(join(tools, name), join(directory, "node_modules", name)).catch(() => undefined);
  }
}
