// Where the compiled modules of the package are: `pkg/` as `cargo xtask package` leaves it, or $ALUDEL_PKG.
import { fileURLToPath, pathToFileURL } from "node:url";

const root = new URL("../../", import.meta.url);

/** The directory of the built package. */
export const pkg = process.env.ALUDEL_PKG ? pathToFileURL(`${process.env.ALUDEL_PKG}/`) : new URL("pkg/", root);

/** Imports one module of the package. */
export const load = (file) => import(new URL(file, pkg).href);

/** A file of tests/vectors. */
export const vectors = (file) => new URL(`tests/vectors/${file}`, root);

/** A file of the repository. */
export const repository = (file) => fileURLToPath(new URL(file, root));
