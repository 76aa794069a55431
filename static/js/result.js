/* The page of raw records: filters in place, and tells of new results instead of shifting the rows. */
import { applyAtOnce } from "./filters.js";
import "./records.js";
import { atMostEvery } from "./swap.js";

const LOOK_SECONDS = 3;

const form = document.querySelector("[data-filters]");
if (form !== null) applyAtOnce(form);
document.addEventListener("firsttoken:change", atMostEvery(LOOK_SECONDS, lookForNew));

/* data-fresh="/api/v1/results?after=CURSOR&limit=100" answers {"results": [...]}: what came in since. */
async function lookForNew() {
  const place = document.querySelector("[data-fresh]");
  if (place === null) return;
  const answer = await fetch(place.dataset.fresh).catch(() => null);
  if (answer === null || !answer.ok) return;
  const body = await answer.json();
  const more = body.newer_cursor !== null && body.newer_cursor !== undefined ? "+" : "";
  if (body.results.length > 0) tell(place, body.results.length, more);
}

function tell(place, n, more) {
  const text = n === 1 ? place.dataset.textOne : place.dataset.textMany.replace("{n}", `${n}${more}`);
  const pill = place.querySelector("a") ?? document.createElement("a");
  if (pill.textContent === text) return;
  pill.className = "fresh__pill";
  pill.href = place.dataset.url;
  pill.textContent = text;
  place.append(pill);
}
