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

/* A card in the wrong column misleads, so it moves at once unless somebody points or types there. */
const isInUse = () => document.querySelector("[data-kanban]").matches(":hover, :focus-within");

keepCurrent({
  items: "[data-card]",
  holder: "[data-kanban]",
  afterSwap: apply,
  mayRedraw: () => isWall || !isInUse(),
});

/* Lanes are made by the server. */
document.querySelector("input[name=lanes]")?.addEventListener("change", (event) => event.target.form.submit());

if (isWall) setInterval(() => location.reload(), WALL_MINUTES * 60_000);
