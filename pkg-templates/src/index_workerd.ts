/**
 * The package for workerd (Cloudflare Workers), which compiles no bytes: there the wasm is imported as a module.
 *
 * @module
 */

import client from "./client.wasm";
import core from "./core.wasm";
import { provideCore } from "./core/wasm.js";
import { provideModule } from "./wasm.js";

provideModule(client);
provideCore(core);

export * from "./index.js";
