// A SQLite file of the user's takes the place of the database: asked first, checked by the engine, with progress and a way out.

import { byId, h, toast } from "../dom.js";
import { close, onClosed, show } from "../dialog.js";
import { message } from "../errors.js";
import { bytes } from "../format.js";
import { importFailure } from "./import_words.js";

const PHASES = { receive: "Reading the file", check: "Checking that it is a healthy database", copy: "Putting it into place" };

/**
 * Asks, imports and says how it went.
 * @param {File} file
 * @param {{ begin: () => void, done: (file: File) => Promise<void>, end: () => void }} listener `done` is called when the
 *   database is another one, `begin` before anything is done and `end` after it, whatever came of it.
 */
export function importFile(engine, file, listener) {
  show("Replace the database?",
    h("p", {}, h("strong", { textContent: file.name }), ` (${bytes(file.size)}) takes the place of everything in this database, in every tab. Download the database first if you want to keep it.`),
    h("div", { class: "dialog-actions" },
      h("button", { class: "button danger", type: "button", textContent: "Replace it", onclick: () => void bring(engine, file, listener) }),
      h("button", { class: "button", type: "button", textContent: "Keep mine", onclick: close })));
}

async function bring(engine, file, { begin, done, end }) {
  begin();
  const stop = new AbortController();
  const bar = h("progress", { max: 1, "aria-label": "Progress of the import" });
  const words = h("p", { textContent: PHASES.receive, role: "status" });
  show(`Importing ${file.name}`, words, bar, h("div", { class: "dialog-actions" }, h("button", { class: "button", type: "button", textContent: "Cancel", onclick: close })));
  onClosed(() => stop.abort());
  try {
    await engine.importBytes(file, { signal: stop.signal, onProgress: ({ phase, done, total }) => {
      words.textContent = PHASES[phase] ?? phase;
      // Nobody knows how far a check is.
      if (phase === "check" || !(total > 0)) bar.removeAttribute("value");
      else bar.value = done / total;
    } });
    onClosed(() => {});
    close();
    await done(file);
  } catch (error) {
    onClosed(() => {});
    if (stop.signal.aborted) {
      toast("Not imported; the database is what it was");
      return;
    }
    const { title, text } = importFailure(error);
    show(title, h("div", { role: "alert" }, h("p", { textContent: text }), h("p", { class: "quiet-text", textContent: message(error) })),
      h("div", { class: "dialog-actions" }, h("button", { class: "button primary", type: "button", textContent: "Close", onclick: close })));
  } finally {
    end();
  }
}

/** Wires the button, the chooser of files, and files that are dropped onto the page. */
export function offerImport(take) {
  const input = byId("import-file");
  byId("import").addEventListener("click", () => input.click());
  input.addEventListener("change", () => {
    const [file] = input.files;
    input.value = "";
    if (file !== undefined) take(file);
  });
  const files = (event) => event.dataTransfer?.types.includes("Files");
  addEventListener("dragover", (event) => files(event) && event.preventDefault());
  addEventListener("drop", (event) => {
    if (!files(event)) return;
    event.preventDefault();
    const [file] = event.dataTransfer.files;
    if (file !== undefined && !byId("import").disabled) take(file);
  });
}
