/* What buttons that copy share: the clipboard, and the word that says it worked, for a while. */

const SAY_SECONDS = 2;

export const isSaying = (button) => button.dataset.text !== undefined;

/* Puts the text on the clipboard; the button then says its data-done. */
export async function copy(text, button) {
  await write(text);
  button.dataset.text = button.textContent;
  button.textContent = button.dataset.done;
  setTimeout(() => {
    button.textContent = button.dataset.text;
    delete button.dataset.text;
  }, SAY_SECONDS * 1000);
}

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
