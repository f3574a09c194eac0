// The package's worker in a browser that cannot suspend WebAssembly. What is imported first runs first.
import "./no-jspi.js";
import "/aludel/worker.js";
