/* The pages of incidents: filters in place, and takes news of incidents where they stand. What is being written into a
 * form stays as it is, for forms are in no region.
 *
 * <div data-targets="acme/main/quick\nacme/main/slow"> on the page of one incident: news of these models concern it too.
 */
import { applyAtOnce } from "./filters.js";
import { atMostEvery, fresh, put } from "./swap.js";

const FRESH_SECONDS = 3;

const form = document.querySelector("[data-filters]");
if (form !== null) applyAtOnce(form);

const own = new Set(document.querySelector("[data-targets]")?.dataset.targets.split("\n"));
const takeNews = atMostEvery(FRESH_SECONDS, async () => {
  const page = await fresh();
  if (page === null) return;
  const regions = [...document.querySelectorAll("[data-region]")];
  const free = regions.filter((region) => !region.contains(document.activeElement));
  put(page, free.map((region) => region.dataset.region));
});

document.addEventListener("firsttoken:change", (event) => {
  const { targets = [], everything = false } = event.detail ?? {};
  if (everything || targets.some((target) => own.has(target))) takeNews();
});
