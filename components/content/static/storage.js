// Gives the pages of a course a localStorage and a sessionStorage of the learner's own, which the
// node keeps: they are there on another tablet, and are not there for the next learner. They work
// as the browser's do, also where a sandbox has none.
(() => {
  const BYTES_MAX = 4 << 20; // Of all items of an area.
  const LAST_BYTES_MAX = 60000; // Of a message that outlives its page; browsers allow 65,536.
  const AGAIN_MS = [500, 2000, 5000, 15000];
  const shared = Symbol.for("hedgeschool.storage");
  const [, grant, pack] = location.pathname.match(/^\/content\/f\/([^/]+)\/([0-9a-f]{64})\//) ?? [];
  if (!grant || window[shared]) return;
  // Not a page's <base>, which may be elsewhere, but its own address counts.
  const address = new URL(`/content/storage/${grant}/${pack}`, location.href).href;
  const size = (text) => new TextEncoder().encode(text).length;

  // The storage that a page around this one has of the same course.
  function found() {
    try {
      return parent !== window && parent[shared]?.address === address ? parent[shared] : null;
    } catch {
      return null; // It is of another origin.
    }
  }

  // Pages read their storage while they load, so it has to be there before them.
  function load() {
    const request = new XMLHttpRequest();
    request.open("GET", address, false);
    try {
      request.send();
      if (request.status === 200) return JSON.parse(request.responseText);
    } catch (error) {
      console.warn("The node was not reached:", error.message);
    }
    console.warn("What this page stores is not kept: the node did not answer.");
    return null;
  }

  // Sends what has changed, one message after the other, until the node has it.
  function keeper() {
    let waiting = { local: {}, session: {} };
    let sent = null;
    let failures = 0;
    let isGoing = false; // What a page stores while it goes is sent at once.
    addEventListener("pagehide", () => (isGoing = true));
    addEventListener("pageshow", () => (isGoing = false));
    const isEmpty = (areas) => Object.values(areas).every((items) => !Object.keys(items).length);

    function merged() {
      const both = (area) => ({ ...sent?.[area], ...waiting[area] });
      return { local: both("local"), session: both("session") };
    }

    async function send() {
      if (sent || isEmpty(waiting)) return;
      [sent, waiting] = [waiting, { local: {}, session: {} }];
      const isDone = await post(JSON.stringify(sent));
      if (!isDone) waiting = merged();
      sent = null;
      if (isDone) failures = 0;
      else await new Promise((wake) => setTimeout(wake, AGAIN_MS[failures++] ?? AGAIN_MS.at(-1)));
      send();
    }

    // A refusal of the node's is not changed by asking again.
    async function post(body) {
      try {
        const keepalive = size(body) < LAST_BYTES_MAX;
        const { status } = await fetch(address, { method: "POST", body, keepalive });
        if (status >= 400 && status < 500) console.warn(`What was stored is refused: ${status}`);
        return status < 500 && status !== 429;
      } catch {
        return false;
      }
    }

    // What is not yet known to have arrived, in messages that outlive the page.
    function sendLast() {
      let message = { local: {}, session: {} };
      const flush = () => {
        const body = JSON.stringify(message);
        // What is too much for that may still arrive.
        if (!isEmpty(message) && !navigator.sendBeacon(address, body)) post(body);
        message = { local: {}, session: {} };
      };
      for (const [area, items] of Object.entries(merged())) {
        for (const [name, text] of Object.entries(items)) {
          message[area][name] = text;
          if (size(JSON.stringify(message)) <= LAST_BYTES_MAX) continue;
          delete message[area][name];
          flush();
          message[area][name] = text;
        }
      }
      flush();
    }

    return {
      change(area, name, text) {
        waiting[area][name] = text;
        queueMicrotask(isGoing ? sendLast : send);
      },
      sendLast,
    };
  }

  // Any text can be stored, also half a character, which no message holds: that is written as JSON
  // writes it, behind a mark.
  const MARK = "\0json:";
  const isPlain = (text) => text.isWellFormed?.() !== false && !text.startsWith(MARK);
  const written = (text) => (isPlain(text) ? text : MARK + JSON.stringify(text));
  const read = (text) => (text.startsWith(MARK) ? JSON.parse(text.slice(MARK.length)) : text);
  const cost = (key, text) => size(JSON.stringify(key)) + size(JSON.stringify(written(text))) + 2;

  // An object that looks and works as the browser's (WHATWG HTML, 12.2).
  function area(name, stored, keep) {
    const items = new Map(Object.entries(stored).map(([key, text]) => [key, read(text)]));
    let bytes = 2;
    for (const [key, text] of items) bytes += cost(key, text);

    function set(key, text) {
      [key, text] = [String(key), String(text)];
      if (items.get(key) === text) return;
      const before = items.has(key) ? cost(key, items.get(key)) : 0;
      const after = bytes - before + cost(key, text);
      if (after > BYTES_MAX) {
        throw new DOMException(`more than ${BYTES_MAX} bytes`, "QuotaExceededError");
      }
      bytes = after;
      items.set(key, text);
      keep(name, key, written(text));
    }

    function remove(key) {
      key = String(key);
      if (!items.has(key)) return;
      bytes -= cost(key, items.get(key));
      items.delete(key);
      keep(name, key, null);
    }

    const own = (value) => ({ value, writable: true, configurable: true });
    const methods = Object.create(Storage.prototype, {
      length: { get: () => items.size, configurable: true },
      key: own((index) => [...items.keys()][index] ?? null),
      getItem: own((key) => items.get(String(key)) ?? null),
      setItem: own(set),
      removeItem: own(remove),
      clear: own(() => [...items.keys()].forEach(remove)),
    });
    const isItem = (key) => typeof key === "string" && !(key in methods) && items.has(key);
    return new Proxy(Object.create(methods), {
      get: (target, key) => (isItem(key) ? items.get(key) : Reflect.get(target, key)),
      set: (target, key, text) => {
        if (typeof key === "symbol") return Reflect.set(target, key, text);
        set(key, text);
        return true;
      },
      has: (target, key) => isItem(key) || key in target,
      deleteProperty: (target, key) => {
        if (typeof key === "symbol") return Reflect.deleteProperty(target, key);
        remove(key);
        return true;
      },
      ownKeys: (target) => [...items.keys(), ...Reflect.ownKeys(target)],
      getOwnPropertyDescriptor: (target, key) =>
        isItem(key)
          ? { value: items.get(key), writable: true, enumerable: true, configurable: true }
          : Reflect.getOwnPropertyDescriptor(target, key),
      defineProperty: (target, key, { value }) => {
        set(key, value);
        return true;
      },
    });
  }

  function begin() {
    const stored = load();
    const { change, sendLast } = keeper();
    const keep = stored ? change : () => {};
    addEventListener("pagehide", sendLast);
    document.addEventListener("visibilitychange", () => document.hidden && sendLast());
    const of = (name) => area(name, stored?.[name] ?? {}, keep);
    return { address, localStorage: of("local"), sessionStorage: of("session") };
  }

  const storage = found() ?? begin();
  Object.defineProperty(window, shared, { value: storage });
  for (const name of ["localStorage", "sessionStorage"]) {
    Object.defineProperty(window, name, { get: () => storage[name], configurable: true });
  }
})();
