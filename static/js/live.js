/* The live connection of a page: one EventSource, closed while the page is hidden, with polling where the
 * server has no stream to spare. Knows nothing of the page: it only says what changed.
 *
 * follow({ onChange, onStatus }) -> stop()
 *   onChange(change)   change = { targets: ["openai/main/gpt-4o", ...], everything: false, asOf: "2026-11-21T12:00:00.000Z" }
 *                      everything: true means that more than single targets changed (plan, agents, store, a gap
 *                      in the connection): fetch the page anew.
 *   onStatus(status)   "live", "polling", "paused" (page hidden), "offline"; called on each change of status.
 *   stop()             ends it for good.
 */

const STREAM = "/live";
const CHANGES = "/live/changes";
const POLL_SECONDS = 10;
const RETRY_SECONDS = 60; // how long to poll before asking for a stream again
const SILENT_SECONDS = 40; // the server pings every 15 s; this long without a word means a dead line
const OFFLINE_SECONDS = 10; // a stream's normal end is followed by a new one within 3 s

export function follow({ onChange, onStatus = () => {} }) {
  const line = new Line(onChange, onStatus);
  const stopped = new AbortController();
  const { signal } = stopped;
  const onVisibility = () => (document.hidden ? line.pause() : line.open());
  document.addEventListener("visibilitychange", onVisibility, { signal });
  window.addEventListener("pagehide", () => line.pause(), { signal });
  window.addEventListener("pageshow", (event) => event.persisted && line.open(), { signal });
  onVisibility();
  return () => {
    stopped.abort();
    line.pause();
  };
}

class Line {
  constructor(onChange, onStatus) {
    this.onChange = onChange;
    this.onStatus = onStatus;
    this.asOf = document.documentElement.dataset.asOf || ""; // of the page as the server rendered it
    this.status = "";
    this.source = null;
    this.silence = null; // timer: no word for too long
    this.doubt = null; // timer: trying to reconnect for too long
    this.timers = new Set();
  }

  open() {
    this.pause(false);
    const source = new EventSource(this.since(STREAM));
    this.source = source;
    for (const kind of ["snapshot", "change", "resync", "ping"]) {
      source.addEventListener(kind, (event) => this.hear(kind, event));
    }
    source.onerror = () => this.lost(source);
    this.watch();
  }

  pause(tell = true) {
    this.source?.close();
    this.source = null;
    this.timers.forEach(clearTimeout);
    this.timers.clear();
    this.doubt = null;
    if (tell) this.say("paused");
  }

  hear(kind, event) {
    clearTimeout(this.doubt);
    this.doubt = null;
    this.watch();
    this.say("live");
    if (kind === "ping") return;
    this.take(JSON.parse(event.data), kind === "resync");
  }

  /* body = {"as_of": "...", "targets": [...], "everything": false} */
  take(body, everything) {
    this.asOf = body.as_of;
    if (everything || body.everything || body.targets.length) {
      this.onChange({ targets: body.targets, everything: everything || body.everything, asOf: body.as_of });
    }
  }

  /* CONNECTING: the browser tries again by itself (a stream's normal end). CLOSED: refused, so poll. */
  lost(source) {
    if (source !== this.source) return;
    if (source.readyState === EventSource.CONNECTING) {
      this.doubt ??= this.after(OFFLINE_SECONDS, () => this.say("offline"));
      return;
    }
    this.pause(false);
    this.poll();
    this.after(RETRY_SECONDS, () => this.open());
  }

  async poll() {
    this.after(POLL_SECONDS, () => this.poll());
    try {
      const answer = await fetch(this.since(CHANGES), { headers: { Accept: "application/json" } });
      if (!answer.ok) throw new Error(`status ${answer.status}`);
      this.say("polling");
      this.take(await answer.json(), false);
    } catch {
      this.say("offline");
    }
  }

  watch() {
    clearTimeout(this.silence);
    this.timers.delete(this.silence);
    this.silence = this.after(SILENT_SECONDS, () => this.open());
  }

  after(seconds, action) {
    const timer = setTimeout(() => {
      this.timers.delete(timer);
      action();
    }, seconds * 1000);
    this.timers.add(timer);
    return timer;
  }

  since(path) {
    return this.asOf ? `${path}?since=${encodeURIComponent(this.asOf)}` : path;
  }

  say(status) {
    if (status === this.status) return;
    this.status = status;
    this.onStatus(status);
  }
}
