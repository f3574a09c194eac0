// What moves on the page: colours, the drawer of narrow windows, the split between editor and results, F6.

import { byId } from "./dom.js";
import { recall, remember } from "./memory.js";

/** Wires them up. */
export function layOut() {
  colours();
  split();
  parts();
  return { closeDrawer: drawer() };
}

function colours() {
  const button = byId("theme");
  const root = document.documentElement;
  const show = () => {
    const dark = root.dataset.theme === "dark";
    button.setAttribute("aria-pressed", String(dark));
    byId("theme-icon").setAttribute("href", dark ? "#icon-sun" : "#icon-moon");
  };
  // theme.js follows the system until someone chooses.
  new MutationObserver(show).observe(root, { attributeFilter: ["data-theme"] });
  button.addEventListener("click", () => {
    root.dataset.chosen = "";
    root.dataset.theme = root.dataset.theme === "dark" ? "light" : "dark";
    remember("theme", root.dataset.theme);
  });
  show();
}

function drawer() {
  const button = byId("drawer");
  const side = byId("side");
  const narrow = matchMedia("(max-width: 760px)");
  const set = (open) => {
    document.body.classList.toggle("drawer-open", open);
    button.setAttribute("aria-expanded", String(open));
  };
  const closeIt = () => set(false);
  button.addEventListener("click", () => {
    const open = button.getAttribute("aria-expanded") !== "true";
    set(open);
    if (open) side.querySelector("[tabindex='0']")?.focus();
  });
  side.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !narrow.matches) return;
    closeIt();
    button.focus();
  });
  byId("desk").addEventListener("pointerdown", closeIt);
  narrow.addEventListener("change", closeIt);
  return closeIt;
}

function split() {
  const bar = byId("split");
  const desk = byId("desk");
  const set = (percent) => {
    const within = Math.round(Math.max(15, Math.min(80, percent)));
    desk.style.setProperty("--editor-share", `${within}%`);
    bar.setAttribute("aria-valuenow", String(within));
    remember("split", String(within));
  };
  const now = () => Number(bar.getAttribute("aria-valuenow"));
  const before = Number(recall("split"));
  if (before > 0) set(before);
  bar.addEventListener("pointerdown", (event) => {
    event.preventDefault();
    bar.setPointerCapture(event.pointerId);
    const box = desk.getBoundingClientRect();
    const move = ({ clientY }) => set(((clientY - box.top) / box.height) * 100);
    bar.addEventListener("pointermove", move);
    bar.addEventListener("lostpointercapture", () => bar.removeEventListener("pointermove", move), { once: true });
  });
  bar.addEventListener("dblclick", () => set(40));
  bar.addEventListener("keydown", ({ key }) => {
    const to = { ArrowUp: now() - 4, ArrowDown: now() + 4, Home: 15, End: 80 }[key];
    if (to !== undefined) set(to);
  });
}

function parts() {
  const stops = () => [byId("side").querySelector("[tabindex='0']"), byId("sql"), document.querySelector("#panel [tabindex='0']"), byId("storage")]
    .filter((part) => part !== null && part.getClientRects().length > 0);
  addEventListener("keydown", (event) => {
    if (event.key !== "F6" || byId("dialog").open) return;
    event.preventDefault();
    const all = stops();
    const at = all.findIndex((part) => part === document.activeElement || part.parentElement?.closest("#side, #panel")?.contains(document.activeElement));
    all[(at + (event.shiftKey ? all.length - 1 : 1) + all.length) % all.length]?.focus();
  });
}
