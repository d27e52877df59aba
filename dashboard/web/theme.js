// Runs before anything is painted, so that a chosen theme or language never flashes into place.
(() => {
  const root = document.documentElement;
  try {
    const theme = localStorage.getItem("eraft.theme");
    if (theme === "light" || theme === "dark") root.dataset.theme = theme;
  } catch {
    // Storage may be forbidden; the system's theme it is.
  }
})();
