/* Records, alone or in lists: a click anywhere on a row opens it, as its disclosure does, and a button copies it.
 *
 * <tr data-record> with a <details> in it
 * <button data-copy="/api/v1/results/ID" data-done="Copied"> puts that document on the clipboard, indented
 */

import { copy, isSaying } from "./copying.js";

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (button === null || isSaying(button)) return;
  const answer = await fetch(button.dataset.copy).catch(() => null);
  if (answer !== null && answer.ok) await copy(JSON.stringify(await answer.json(), null, 2), button);
});

document.addEventListener("click", (event) => {
  const row = event.target.closest("[data-record]");
  if (row === null || event.target.closest("a, button, summary, time") || !getSelection().isCollapsed) return;
  const toggle = row.querySelector("details");
  toggle.open = !toggle.open;
});
