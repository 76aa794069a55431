/* Pointing at a cell of a strip tells its hour or day and what was counted. Keyboard and screen readers have the
 * strip's own sentence and the model's page, so this is only an addition.
 *
 * data-strip="12:139/144,40:3/6": cell 12 had 139 good probes of 144; cells not listed had no failure or no probe.
 */

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const language = document.documentElement.lang;
const dayText = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeZone: "UTC" });
const hourText = new Intl.DateTimeFormat(language, { hour: "2-digit", minute: "2-digit", timeZone: "UTC" });

const marks = (svg) => new Map(svg.dataset.strip.split(",").filter(Boolean).map((mark) => mark.split(":")));

function describe(svg, cell, texts) {
  const isDay = svg.classList.contains("strip--day");
  const cells = svg.viewBox.baseVal.width / 4;
  const length = isDay ? DAY : HOUR;
  const start = Math.floor(Date.parse(document.documentElement.dataset.asOf) / length) * length - (cells - 1 - cell) * length;
  const when = isDay ? dayText.format(start) : `${hourText.format(start)}–${hourText.format(start + HOUR)} UTC`;
  const counted = marks(svg).get(String(cell));
  if (counted) {
    const [ok, of] = counted.split("/");
    return `${when}: ${texts.counted.replace("{ok}", ok).replace("{of}", of)}`;
  }
  return `${when}: ${isGap(svg, cell) ? texts.none : texts.clean}`;
}

/* A gap is drawn as rectangles "M0 16h39v8…": the cell lies in one of them. */
function isGap(svg, cell) {
  const d = svg.querySelector(".strip__none")?.getAttribute("d") ?? "";
  return [...d.matchAll(/M(\d+) 16h(\d+)/g)].some(([, x, width]) => cell * 4 >= +x && cell * 4 < +x + +width);
}

/* holder: selector of the element with data-text-counted, -none, -clean; it may be replaced later. */
export function showBarsOnPointer(holder) {
  const bubble = document.createElement("div");
  bubble.className = "bubble";
  bubble.hidden = true;
  bubble.setAttribute("aria-hidden", "true");
  document.body.append(bubble);

  document.addEventListener("pointermove", (event) => {
    const svg = event.target.closest?.(`${holder} svg[data-strip]`);
    bubble.hidden = !svg || event.pointerType !== "mouse";
    if (bubble.hidden) return;
    const box = svg.getBoundingClientRect();
    const cells = svg.viewBox.baseVal.width / 4;
    const cell = Math.min(cells - 1, Math.max(0, Math.floor(((event.clientX - box.left) / box.width) * cells)));
    const { textCounted: counted, textNone: none, textClean: clean } = svg.closest(holder).dataset;
    const text = describe(svg, cell, { counted, none, clean });
    if (bubble.textContent !== text) bubble.textContent = text;
    const left = Math.min(event.clientX - bubble.offsetWidth / 2, document.documentElement.clientWidth - bubble.offsetWidth - 8);
    bubble.style.left = `${Math.max(8, left) + scrollX}px`;
    bubble.style.top = `${box.bottom + 6 + scrollY}px`;
  });
}
