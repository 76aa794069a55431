/* What a cell of a strip stands for: its hour or day, what was counted, and which incidents lay in it. Pointing at a cell
 * tells it; so does the keyboard: all strips of a page are one stop of Tab, arrows go from cell to cell and from strip to
 * strip. To screen readers such a strip is a slider that cannot be moved; without script it is a picture with a sentence.
 *
 * data-strip="12:139/144,40:3/6": cell 12 had 139 good probes of 144; cells not listed had no failure or no probe.
 * data-notes='{"12":"1 incident: Down, 42 min"}': more of cell 12, in the language of the page.
 */

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const SVG = "http://www.w3.org/2000/svg";
const CELL = 4;
const language = document.documentElement.lang;
const dayText = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeZone: "UTC" });
const hourText = new Intl.DateTimeFormat(language, { hour: "2-digit", minute: "2-digit", timeZone: "UTC" });

const cellsOf = (svg) => svg.viewBox.baseVal.width / CELL;
const marks = (svg) => new Map(svg.dataset.strip.split(",").filter(Boolean).map((mark) => mark.split(":")));
const noteOf = (svg, cell) => JSON.parse(svg.dataset.notes ?? "{}")[cell];

function describe(svg, cell, texts) {
  const isDay = svg.classList.contains("strip--day");
  const length = isDay ? DAY : HOUR;
  const now = Math.floor(Date.parse(document.documentElement.dataset.asOf) / length) * length;
  const start = now - (cellsOf(svg) - 1 - cell) * length;
  const when = isDay ? dayText.format(start) : `${hourText.format(start)}–${hourText.format(start + HOUR)} UTC`;
  return [`${when}: ${counted(svg, cell, texts)}`, noteOf(svg, cell)].filter(Boolean).join("\n");
}

function counted(svg, cell, texts) {
  const mark = marks(svg).get(String(cell));
  if (mark === undefined) return isGap(svg, cell) ? texts.textNone : texts.textClean;
  const [ok, of] = mark.split("/");
  return texts.textCounted.replace("{ok}", ok).replace("{of}", of);
}

/* A gap is drawn as rectangles "M0 16h39v8…": the cell lies in one of them. */
function isGap(svg, cell) {
  const d = svg.querySelector(".strip__none")?.getAttribute("d") ?? "";
  return [...d.matchAll(/M(\d+) 16h(\d+)/g)].some(([, x, width]) => cell * CELL >= +x && cell * CELL < +x + +width);
}

/* holder: selector of the element with data-text-counted, -none, -clean; it may be replaced later. */
export function tellBars(holder) {
  const selector = `${holder} svg[data-strip]`;
  const bubble = document.createElement("div");
  bubble.className = "bubble";
  bubble.hidden = true;
  bubble.setAttribute("aria-hidden", "true");
  document.body.append(bubble);

  function show(svg, cell, middle) {
    const text = describe(svg, cell, svg.closest(holder).dataset);
    bubble.hidden = false;
    if (bubble.textContent !== text) bubble.textContent = text;
    const left = Math.min(middle - bubble.offsetWidth / 2, document.documentElement.clientWidth - bubble.offsetWidth - 8);
    bubble.style.left = `${Math.max(8, left) + scrollX}px`;
    bubble.style.top = `${svg.getBoundingClientRect().bottom + 6 + scrollY}px`;
    return text;
  }

  document.addEventListener("pointermove", (event) => {
    if (document.activeElement?.matches(selector) && document.activeElement.matches(":focus-visible")) return;
    const svg = event.target.closest?.(selector);
    bubble.hidden = !svg || event.pointerType !== "mouse";
    if (bubble.hidden) return;
    const box = svg.getBoundingClientRect();
    const cell = Math.floor(((event.clientX - box.left) / box.width) * cellsOf(svg));
    show(svg, Math.min(cellsOf(svg) - 1, Math.max(0, cell)), event.clientX);
  });
  walkByKeyboard(selector, show, () => (bubble.hidden = true));
}

/* Exactly one visible strip is a stop of Tab: the one that was left, else the first. */
function walkByKeyboard(selector, show, hide) {
  const strips = () => [...document.querySelectorAll(selector)].filter((svg) => svg.checkVisibility());

  function keepOneStop() {
    const all = strips();
    const stop = all.find((svg) => svg === document.activeElement) ?? all.find((svg) => svg.dataset.cell) ?? all[0];
    for (const svg of document.querySelectorAll(selector)) svg.setAttribute("tabindex", svg === stop ? "0" : "-1");
    for (const svg of all) if (svg.getAttribute("role") !== "slider") becomeSlider(svg);
  }

  function go(svg, cell) {
    svg.dataset.cell = cell;
    markCell(svg, cell);
    const box = svg.getBoundingClientRect();
    const text = show(svg, cell, box.left + ((cell + 0.5) / cellsOf(svg)) * box.width);
    svg.setAttribute("aria-valuenow", cell + 1);
    svg.setAttribute("aria-valuetext", text);
  }

  function step(svg, event) {
    const cell = Number(svg.dataset.cell ?? cellsOf(svg) - 1);
    const last = cellsOf(svg) - 1;
    const to = { ArrowLeft: cell - 1, ArrowRight: cell + 1, Home: 0, End: last, PageUp: cell - 7, PageDown: cell + 7 }[event.key];
    if (to === undefined) return false;
    go(svg, Math.min(last, Math.max(0, to)));
    return true;
  }

  function change(svg, event) {
    const move = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    if (move === undefined) return false;
    const kind = svg.classList.contains("strip--day") ? "strip--day" : "strip--hour";
    const like = strips().filter((one) => one.classList.contains(kind));
    const next = like[like.indexOf(svg) + move];
    if (next === undefined) return true;
    next.dataset.cell = svg.dataset.cell;
    next.focus();
    return true;
  }

  document.addEventListener("keydown", (event) => {
    if (event.key === "Tab") return keepOneStop();
    const svg = event.target.closest?.(selector);
    if (!svg || event.ctrlKey || event.metaKey || event.altKey) return undefined;
    if (event.key === "Escape") hide();
    else if (step(svg, event) || change(svg, event)) event.preventDefault();
    return undefined;
  }, true);
  document.addEventListener("focusin", (event) => {
    const svg = event.target.closest?.(selector);
    if (!svg) return;
    go(svg, Number(svg.dataset.cell ?? cellsOf(svg) - 1));
    for (const other of document.querySelectorAll(`${selector}[data-cell]`)) if (other !== svg) delete other.dataset.cell;
  });
  document.addEventListener("focusout", (event) => {
    const svg = event.target.closest?.(selector);
    if (!svg) return;
    hide();
    svg.querySelector(".strip__mark")?.remove();
  });
  document.addEventListener("firsttoken:inserted", keepOneStop);
  keepOneStop();
}

function becomeSlider(svg) {
  const last = cellsOf(svg);
  const attributes = { role: "slider", "aria-readonly": "true", "aria-valuemin": 1, "aria-valuemax": last, "aria-valuenow": last };
  for (const [name, value] of Object.entries(attributes)) svg.setAttribute(name, value);
}

function markCell(svg, cell) {
  const mark = svg.querySelector(".strip__mark") ?? svg.appendChild(document.createElementNS(SVG, "rect"));
  mark.setAttribute("class", "strip__mark");
  for (const [name, value] of Object.entries({ x: cell * CELL, y: 0, width: CELL - 1, height: 24 })) mark.setAttribute(name, value);
}
