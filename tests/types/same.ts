// How the other files say that two types are the same.

/** True if both types are the same. */
export type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
/** Compiles only where that is true: `same<Same<A, B>>()`. */
export const same = <T extends true>(): T | undefined => undefined;
/** Compiles only if both types are the same, or are not, as is said. */
export const sameTypes = <A, B>(_: Same<A, B>): void => undefined;
