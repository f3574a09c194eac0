/**
 * Where statements pause: the worker's wasm is suspended in the midst of one, and others run, in browsers that have JSPI
 * (JavaScript Promise Integration).
 *
 * @module
 */

/** Suspends and resumes what runs in the worker's wasm. */
export class SliceHost {
  readonly #run: () => void;
  /** What lets each statement that pauses go on, by its number. */
  readonly #paused = new Map<number, () => void>();

  /** `run` is the export of the wasm that can be suspended; `fail` is told of a trap, after which the wasm is broken. */
  constructor(run: () => Promise<void>, fail: (reason: unknown) => void) {
    this.#run = () => void run().catch(fail);
  }

  /** Whether the browser can suspend wasm. */
  can(): boolean {
    return "Suspending" in WebAssembly && "promising" in WebAssembly;
  }

  /** Runs what there is to do, as soon as nothing else of the wasm is on the stack: what is suspended goes on from there. */
  enter(): void {
    queueMicrotask(this.#run);
  }

  /** Suspends what runs until the statement with this number is to go on. */
  pause(statement: number): Promise<void> {
    return new Promise((resolve) => this.#paused.set(statement, resolve));
  }

  /** Has a statement that pauses go on. */
  resume(statement: number): void {
    const resolve = this.#paused.get(statement);
    this.#paused.delete(statement);
    resolve?.();
  }
}
