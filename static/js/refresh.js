/* The Refresh button: files the request in the background, counts its progress, reports what came of it.
 *
 * firsttoken:refreshed on document, detail = { id: "…" }, when it is done.
 */

const POLL_MILLISECONDS = 700;
const GIVE_UP_MILLISECONDS = 180_000;

/* fill("Probing {done}/{total}", { done: 3, total: 14 }) -> "Probing 3/14" */
const fill = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => values[name]);

const wait = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

class RefreshButton {
  constructor(form) {
    this.form = form;
    this.button = form.querySelector("button");
    this.label = form.querySelector("[data-refresh-text]");
    this.isBusy = false;
    form.addEventListener("submit", (event) => this.press(event));
    if (Number(form.dataset.cooling)) this.holdFor(Number(form.dataset.cooling));
  }

  async press(event) {
    event.preventDefault();
    if (this.isBusy) return; // aria-disabled keeps the focus where it is, disabled would not
    this.setBusy(true);
    try {
      await this.run();
    } catch {
      this.say(this.form.dataset.textFailed);
      await wait(4000);
    }
    this.release();
  }

  /* Somebody else pressed it a moment ago. */
  async holdFor(seconds) {
    this.setBusy(true);
    await this.coolDown(seconds);
    this.release();
  }

  async run() {
    this.say(this.form.dataset.textWaiting);
    const answer = await fetch(this.form.action, {
      method: "POST",
      body: new URLSearchParams(new FormData(this.form)),
      headers: { Accept: "application/json" },
    });
    if (answer.status === 429) return this.coolDown(Number(answer.headers.get("Retry-After")) || 5);
    if (answer.status === 401) return this.form.submit(); // the server's own page asks for the token
    if (!answer.ok) throw new Error(`status ${answer.status}`);
    await this.watch(answer.headers.get("Location"));
  }

  async watch(address) {
    const until = Date.now() + GIVE_UP_MILLISECONDS;
    while (Date.now() < until) {
      const answer = await fetch(address, { headers: { Accept: "application/json" } });
      if (!answer.ok) throw new Error(`status ${answer.status}`);
      const refresh = await answer.json();
      if (refresh.total !== null) {
        this.say(fill(this.form.dataset.textBusy, { done: refresh.finished, total: refresh.total }));
      }
      if (refresh.state === "done") {
        document.dispatchEvent(new CustomEvent("firsttoken:refreshed", { detail: { id: refresh.id } }));
        return this.coolDown(this.left(refresh));
      }
      await wait(POLL_MILLISECONDS);
    }
    throw new Error("no agent finished it");
  }

  async coolDown(seconds) {
    for (let left = seconds; left > 0; left -= 1) {
      this.say(fill(this.form.dataset.textCooling, { n: left }));
      await wait(1000);
    }
  }

  /* what is left of the cool-down that began with this refresh, in whole seconds */
  left(refresh) {
    return Math.ceil(Number(this.form.dataset.cooldown) - (Date.now() - Date.parse(refresh.requested_at)) / 1000);
  }

  release() {
    this.say(this.form.dataset.textIdle);
    this.setBusy(false);
  }

  setBusy(isBusy) {
    this.isBusy = isBusy;
    this.button.setAttribute("aria-disabled", String(isBusy));
  }

  say(text) {
    this.label.textContent = text;
  }
}

for (const form of document.querySelectorAll("form[data-refresh]")) new RefreshButton(form);
