/**
 * The package for Node, where workers are threads and files are on disk.
 *
 * @module
 */

export * from "./index.js";
export { createAsyncEngine, createEngine } from "./node.js";
export { databaseExists, dropDatabase, listDatabases } from "./node_databases.js";
