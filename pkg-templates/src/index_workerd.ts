/**
 * The package for workerd (Cloudflare Workers), which compiles no bytes: there the wasm is imported as a module.
 *
 * @module
 */

import compiled from "./client.wasm";
import { provideModule } from "./wasm.js";

provideModule(compiled);

export * from "./index.js";
