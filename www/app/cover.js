// The card over the workbench while there is nothing to work on: opening, seeding, and what stands in the way.

import { byId, h, perFrame } from "./dom.js";
import { count } from "./format.js";

let step;
const draw = perFrame(() => {
  byId("progress").value = step.done / step.total;
  byId("progress-text").textContent = `${count(step.done)} of ${count(step.total)} rows`;
  byId("progress-part").textContent = step.table.replaceAll("_", " ");
});

/** Shows the card. The first of the actions gets the focus. */
export function cover(title, text, actions = []) {
  byId("cover").hidden = false;
  byId("side").inert = true;
  byId("desk").inert = true;
  byId("cover-title").textContent = title;
  byId("cover-text").textContent = text;
  byId("cover-progress").hidden = true;
  const buttons = actions.map(({ name, act }, i) =>
    h("button", { class: i === 0 ? "button primary" : "button", type: "button", textContent: name, onclick: act }));
  byId("cover-actions").replaceChildren(...buttons);
  buttons[0]?.focus();
}

/** Shows how far the seeding is. */
export function progress(now) {
  step = now;
  byId("cover-progress").hidden = false;
  draw();
}

/** Takes the card away. */
export function uncover() {
  byId("cover").hidden = true;
  byId("side").inert = false;
  byId("desk").inert = false;
}
