// Stands in front of the worker's own script, in a block of its own in which `TOLD` is what the driver wants:
//
//   aim: { file, op, ends, suspended, nth, when }
//                                  asks the driver, and waits for its answer, at the nth such call: before it, after it,
//                                  or (torn) when a part of its bytes is written. The driver answers by killing something.
//                                  With `ends`, only what ends a commit counts; with `suspended`, only what is called while
//                                  at least so many statements are suspended.
//   mutant: "..."                  makes the files misbehave as tests must notice.
//
// Only what the package calls is replaced: nothing of the package itself.
const { aim, mutant } = TOLD;
const Handle = globalThis.FileSystemSyncAccessHandle;
if (Handle !== undefined) {
  const kinds = new WeakMap();
  const open = FileSystemFileHandle.prototype.createSyncAccessHandle;
  FileSystemFileHandle.prototype.createSyncAccessHandle = async function (...args) {
    const handle = await open.apply(this, args);
    kinds.set(handle, /-(wal|journal|mark)$/.exec(this.name)?.[1] ?? (/\.db$/.test(this.name) ? "main" : "other"));
    return handle;
  };
  const plain = Object.fromEntries(["read", "write", "truncate", "flush", "getSize", "close"].map((op) => [op, Handle.prototype[op]]));

  // How many statements are suspended. Where the browser cannot suspend any, there are none.
  let suspended = 0;
  const { Suspending } = WebAssembly;
  if (Suspending !== undefined) {
    WebAssembly.Suspending = function (call) {
      return new Suspending((...args) => {
        const result = call(...args);
        if (typeof result?.then === "function") {
          suspended++;
          // Before the statement goes on, which waits for the same promise.
          const less = () => void suspended--;
          result.then(less, less);
        }
        return result;
      });
    };
  }

  const ask = (what) => {
    const request = new XMLHttpRequest();
    // Synchronous: nothing of this worker goes on until the driver answers, or for ever.
    request.open("POST", "/aim", false);
    try {
      request.send(JSON.stringify(what));
    } catch {
      // The request of a worker that is being ended may end before the worker does, which then goes on for a while: its files
      // have not failed.
    }
  };
  let count = 0;
  // A frame of a log begins with its page and, if it ends a commit, the size of the database; the log's own head has neither.
  // Several frames may be written at once, all of the same log: the last of them tells.
  const SIZES = [512, 1024, 2048, 4096, 8192, 16384, 32768, 65536];
  const hasSalts = (bytes, other) => bytes.subarray(8, 16).every((byte, i) => byte === bytes[other + 8 + i]);
  const ends = (bytes, { at }) =>
    at > 0 &&
    SIZES.map((size) => size + 24).some((frame) => {
      const last = bytes.byteLength - frame;
      return bytes.byteLength % frame === 0 && hasSalts(bytes, last) && bytes.subarray(last + 4, last + 8).some((byte) => byte !== 0);
    });
  const aimed = (handle, op, call, torn, counts = () => true) => {
    if (!aim || aim.file !== kinds.get(handle) || aim.op !== op || suspended < (aim.suspended ?? 0)) return call();
    if ((aim.ends && !counts()) || ++count !== aim.nth) return call();
    if (aim.when === "before") ask(aim);
    if (aim.when === "torn" && torn !== undefined) {
      torn();
      ask(aim);
    }
    const result = call();
    if (aim.when === "after") ask(aim);
    return result;
  };

  // Early acknowledgement: what is written to the log stands here for a while before it is really written.
  const late = new Map();
  const catchUp = (handle) => {
    const writes = late.get(handle) ?? [];
    late.delete(handle);
    for (const { bytes, at } of writes) plain.write.call(handle, bytes, { at });
  };
  const overlay = (handle, buffer, start, count) => {
    for (const { bytes, at } of late.get(handle) ?? []) {
      const [from, to] = [Math.max(at, start), Math.min(at + bytes.length, start + buffer.length)];
      if (from >= to) continue;
      buffer.set(bytes.subarray(from - at, to - at), from - start);
      count = Math.max(count, to - start);
    }
    return count;
  };
  let writes = 0;
  const MUTANTS = {
    // One write to the log in a hundred is lost, and said to be done.
    "dropped-wal-write": {
      write: (handle, bytes) => (kinds.get(handle) === "wal" && ++writes % 100 === 99 ? bytes.byteLength : undefined),
    },
    "early-acknowledgement": {
      write(handle, bytes, { at }) {
        if (kinds.get(handle) !== "wal") return undefined;
        if (!late.has(handle)) {
          late.set(handle, []);
          setTimeout(() => catchUp(handle), 400);
        }
        late.get(handle).push({ bytes: bytes.slice(), at });
        return bytes.byteLength;
      },
      read: (handle, buffer, { at }) => overlay(handle, buffer, at, plain.read.call(handle, buffer, { at })),
      flush: () => true,
      before: catchUp,
    },
    // What is marked of commits is never written, so nobody can tell what became of one.
    "lost-marks": { write: (handle, bytes, { at }) => (kinds.get(handle) === "mark" && at >= 4096 ? bytes.byteLength : undefined) },
    // Nothing is ever flushed.
    "no-flush": { flush: () => true },
  };
  const { write, read, flush, before } = MUTANTS[mutant] ?? {};

  Handle.prototype.read = function (buffer, options) {
    return read === undefined ? plain.read.call(this, buffer, options) : read(this, buffer, options);
  };
  Handle.prototype.write = function (bytes, options) {
    return aimed(
      this,
      "write",
      () => write?.(this, bytes, options) ?? plain.write.call(this, bytes, options),
      () => plain.write.call(this, bytes.subarray(0, bytes.byteLength >> 1), options),
      () => ends(bytes, options),
    );
  };
  Handle.prototype.flush = function () {
    return aimed(this, "flush", () => flush?.(this) ?? plain.flush.call(this));
  };
  Handle.prototype.truncate = function (size) {
    return aimed(this, "truncate", () => {
      before?.(this);
      return plain.truncate.call(this, size);
    });
  };
  for (const op of ["getSize", "close"]) {
    Handle.prototype[op] = function () {
      before?.(this);
      return plain[op].call(this);
    };
  }
}
