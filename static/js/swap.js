/* Fetches a page's address again and swaps the parts marked data-region, so that nothing else moves or loses focus.
 *
 * choose("/stats?q=mini")                       what the reader asked for: swaps everything and becomes the page's address;
 *                                               a later choice overtakes it, and an error answer is loaded as a page,
 *                                               for it says what to do
 * await fresh() -> Document, or null            the page as it is now, in the background; null when it cannot be had, or
 *                                               when the reader chose something else meanwhile
 * put(page, ["state", "tiles"])                 swaps these parts of such a document in
 */

let choice = null; // the AbortController of the choice under way

export const isChoosing = () => choice !== null;

export async function choose(url) {
  choice?.abort();
  const mine = (choice = new AbortController());
  try {
    const answer = await fetch(url, { headers: { Accept: "text/html" }, signal: mine.signal });
    if (!answer.ok) return location.assign(url);
    const page = parsed(await answer.text());
    if (choice !== mine) return undefined;
    history.replaceState(history.state, "", url);
    document.title = page.title;
    put(page, [...page.querySelectorAll("[data-region]")].map((region) => region.dataset.region));
  } catch (error) {
    if (error.name !== "AbortError") location.assign(url); // the browser's own page says that the server is away
  } finally {
    if (choice === mine) choice = null;
  }
  return undefined;
}

export async function fresh() {
  const address = location.href;
  const answer = await fetch(address, { headers: { Accept: "text/html" } }).catch(() => null);
  const text = answer?.ok ? await answer.text().catch(() => null) : null;
  return text === null || isChoosing() || location.href !== address ? null : parsed(text);
}

export function put(page, names) {
  for (const name of names) {
    const [old, next] = [document, page].map((one) => one.querySelector(`[data-region="${name}"]`));
    if (old !== null && next !== null && old.innerHTML !== next.innerHTML) old.replaceChildren(...next.childNodes);
  }
  document.dispatchEvent(new CustomEvent("firsttoken:inserted"));
}

const parsed = (text) => new DOMParser().parseFromString(text, "text/html");

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
