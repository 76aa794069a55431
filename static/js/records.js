/* Records, alone or in lists: a click anywhere on a row opens it, as its disclosure does, and a button copies it.
 *
 * <tr data-record> with a <details> in it
 * <button data-copy="/api/v1/results/ID" data-done="Copied"> puts that document on the clipboard, indented
 */

const SAY_SECONDS = 2;

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (button === null || button.dataset.text !== undefined) return;
  const answer = await fetch(button.dataset.copy).catch(() => null);
  if (answer === null || !answer.ok) return;
  await write(JSON.stringify(await answer.json(), null, 2));
  button.dataset.text = button.textContent;
  button.textContent = button.dataset.done;
  setTimeout(() => {
    button.textContent = button.dataset.text;
    delete button.dataset.text;
  }, SAY_SECONDS * 1000);
});

/* A board on a plain http address of the local network has no clipboard interface, hence the older way. */
async function write(text) {
  if (navigator.clipboard !== undefined) return navigator.clipboard.writeText(text);
  const area = document.createElement("textarea");
  area.value = text;
  area.className = "visually-hidden";
  document.body.append(area);
  area.select();
  document.execCommand("copy");
  area.remove();
}

document.addEventListener("click", (event) => {
  const row = event.target.closest("[data-record]");
  if (row === null || event.target.closest("a, button, summary, time") || !getSelection().isCollapsed) return;
  const toggle = row.querySelector("details");
  toggle.open = !toggle.open;
});
