/* Keeps the health page current: fetches it anew every ten seconds while somebody looks, and swaps its content. */

const EVERY_MILLISECONDS = 10_000;

const parser = new DOMParser();

async function renew() {
  const old = document.querySelector("[data-health]");
  if (document.hidden || old.contains(document.activeElement)) return;
  const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
  if (!answer.ok) return; // the ages on the page go on telling how old it is
  const fresh = parser.parseFromString(await answer.text(), "text/html").querySelector("[data-health]");
  if (!fresh) return;
  old.replaceWith(fresh);
  document.dispatchEvent(new Event("firsttoken:inserted"));
}

setInterval(() => renew().catch(() => {}), EVERY_MILLISECONDS);
