// Tests with numbers that look random: the same ones with the same seed, which a failure names.
import { anySeed, random } from "../npm/app/random.js";

export { anySeed };

/** A test that is given a function from `n` to a whole number below it. `ALUDEL_SEED` takes the place of its seed. */
export const randomly = (test, seed = 7) => async () => {
  const from = Number(process.env.ALUDEL_SEED ?? seed);
  const { between } = random(from);
  try {
    await test((n) => between(0, n - 1));
  } catch (error) {
    throw new Error(`ALUDEL_SEED=${from} runs it again: ${error.message}`, { cause: error });
  }
};
