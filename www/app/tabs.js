// The tabs over the results, one per view, and the panel below them, which shows the chosen one.

import { byId, h } from "./dom.js";

/** Which views there are, and which one is seen. What is added is shown until the reader has picked one. */
export class Tabs {
  #views = [];
  #chosen;
  #picked = false;
  #many = false;
  #onChoose;

  /** @param {(view: object | undefined) => void} onChoose is told which view is seen. */
  constructor(onChoose) {
    this.#onChoose = onChoose;
    byId("tabs").addEventListener("keydown", (event) => this.#onKey(event));
  }

  /** The view that is seen. */
  get chosen() {
    return this.#chosen;
  }

  /** Begins anew; what is pinned stays. With `many` there is a bar even while there is one view only. */
  clear(many) {
    this.#views = this.#views.filter(({ pinned }) => pinned);
    this.#many = many;
    this.#picked = false;
    this.#choose(undefined);
    this.draw();
  }

  /**
   * Adds a view, or puts it in the place of the one of the same id. One that is pinned stays last.
   * @param {{ id: number | string, label: string, tally?: string, failed?: boolean, pinned?: boolean, element: Element, shown?: () => void }} view
   */
  put(view, urgent = false) {
    if (urgent) this.#picked = false;
    const at = this.#views.findIndex(({ id }) => id === view.id);
    const pinned = this.#views.findIndex((other) => other.pinned);
    if (at >= 0) this.#views[at] = view;
    else this.#views.splice(pinned >= 0 && !view.pinned ? pinned : this.#views.length, 0, view);
    // One that was there already does not come to the front by what happens in it.
    if (urgent || this.#chosen?.id === view.id || (at < 0 && !this.#picked)) this.#choose(view);
    this.draw();
  }

  /** Takes a view away. */
  remove(id) {
    this.#views = this.#views.filter((view) => view.id !== id);
    if (this.#chosen?.id === id) this.#choose(this.#views.at(-1));
    this.draw();
  }

  /** Shows the element of a view that has changed it. */
  refresh(view) {
    if (view === this.#chosen) this.#choose(view);
  }

  /** Draws the bar anew. */
  draw() {
    const bar = byId("tabs");
    const panel = byId("panel");
    bar.hidden = !this.#many && this.#views.length < 2;
    if (bar.hidden || this.#chosen === undefined) {
      panel.removeAttribute("role");
      panel.removeAttribute("aria-labelledby");
    }
    if (bar.hidden) {
      bar.replaceChildren();
      return;
    }
    const held = bar.contains(document.activeElement);
    // Buttons stay where they are: a live query draws the bar anew while somebody may be pressing one.
    const buttons = this.#views.map((view) => this.#button(view));
    for (const old of [...bar.children]) if (!buttons.includes(old)) old.remove();
    buttons.forEach((button, i) => bar.children[i] !== button && bar.insertBefore(button, bar.children[i] ?? null));
    if (this.#chosen === undefined) {
      // Between two runs: the keyboard can still reach what is pinned.
      if (buttons.length > 0) buttons[0].tabIndex = 0;
      return;
    }
    panel.setAttribute("role", "tabpanel");
    panel.setAttribute("aria-labelledby", `tab-${this.#chosen.id}`);
    const current = bar.querySelector("[aria-selected=true]");
    current?.scrollIntoView({ block: "nearest", inline: "nearest" });
    if (held) current?.focus();
  }

  #button(view) {
    const chosen = view === this.#chosen;
    const button = byId("tabs").querySelector(`#tab-${view.id}`)
      ?? h("button", { role: "tab", type: "button", id: `tab-${view.id}`, "aria-controls": "panel", onclick: (event) => this.#pick(event.currentTarget.dataset.view) });
    const tally = view.tally ?? "";
    button.dataset.view = view.id;
    button.className = ["tab", view.failed && "failed", view.pinned && "live"].filter(Boolean).join(" ");
    button.setAttribute("aria-selected", String(chosen));
    button.tabIndex = chosen ? 0 : -1;
    const text = [typeof view.id === "number" ? String(view.id + 1) : "", view.label, tally];
    if (button.dataset.text !== text.join("\0")) {
      button.dataset.text = text.join("\0");
      button.replaceChildren(...(text[0] === "" ? [] : [h("span", { class: "tab-number", textContent: text[0] })]), view.label,
        ...(tally === "" ? [] : [h("span", { class: "tab-tally", textContent: tally })]));
    }
    return button;
  }

  #choose(view) {
    this.#chosen = view;
    const panel = byId("panel");
    const element = view?.element;
    // What is there stays there: out of the document and back, it would lose the focus.
    if (element === undefined) panel.replaceChildren();
    else if (panel.childNodes.length !== 1 || panel.firstChild !== element) panel.replaceChildren(element);
    this.#onChoose(view);
    view?.shown?.();
  }

  #pick(id) {
    this.#picked = true;
    this.#choose(this.#views.find((view) => String(view.id) === String(id)));
    this.draw();
  }

  #onKey(event) {
    const at = this.#views.indexOf(this.#chosen);
    const to = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: this.#views.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    this.#pick(this.#views[(to + this.#views.length) % this.#views.length].id);
  }
}
