/**
 * Errors that nobody can be given.
 *
 * @module
 */

/**
 * Shows an error as one that nobody caught.
 * @internal
 */
export function report(error: unknown): void {
  if (typeof reportError === "function") reportError(error);
  else console.error(error);
}
