/* <code>text</code> <button data-copy-text data-done="Copied"> puts the text before it on the clipboard */

import { copy, isSaying } from "./copying.js";

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-copy-text]");
  if (button !== null && !isSaying(button)) copy(button.previousElementSibling.textContent, button);
});
