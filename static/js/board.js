/* The board: filters in place, follows the store, remembers closed groups, tells what a bar stands for. */

import { filterInPlace } from "./filtering.js";
import { tellBars } from "./bubble.js";
import { keepCurrent } from "./swapping.js";

const apply = filterInPlace({ items: "[data-row]", sections: "[data-group]" });

keepCurrent({
  items: "[data-row]",
  holder: "[data-board]",
  afterSwap: () => {
    restoreGroups();
    apply();
  },
});

/* Closed groups stay closed. Kept as a JSON list of provider names. */

const KEY = "closed-groups";

function closedGroups() {
  try {
    return new Set(JSON.parse(localStorage.getItem(KEY) ?? "[]"));
  } catch {
    return new Set();
  }
}

function restoreGroups() {
  const closed = closedGroups();
  for (const group of document.querySelectorAll("details[data-group]")) {
    if (closed.has(group.dataset.group)) group.open = false;
  }
}

function rememberGroup(group) {
  const closed = closedGroups();
  group.open ? closed.delete(group.dataset.group) : closed.add(group.dataset.group);
  try {
    localStorage.setItem(KEY, JSON.stringify([...closed]));
  } catch {
    // not remembered, then
  }
}

restoreGroups();
document.addEventListener("toggle", (event) => event.target.matches?.("details[data-group]") && rememberGroup(event.target), true);
tellBars("[data-board]");
