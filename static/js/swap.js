/* Fetches a page's address again and swaps the parts marked data-region, so that nothing else moves or loses focus.
 *
 * await show("/stats?q=mini", { parts: ["table", "note"], remember: true }) -> Document of the answer, or null
 *   null: a later call overtook this one, or the server could not be reached (the page stays as it is).
 *   An error answer (a filter that the server refuses) is loaded as a page, for it says what to do.
 */

let running = null;

export async function show(url, { parts = null, remember = false } = {}) {
  const page = await fetched(url, remember);
  if (page === null) return null;
  for (const region of page.querySelectorAll("[data-region]")) {
    const name = region.dataset.region;
    if (parts === null || parts.includes(name)) replace(name, region);
  }
  if (remember) {
    history.replaceState(history.state, "", url);
    document.title = page.title;
  }
  document.dispatchEvent(new CustomEvent("firsttoken:inserted"));
  return page;
}

export async function fetched(url, isChosen = false) {
  running?.abort();
  const mine = (running = new AbortController());
  try {
    const answer = await fetch(url, { headers: { Accept: "text/html" }, signal: mine.signal });
    if (!answer.ok) {
      if (isChosen) location.assign(url);
      return null;
    }
    const text = await answer.text();
    return running === mine ? new DOMParser().parseFromString(text, "text/html") : null;
  } catch {
    return null;
  }
}

function replace(name, region) {
  const old = document.querySelector(`[data-region="${name}"]`);
  if (old !== null && old.innerHTML !== region.innerHTML) old.replaceChildren(...region.childNodes);
}

/* Calls action now, then at most once in so many seconds; the last call of a rush is never lost. */
export function atMostEvery(seconds, action) {
  let last = -Infinity;
  let waiting = 0;
  return () => {
    if (waiting !== 0) return;
    const wait = last + seconds * 1000 - performance.now();
    waiting = setTimeout(() => {
      waiting = 0;
      last = performance.now();
      action();
    }, Math.max(0, wait));
  };
}
