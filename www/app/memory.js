// Small things that the page remembers between visits, where the browser lets it.

const PREFIX = "aludel-workbench:";

/** What was remembered under this name, or null. */
export function recall(name) {
  try {
    return localStorage.getItem(PREFIX + name);
  } catch {
    return null;
  }
}

/** Remembers a text under a name. */
export function remember(name, text) {
  try {
    localStorage.setItem(PREFIX + name, text);
  } catch {
    // No storage, or no room: the page works without.
  }
}
