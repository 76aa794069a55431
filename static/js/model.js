/* One model's page: draws its charts, and takes new state, figures and records when this model was probed. */
import { drawCharts } from "./charts.js";
import "./copy.js";
import "./records.js";
import { atMostEvery, show } from "./swap.js";

const FRESH_SECONDS = 5;

const head = document.querySelector("[data-target]");
const takeNews = atMostEvery(FRESH_SECONDS, async () => {
  const isReading = document.querySelector("[data-region=recent] details[open]") !== null;
  const page = await show(location.href, { parts: isReading ? ["state", "tiles"] : ["state", "tiles", "recent"] });
  const isFirst = document.querySelector("[data-region=tiles]") === null;
  if (isFirst && page?.querySelector("[data-region=tiles]")) location.reload(); // the first results: the page gets its charts
});

drawCharts();
document.addEventListener("click", (event) => {
  if (event.target.closest('a[href="#points"]') !== null) document.querySelector("[data-chart-data]").open = true;
});
document.addEventListener("firsttoken:refreshed", takeNews);
document.addEventListener("firsttoken:change", (event) => {
  const { targets = [], everything = false } = event.detail ?? {};
  if (everything || targets.includes(head?.dataset.target)) takeNews();
});
