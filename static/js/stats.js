/* The statistics table: sorts in place, filters in place, and takes new figures without moving a row. */
import { addressOf, applyAtOnce } from "./filters.js";
import { atMostEvery, choose, fresh, isChoosing } from "./swap.js";

const FRESH_SECONDS = 10;
const DEFAULT_SORT = "state";

const form = document.querySelector("[data-filters]");
if (form !== null) {
  applyAtOnce(form);
  document.addEventListener("click", onClick);
  document.addEventListener("firsttoken:change", atMostEvery(FRESH_SECONDS, takeFigures));
}

function onClick(event) {
  const link = event.target.closest("[data-sort]");
  if (link === null || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey) return;
  event.preventDefault();
  sortBy(link);
}

function sortBy(link) {
  const head = link.closest("th");
  const current = head.getAttribute("aria-sort");
  const direction = current === null ? link.dataset.first : current === "ascending" ? "descending" : "ascending";
  const body = head.closest("table").tBodies[0];
  body.replaceChildren(...sorted([...body.rows], Number(link.dataset.column), direction === "descending"));
  for (const other of head.closest("thead").querySelectorAll("[aria-sort]")) other.removeAttribute("aria-sort");
  head.setAttribute("aria-sort", direction);
  tell(link.dataset.sort, direction);
}

/* Unknown last in either direction; equal values in the order of provider, model. */
function sorted(rows, column, isDescending) {
  const value = (row) => {
    const text = row.cells[column].dataset.v;
    if (text === "") return null;
    const number = Number(text);
    return Number.isNaN(number) || column === 1 || column === 2 ? text : number;
  };
  const name = (row) => [row.cells[2].dataset.v, row.cells[1].dataset.v, row.dataset.target].join("\n");
  const compare = (a, b) => (a < b ? -1 : a > b ? 1 : 0);
  rows.sort((a, b) => compare(name(a), name(b)));
  const known = rows.filter((row) => value(row) !== null);
  known.sort((a, b) => compare(value(a), value(b)) * (isDescending ? -1 : 1));
  return [...known, ...rows.filter((row) => value(row) === null)];
}

/* The address, the exports and the other heads follow, so that all of them mean what is shown. */
function tell(column, direction) {
  const sort = direction === "descending" ? `-${column}` : column;
  form.elements.sort.value = sort;
  form.elements.sort.disabled = sort === DEFAULT_SORT;
  if (isChoosing()) return void choose(addressOf(form)); // the table on its way is in the old order
  history.replaceState(history.state, "", withSort(location.href, sort));
  for (const link of document.querySelectorAll("[data-sort]")) {
    const isCurrent = link.dataset.sort === column;
    const next = isCurrent ? (direction === "descending" ? "ascending" : "descending") : link.dataset.first;
    link.href = withSort(location.href, next === "descending" ? `-${link.dataset.sort}` : link.dataset.sort);
  }
  for (const link of document.querySelectorAll('[data-region="exports"] a, [data-region="windows"] a, [data-region="clear"] a')) {
    link.href = withSort(link.href, sort);
  }
}

function withSort(href, sort) {
  const url = new URL(href, location.href);
  if (sort === DEFAULT_SORT) url.searchParams.delete("sort");
  else url.searchParams.set("sort", sort);
  return `${url.pathname}${url.search}${url.hash}`;
}

/* New figures go into the rows where they stand; the order changes only when the reader asks for it. */
async function takeFigures() {
  const page = await fresh();
  if (page === null) return;
  const rows = new Map([...page.querySelectorAll("tr[data-target]")].map((row) => [row.dataset.target, row]));
  for (const row of document.querySelectorAll("tr[data-target]")) {
    const now = rows.get(row.dataset.target);
    if (now === undefined || now.innerHTML === row.dataset.shown || row.contains(document.activeElement)) continue;
    row.className = now.className;
    row.dataset.shown = now.innerHTML;
    row.replaceChildren(...now.cloneNode(true).cells);
  }
  const note = page.querySelector('[data-region="note"]');
  if (note !== null) document.querySelector('[data-region="note"]').replaceChildren(...note.childNodes);
  document.dispatchEvent(new CustomEvent("firsttoken:inserted"));
}
