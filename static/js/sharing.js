/* <code>text</code> <button data-copy-text data-done="Copied"> puts the text before it on the clipboard */

const SAY_SECONDS = 2;

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy-text]");
  if (button === null || button.dataset.text !== undefined) return;
  await write(button.previousElementSibling.textContent);
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
