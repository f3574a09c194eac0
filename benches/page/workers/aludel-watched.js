import "../watch.js";
import "/aludel/worker.js";
