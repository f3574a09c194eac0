// The few lines of DOM that the page needs instead of a framework.

/**
 * An element with its properties and children. `class`, `role`, `aria-*` and `data-*` are attributes, `on*` listeners,
 * everything else properties.
 */
export function h(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === null) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "class" || name === "role" || name === "for" || name.includes("-")) element.setAttribute(name, value);
    else element[name] = value;
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

/** The element with this id, which the page has. */
export const byId = (id) => document.getElementById(id);

/** An icon of the sprite in index.html; it is decoration, so the control around it has the name. */
export function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `#icon-${name}`);
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  svg.append(use);
  return svg;
}

/** Runs a function at most once per frame, however often it is asked for. */
export function perFrame(run) {
  let asked = false;
  return () => {
    if (asked) return;
    asked = true;
    requestAnimationFrame(() => {
      asked = false;
      run();
    });
  };
}

/** A line for screen readers, said politely. */
export function announce(text) {
  byId("announcer").textContent = text;
}

/** A short note at the bottom of the window that goes away by itself, and is announced. */
export function toast(text) {
  announce(text);
  const note = byId("toast");
  note.textContent = text;
  for (const animation of note.getAnimations()) animation.cancel();
  note.animate([{ opacity: 0, offset: 0 }, { opacity: 1, offset: 0.06 }, { opacity: 1, offset: 0.85 }, { opacity: 0, offset: 1 }],
    { duration: 2600 });
}

/** Copies text, also where the asynchronous clipboard is missing (plain http). */
export async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const before = document.activeElement;
    const area = h("textarea", { value: text, class: "offscreen", "aria-hidden": "true" });
    (document.querySelector("dialog[open]") ?? document.body).append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
    before?.focus();
  }
}
