// Runs before the first paint, so that the page never flashes in the other colours: a classic script for that reason.
{
  let chosen = null;
  try {
    chosen = localStorage.getItem("aludel-workbench:theme");
  } catch {
    // Storage is switched off: the system's colours it is.
  }
  const system = matchMedia("(prefers-color-scheme: dark)");
  const root = document.documentElement;
  const follow = () => (root.dataset.theme = system.matches ? "dark" : "light");
  if (chosen === "light" || chosen === "dark") root.dataset.theme = chosen;
  else {
    follow();
    system.addEventListener("change", () => root.dataset.chosen === undefined && follow());
  }
}
