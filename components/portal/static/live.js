// Keeps the parts of a page that move as they are at the node: by server-sent events and, where
// those are refused, by asking again every few seconds. A page that nobody sees asks for nothing.
const live = document.querySelector("[data-live]");
const POLL_MS = 5000;
const POLLS = 12; // Then events are tried again.
const still = matchMedia("(prefers-reduced-motion: reduce)");
let source = null;
let timer = null;
let turn = 0; // Whoever began in an earlier one goes no further.

// Puts what has changed in its place, and the focus back where it was.
function replace(old, fresh) {
  const hasFocus = old.contains(document.activeElement);
  old.replaceWith(fresh);
  if (hasFocus) fresh.querySelector("a, button")?.focus();
  if (!still.matches) fresh.animate([{ opacity: 0.35 }, { opacity: 1 }], 600);
}

function update(part, fresh) {
  const keyed = (root) => [...root.querySelectorAll("[data-key]")];
  const [old, now] = [keyed(part), keyed(fresh)];
  const isSame = old.length > 0 && old.length === now.length &&
    old.every((element, index) => element.dataset.key === now[index].dataset.key);
  if (!isSame) {
    part.replaceWith(fresh);
    return;
  }
  old.forEach((element, index) => {
    if (!element.isEqualNode(now[index])) replace(element, now[index]);
  });
}

function show(root) {
  for (const fresh of root.querySelectorAll("[data-part]")) {
    const part = live.querySelector(`[data-part="${fresh.dataset.part}"]`);
    if (part) update(part, fresh);
  }
}

async function poll(left) {
  const begun = turn;
  try {
    const response = await fetch(location.href, { headers: { Accept: "text/html" } });
    const text = await response.text();
    if (response.ok && begun === turn) show(new DOMParser().parseFromString(text, "text/html"));
  } catch {
    // The node is out of reach: it is asked again.
  }
  if (begun === turn) timer = setTimeout(() => (left > 0 ? poll(left - 1) : listen()), POLL_MS);
}

function listen() {
  const events = new EventSource(live.dataset.live);
  events.addEventListener("state", (event) => {
    const template = document.createElement("template");
    template.innerHTML = event.data;
    show(template.content);
  });
  events.addEventListener("error", () => {
    // Otherwise the browser comes back by itself.
    if (events === source && events.readyState === EventSource.CLOSED) {
      timer = setTimeout(() => poll(POLLS), POLL_MS);
    }
  });
  source = events;
}

function begin() {
  turn += 1;
  source?.close();
  source = null;
  clearTimeout(timer);
  if (!document.hidden) listen();
}

document.addEventListener("visibilitychange", begin);
addEventListener("pageshow", (event) => event.persisted && begin());
begin();
