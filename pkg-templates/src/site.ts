/**
 * Where in a program a connection was taken.
 *
 * An error is made where the caller is still on the stack; its stack becomes a text only when somebody wants to know.
 *
 * @module
 */

/**
 * Where the function was called that made this error: `main (https://example.com/app.js:12:3)`. Null where the browser
 * does not say.
 * @internal
 */
export function callerOf(made: Error): string | null {
  const frames = (made.stack ?? "").split("\n").map(frame).filter((text) => text !== "");
  // The first is the function itself. What has no place in a file (`Array.map`) is nobody's line.
  return frames.slice(1).find((text) => /:\d+\)?$/.test(text)) ?? null;
}

/** One line of a stack: `    at f (url:1:2)` in V8, `f@url:1:2` elsewhere. */
function frame(line: string): string {
  const v8 = /^\s*at (?:async )?(.*)$/.exec(line);
  if (v8 !== null) return v8[1] as string;
  const at = line.indexOf("@");
  if (at < 0) return "";
  const name = line.slice(0, at).replace(/^async\*/, "");
  const place = line.slice(at + 1);
  return name === "" ? place : `${name} (${place})`;
}
