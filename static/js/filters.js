/* A filter form that applies itself. Without this file the Apply button does the same.
 *
 * applyAtOnce(form) : every change shows the filtered table in place
 * addressOf(form) -> "/stats?q=mini&state=down"; empty and disabled fields are left out
 */
import { choose } from "./swap.js";

const TYPING_MILLISECONDS = 200;

export function applyAtOnce(form) {
  let typing = 0;
  const apply = () => {
    clearTimeout(typing);
    choose(addressOf(form));
  };
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    apply();
  });
  form.addEventListener("change", (event) => {
    if (event.target.type !== "search") apply();
  });
  form.addEventListener("input", (event) => {
    if (event.target.type !== "search") return;
    clearTimeout(typing);
    typing = setTimeout(apply, TYPING_MILLISECONDS);
  });
  closeElsewhere(form);
}

export function addressOf(form) {
  const fields = [...new FormData(form)].filter(([, value]) => value !== "");
  const query = new URLSearchParams(fields).toString();
  return query ? `${form.getAttribute("action")}?${query}` : form.getAttribute("action");
}

/* One dropdown open at a time; Escape and a click elsewhere close it. */
function closeElsewhere(form) {
  const open = () => form.querySelectorAll("[data-dropdown][open]");
  document.addEventListener("click", (event) => {
    for (const dropdown of open()) if (!dropdown.contains(event.target)) dropdown.open = false;
  });
  form.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    for (const dropdown of open()) {
      const hadFocus = dropdown.contains(document.activeElement);
      dropdown.open = false;
      if (hadFocus) dropdown.querySelector("summary").focus();
    }
  });
}
