// Why an import failed, in words.

/** What went wrong with an import, in words: always with the reassurance that nothing was lost. */
export function importFailure(error) {
  const kept = "Your database is what it was.";
  if (error?.reason === "not-a-database") return { title: "This is no SQLite database", text: `The file does not begin as a SQLite database does. ${kept}` };
  if (error?.reason === "corrupt") return { title: "The file is damaged", text: `It begins as a SQLite database does, but SQLite finds errors in it. ${kept}` };
  if (error?.reason === "quota") return { title: "There is no room for it", text: `An import needs room three times: the browser gives this site no more. ${kept}` };
  if (error?.name === "NotSupportedError") return { title: "This database cannot be used here", text: `It needs something that is not here. ${kept}` };
  return { title: "The import failed", text: kept };
}
