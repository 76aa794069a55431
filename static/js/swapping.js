/* Brings a live page up to date by replacing what changed, where it stands. Nothing is moved, no focus is lost.
 *
 * keepCurrent({ items: "[data-row]", holder: "[data-board]", afterSwap, mayRedraw })
 *   On firsttoken:change it fetches this page's own fragment (?fragment=1&id=…): frame parts (data-swap) and the
 *   changed items (data-row or data-card, with data-rev).
 *   afterSwap()    called after anything was replaced
 *   mayRedraw()    whether items may move by themselves when they stand in another order now; if not, the button
 *                  [data-redraw] offers it. After the reader's own Refresh they may.
 */

const QUIET_MILLISECONDS = 1500; // changes that come together are fetched together
const OWN_MILLISECONDS = 5000; // after a Refresh, until its last change has come
const MAX_IDS = 40; // more than this, and the whole fragment is cheaper than its address

const parser = new DOMParser();

const nameOf = (item) => item.dataset.row ?? item.dataset.card;

export function keepCurrent({ items, holder, afterSwap, mayRedraw = () => false }) {
  const keeper = () => document.querySelector(holder);
  const offer = document.querySelector("[data-redraw]");
  let refreshedAt = 0;
  const waiting = new Set();
  let wantsAll = false;
  let timer = 0;

  function address(extra) {
    const query = new URLSearchParams(location.search);
    query.delete("refresh");
    for (const [name, value] of extra) query.append(name, value);
    return `${location.pathname}?${query}`;
  }

  async function fetchPage(extra) {
    const answer = await fetch(address(extra), { headers: { Accept: "text/html" } });
    if (!answer.ok) return null; // the page keeps what it has; its ages go on telling how old that is
    return parser.parseFromString(await answer.text(), "text/html");
  }

  function swapFrame(part) {
    for (const fresh of part.querySelectorAll("[data-swap]")) {
      const old = document.querySelector(`[data-swap="${fresh.dataset.swap}"]`);
      if (!old || old.dataset.markup === fresh.innerHTML || old.contains(document.activeElement)) continue;
      const markup = fresh.innerHTML;
      old.replaceWith(fresh);
      fresh.dataset.markup = markup;
    }
    const title = part.querySelector("title");
    if (title) document.title = title.textContent;
  }

  function swapItems(part) {
    const standing = new Map([...document.querySelectorAll(items)].map((item) => [nameOf(item), item]));
    for (const fresh of part.querySelectorAll(items)) {
      const old = standing.get(nameOf(fresh));
      if (!old || old.dataset.rev === fresh.dataset.rev) continue;
      const hadFocus = old.contains(document.activeElement);
      fresh.hidden = old.hidden;
      old.replaceWith(fresh);
      fresh.classList.add("is-changed");
      setTimeout(() => fresh.classList.remove("is-changed"), 1200);
      if (hadFocus) fresh.querySelector("a")?.focus({ preventScroll: true });
    }
  }

  function tell() {
    afterSwap();
    document.dispatchEvent(new Event("firsttoken:inserted"));
  }

  /* The fragment's order of items, or null where nothing could be fetched. */
  async function swap(extra) {
    const part = await fetchPage([["fragment", "1"], ...extra]);
    if (!part) return null;
    swapFrame(part);
    swapItems(part);
    tell();
    return part.querySelector("[data-live-part]")?.dataset.order ?? null;
  }

  async function redraw() {
    const fresh = offer && (await fetchPage([]))?.querySelector(holder);
    if (!fresh) return location.reload(); // an empty page has another frame altogether
    offer.hidden = true;
    const focused = document.activeElement?.closest(items);
    keeper().replaceWith(fresh);
    tell();
    const again = focused && [...fresh.querySelectorAll(items)].find((item) => nameOf(item) === nameOf(focused));
    again?.querySelector("a")?.focus({ preventScroll: true });
  }

  function reorder(order) {
    if (order === null || order === keeper()?.dataset.order) return;
    if (!offer || mayRedraw() || Date.now() - refreshedAt < OWN_MILLISECONDS) redraw();
    else offer.hidden = false;
  }

  async function update() {
    const isWhole = wantsAll || waiting.size > MAX_IDS;
    const ids = isWhole ? [] : [...waiting].map((id) => ["id", id]);
    waiting.clear();
    wantsAll = false;
    reorder(await swap(ids));
  }

  function soon() {
    clearTimeout(timer);
    timer = setTimeout(() => update().catch(() => {}), QUIET_MILLISECONDS);
  }

  offer?.addEventListener("click", redraw);
  document.addEventListener("firsttoken:change", (event) => {
    event.detail.targets.forEach((id) => waiting.add(id));
    wantsAll ||= event.detail.everything;
    soon();
  });
  document.addEventListener("firsttoken:refreshed", async (event) => {
    refreshedAt = Date.now();
    reorder(await swap([["refresh", event.detail.id]]));
  });
}
