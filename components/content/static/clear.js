// Empties all that pages of courses may have left in this browser, before another learner opens
// one, and tells the player around it.
const WAIT_MS = 5000;
const UNSENT = "unsent "; // As the players' keeper.js begins names.

function removed(name) {
  return new Promise((resolve, reject) => {
    const request = indexedDB.deleteDatabase(name);
    request.onsuccess = resolve;
    request.onerror = () => reject(request.error);
  });
}

async function databases() {
  const known = (await indexedDB.databases?.()) ?? [];
  await Promise.all(known.map(({ name }) => removed(name)));
}

// What follows is there for pages that came by TLS, or from this machine.
async function responses() {
  if (!("caches" in self)) return;
  await Promise.all((await caches.keys()).map((name) => caches.delete(name)));
}

async function workers() {
  const known = (await navigator.serviceWorker?.getRegistrations()) ?? [];
  await Promise.all(known.map((registration) => registration.unregister()));
}

async function files() {
  const root = await navigator.storage?.getDirectory?.();
  if (!root) return;
  for await (const name of root.keys()) await root.removeEntry(name, { recursive: true });
}

function cookies() {
  for (const cookie of document.cookie.split("; ").filter(Boolean)) {
    const name = cookie.split("=")[0];
    for (const path of ["/", "/content", "/content/"]) {
      document.cookie = `${name}=; path=${path}; max-age=0`;
    }
  }
}

// What players could not send any more, for the page around this one to keep.
function unsent() {
  const names = Object.keys(localStorage).filter((name) => name.startsWith(UNSENT));
  return Object.fromEntries(names.map((name) => [name, localStorage.getItem(name)]));
}

let left = {};

async function clear() {
  left = unsent();
  localStorage.clear();
  sessionStorage.clear();
  cookies();
  await workers();
  await Promise.all([databases(), responses(), files()]);
}

const late = new Promise((_, reject) => {
  setTimeout(() => reject(new Error("another window still uses it")), WAIT_MS);
});

function tell(message) {
  if (parent !== window) parent.postMessage(message, "*");
}

// A window of its own goes on to the unit; of the address that was asked for, only files count.
function goOn() {
  const next = decodeURIComponent(location.hash.slice(1));
  const isUnit = ["/content/f/", "/content/players/"].some((path) => next.startsWith(path));
  if (parent === window && isUnit) location.replace(next);
  tell({ hedgeschool: "cleared", left });
}

// What the learner who comes back had left here.
addEventListener("message", ({ source, data }) => {
  if (source !== parent || parent === window || data?.hedgeschool !== "restore") return;
  const names = Object.keys(data.left).filter((name) => name.startsWith(UNSENT));
  for (const name of names) localStorage.setItem(name, data.left[name]);
  tell({ hedgeschool: "restored" });
});

function refuse({ message }) {
  document.body.textContent = `What a course left in this browser cannot be cleared: ${message}. ` +
    "Close the other windows of courses, and open this one again.";
  tell({ hedgeschool: "not cleared", reason: message });
}

Promise.race([clear(), late]).then(goOn, refuse);
