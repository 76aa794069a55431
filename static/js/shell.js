/* What every page has: theme choice, times as ages, "/" for the search box, live changes.
 *
 * Page modules do not import this file; they listen on document:
 *   firsttoken:change    detail = { targets: ["openai/main/gpt-4o"], everything: false }
 * and tell it of new <time> elements with
 *   document.dispatchEvent(new Event("firsttoken:inserted"))
 */

import { follow } from "./live.js";

const root = document.documentElement;
const language = root.lang;

function remember(name, value) {
  try {
    localStorage.setItem(name, value);
  } catch {
    // forbidden storage only means that the choice lasts as long as the page
  }
}

function recalled(name) {
  try {
    return localStorage.getItem(name);
  } catch {
    return null;
  }
}

/* Theme: without script these are links that set a cookie; with script the page just changes. */

const themeLinks = [...document.querySelectorAll("[data-theme-choice]")];

function showTheme(theme) {
  root.dataset.theme = theme;
  for (const link of themeLinks) {
    if (link.dataset.themeChoice === theme) link.setAttribute("aria-current", "true");
    else link.removeAttribute("aria-current");
  }
}

for (const link of themeLinks) {
  link.addEventListener("click", (event) => {
    event.preventDefault();
    const theme = link.dataset.themeChoice;
    remember("theme", theme);
    document.cookie = `theme=${theme}; path=/; max-age=31536000; samesite=lax`;
    showTheme(theme);
  });
}
showTheme(root.dataset.theme);

/* Times. The server prints ages and UTC; the reader may have local time or UTC everywhere instead. */

const local = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "medium" });
const localClock = new Intl.DateTimeFormat(language, { timeStyle: "medium" });
const modes = ["age", "local", "utc"];
const served = new WeakMap(); // <time> -> its text as the server wrote it
let mode = modes.includes(recalled("times")) ? recalled("times") : "age";

/* pick(130, "{n} s|{n} min|…") -> "2 min"; the same limits as probes/web/moments.py has */
function pick(seconds, forms) {
  const [second, minute, hour, day] = forms.split("|");
  const [form, unit] =
    seconds < 60 ? [second, 1] : seconds < 3600 ? [minute, 60] : seconds < 172800 ? [hour, 3600] : [day, 86400];
  return form.replace("{n}", Math.floor(seconds / unit));
}

const texts = root.dataset;
const relative = {
  age: (elapsed) => (elapsed < 5 ? texts.textJustNow : pick(elapsed, texts.textAges)),
  span: (elapsed) => texts.textLasting.replace("{span}", pick(Math.max(0, elapsed), texts.textSpans)),
  due: (elapsed) => texts.textAhead.replace("{span}", pick(Math.max(0, -elapsed), texts.textSpans)),
};

function shown(time) {
  const at = new Date(time.dateTime);
  const kind = time.dataset.moment;
  if (kind in relative && mode === "age") return relative[kind]((Date.now() - at) / 1000);
  if (kind in relative && mode === "utc") return time.dateTime.replace("T", " ").replace("Z", " UTC");
  if (kind === "date" || mode !== "local") return served.get(time); // nothing moves unless the reader asked for it
  return kind === "clock" ? localClock.format(at) : local.format(at);
}

function showTimes(scope = document) {
  for (const time of scope.querySelectorAll("time[data-moment]")) {
    if (!served.has(time)) {
      served.set(time, time.textContent);
      time.title = `${local.format(new Date(time.dateTime))} · ${time.dateTime}`;
    }
    const text = shown(time);
    if (time.textContent !== text) time.textContent = text;
  }
}

const toggle = document.querySelector("[data-times-toggle]");

function labelToggle() {
  if (toggle) toggle.textContent = toggle.getAttribute(`data-label-${mode}`);
}

toggle?.addEventListener("click", () => {
  mode = modes[(modes.indexOf(mode) + 1) % modes.length];
  remember("times", mode);
  labelToggle();
  showTimes();
});

labelToggle();
showTimes();
setInterval(() => document.hidden || showTimes(), 1000);
document.addEventListener("visibilitychange", () => document.hidden || showTimes());
document.addEventListener("firsttoken:inserted", () => showTimes());

/* "/" goes to the search box, unless somebody is typing. */

document.addEventListener("keydown", (event) => {
  const box = document.querySelector("[data-search-box], input[type=search]");
  const isTyping = event.target.closest?.("input, textarea, select, [contenteditable]");
  if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || isTyping || !box) return;
  event.preventDefault();
  box.focus();
  box.select();
});

/* Live changes, for the pages that asked for them with data-live on an element. */

if (document.querySelector("[data-live]")) {
  follow({
    onChange: (change) => document.dispatchEvent(new CustomEvent("firsttoken:change", { detail: change })),
    onStatus: (status) => (root.dataset.connection = status),
  });
}
