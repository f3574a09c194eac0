// The worker of the package in a browser that has no origin private file system.
StorageManager.prototype.getDirectory = undefined;
await import("./worker.js");
