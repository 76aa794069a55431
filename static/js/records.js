/* Lists of records: a click anywhere on a row opens it, as its disclosure does. */

document.addEventListener("click", (event) => {
  const row = event.target.closest("[data-record]");
  if (row === null || event.target.closest("a, button, summary, time") || !getSelection().isCollapsed) return;
  const toggle = row.querySelector("details");
  toggle.open = !toggle.open;
});
