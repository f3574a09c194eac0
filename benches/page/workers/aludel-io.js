// The package's worker, whose calls to its files are counted; with `?unmarked` it writes no marks of commits.
const unmarked = new URL(location.href).searchParams.has("unmarked");
const { createSyncAccessHandle } = FileSystemFileHandle.prototype;
let counts = {};

FileSystemFileHandle.prototype.createSyncAccessHandle = async function (...args) {
  const handle = await createSyncAccessHandle.apply(this, args);
  const file = this.name.match(/-(wal|mark|journal)$/)?.[1] ?? "main";
  const counted = () => (counts[file] ??= { writes: 0, bytes: 0, flushes: 0 });
  const { write, flush } = handle;
  handle.write = (bytes, options) => {
    counted().writes++;
    counted().bytes += bytes.byteLength;
    return unmarked && file === "mark" ? bytes.byteLength : write.call(handle, bytes, options);
  };
  handle.flush = () => {
    counted().flushes++;
    return unmarked && file === "mark" ? undefined : flush.call(handle);
  };
  return handle;
};

// Not by messages to the worker, which are the package's own.
const channel = new BroadcastChannel("bench-io");
channel.onmessage = () => {
  channel.postMessage(counts);
  counts = {};
};

await import("/aludel/worker.js");
