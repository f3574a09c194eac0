// The worker of the package on a disk that is full as soon as the page says so.
let full = false;
addEventListener("message", ({ data }) => {
  if (typeof data?.full === "boolean") full = data.full;
});
const { write, truncate } = FileSystemSyncAccessHandle.prototype;
const guard = (method) => function (...args) {
  if (full) throw new DOMException("no room", "QuotaExceededError");
  return method.apply(this, args);
};
FileSystemSyncAccessHandle.prototype.write = guard(write);
FileSystemSyncAccessHandle.prototype.truncate = guard(truncate);
await import("./worker.js");
