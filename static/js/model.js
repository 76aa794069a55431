/* One model's page: draws its charts, and takes new state, figures and records when this model was probed. */
import { drawCharts } from "./charts.js";
import { tellBars } from "./bubble.js";
import "./records.js";
import { atMostEvery, fresh, put } from "./swap.js";

const FRESH_SECONDS = 5;

const head = document.querySelector("[data-target]");
const takeNews = atMostEvery(FRESH_SECONDS, async () => {
  const page = await fresh();
  if (page === null) return;
  const has = (one) => one.querySelector("[data-region=tiles]") !== null;
  if (has(page) && !has(document)) return location.reload(); // the first results: the page gets its charts
  const isReading = document.querySelector("[data-region=recent] details[open]") !== null;
  const live = ["days", "incidents", "state", "tiles", "timeline", "limits"];
  const isFree = (name) => !document.querySelector(`[data-region="${name}"]`)?.contains(document.activeElement);
  put(page, (isReading ? live : [...live, "recent"]).filter(isFree));
});

drawCharts();
tellBars("[data-days]");
document.addEventListener("click", (event) => {
  if (event.target.closest('a[href="#points"]') !== null) document.querySelector("[data-chart-data]").open = true;
});
document.addEventListener("firsttoken:refreshed", takeNews);
document.addEventListener("firsttoken:change", (event) => {
  const { targets = [], everything = false } = event.detail ?? {};
  if (everything || targets.includes(head?.dataset.target)) takeNews();
});
