/**
 * The worker as a function: `worker.js` within the scope of a call, so that there can be as many as there are engines. The package is
 * put together with it.
 *
 * @param self - What is the worker's global scope.
 */
export declare function run(self: object, globalThis: object, navigator: object, MessageChannel: unknown, queueMicrotask: (work: () => void) => void): void;
