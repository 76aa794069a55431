/* The kanban: filters in place and follows the store. */

import { filterInPlace } from "./filtering.js";
import { keepCurrent } from "./swapping.js";

const WALL_MINUTES = 15; // a display that runs for weeks also wants new styles and scripts

const isWall = document.documentElement.classList.contains("wall");

function countColumns() {
  for (const column of document.querySelectorAll("[data-column]")) {
    column.querySelector("[data-count]").textContent = column.querySelectorAll("[data-card]:not([hidden])").length;
  }
}

const apply = filterInPlace({ items: "[data-card]", sections: "[data-lane]", onApply: countColumns });

const offer = document.querySelector("[data-redraw]");

/* A card in the wrong column misleads, so it may move at once where nobody points or types. */
function moveCards() {
  const holder = document.querySelector("[data-kanban]");
  const isInUse = holder?.matches(":hover, :focus-within");
  if (offer && (isWall || !isInUse)) redraw();
  else offer ? (offer.hidden = false) : location.reload();
}

const redraw = keepCurrent({ items: "[data-card]", holder: "[data-kanban]", afterSwap: apply, onNewOrder: moveCards });

offer?.addEventListener("click", async () => {
  await redraw();
  offer.hidden = true;
});

/* Lanes are made by the server. */
document.querySelector("input[name=lanes]")?.addEventListener("change", (event) => event.target.form.submit());

if (isWall) setInterval(() => location.reload(), WALL_MINUTES * 60_000);
