// Runs before the first paint: sets the remembered theme, so that no page flashes in the wrong colours.
(() => {
  const root = document.documentElement;
  root.classList.add("has-script");
  const asked = new URLSearchParams(location.search).get("theme");
  const themes = ["auto", "light", "dark"];
  try {
    if (themes.includes(asked)) localStorage.setItem("theme", asked);
    const theme = localStorage.getItem("theme");
    if (themes.includes(theme)) root.dataset.theme = theme;
  } catch {
    // storage may be forbidden; the cookie that the server reads still works
  }
})();
