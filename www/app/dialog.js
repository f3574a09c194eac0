// The page's one dialog, filled anew each time: the browser keeps the focus in it and closes it on Escape.

import { byId, copyText, h, toast } from "./dom.js";
import { described, hexDump, imageType, kind } from "./grid/cells.js";

const dialog = byId("dialog");
let cleanUp = () => {};

byId("dialog-close").addEventListener("click", () => dialog.close());
dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
dialog.addEventListener("close", () => {
  cleanUp();
  cleanUp = () => {};
});

/** Calls a function when what is shown now is closed, in place of the one before. */
export function onClosed(run) {
  cleanUp = run;
}

/** Shows the dialog with a title and its contents. */
export function show(title, ...contents) {
  cleanUp();
  cleanUp = () => {};
  byId("dialog-title").textContent = title;
  byId("dialog-body").replaceChildren(...contents);
  if (!dialog.open) dialog.showModal();
  byId("dialog-body").scrollTop = 0;
}

/** Closes it. */
export const close = () => dialog.close();

/** A value at full length. */
export function showValue(value, name) {
  const contents = [h("p", { class: "quiet-text", textContent: described(value) })];
  let copy = value === null ? "" : String(value);
  let revoke = () => {};
  if (kind(value) === "blob") {
    copy = hexDump(value, value.byteLength);
    const type = imageType(value);
    if (type !== undefined) {
      const url = URL.createObjectURL(new Blob([value], { type }));
      revoke = () => URL.revokeObjectURL(url);
      contents.push(h("img", { class: "picture", src: url, alt: `The picture in ${name}` }));
    }
    contents.push(h("pre", { class: "value", tabIndex: 0, textContent: hexDump(value) }));
  } else if (value !== null) {
    contents.push(h("pre", { class: "value wrap", tabIndex: 0, textContent: copy }));
  }
  const button = h("button", { class: "button", type: "button", textContent: "Copy", onclick: async () => {
    await copyText(copy);
    toast("Copied");
  } });
  show(name === "" ? "A column without a name" : name, ...contents, h("div", { class: "dialog-actions" }, button));
  onClosed(revoke);
}

/** The examples; `pick` gets the chosen SQL. */
export function showExamples(examples, pick) {
  show("Examples", h("ul", { class: "cards" }, ...examples.map(({ title, about, sql }) =>
    h("li", {}, h("button", { class: "example", type: "button", onclick: () => {
      dialog.close();
      pick(sql);
    } }, h("strong", { textContent: title }), h("span", { textContent: about }))))));
}

/** The keyboard, listed. */
export function showKeys(command) {
  const keys = [
    ["Run everything, or the selection", [command, "Enter"]],
    ["Explain it instead of running it", [command, "Shift", "Enter"]],
    ["Cancel the running query", ["Esc"]],
    ["Next and previous part of the page", ["F6", "Shift F6"]],
    ["In the tables: open, close, go", ["→", "←", "↑", "↓"]],
    ["In the tables: show the rows, type a column's name", ["Enter"]],
    ["In the result: move, to the edge", ["Arrows", `${command} Arrows`, "Page ↑ ↓"]],
    ["In the result: select more", ["Shift Arrows", `${command} A`]],
    ["In the result: open a cell", ["Enter"]],
    ["In the result: copy the selection", [`${command} C`]],
    ["In a chart, a plan: from point to point, from step to step", ["Arrows", "Home", "End"]],
    ["In the result: wider and narrower column", ["Alt →", "Alt ←"]],
  ];
  show("Keyboard", h("dl", { class: "keys" }, ...keys.flatMap(([what, how]) =>
    [h("dt", { textContent: what }), h("dd", {}, ...how.flatMap((key, i) => [i > 0 ? " " : "", h("kbd", { textContent: key })]))])));
}

/** Asks before something is lost. */
export function confirmLoss(title, question, yes, act) {
  show(title, h("p", { textContent: question }), h("div", { class: "dialog-actions" },
    h("button", { class: "button danger", type: "button", textContent: yes, onclick: () => {
      dialog.close();
      void act();
    } }),
    h("button", { class: "button", type: "button", textContent: "Keep it", onclick: () => dialog.close() })));
}
