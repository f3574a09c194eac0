// Tests of the other files over the worker on their own thread: nothing is to be different.
process.env.ALUDEL_INLINE = "1";
for (const file of ["surface_connection", "surface_engine", "surface_ancestors", "surface_results", "procedures", "aggregates", "hooks", "watch"]) {
  await import(`./${file}.test.mjs`);
}
