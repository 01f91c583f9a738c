// Sends a file in pieces (tus 1.0.0), each about as large as the link carries in some seconds, and
// has it imported. Goes on by itself after whatever passes; what does not is said in a sentence.
const UPLOADS = "/content/v1/uploads";
const COURSES = "/content/v1/courses";
const VERSION = { "Tus-Resumable": "1.0.0" };
const PIECE_S = 5;
const FIRST_BYTES = 8 << 10; // Four seconds at 2 kB/s.
const PIECE_BYTES = { min: 2 << 10, max: 8 << 20 };
const STALLED_MS = 60000;
const PAUSE_MS = { first: 1000, max: 30000 };

// What trying again does not help.
export class Refused extends Error {}

// The reader has cancelled it.
export class Cancelled extends Refused {}

// What passes: the link is gone, or the node is busy.
class Lost extends Error {
  constructor(message, afterMs) {
    super(message);
    this.afterMs = afterMs;
  }
}

const name = (file) => `upload ${file.name} ${file.size} ${file.lastModified}`;

function storage(use) {
  try {
    return use(localStorage);
  } catch {
    return null; // The browser keeps nothing: what was begun is not found when the page is reopened.
  }
}

// Names of files that were begun and not finished in this browser.
export function unfinished() {
  const keys = storage((kept) => Object.keys(kept)) ?? [];
  const files = keys.filter((key) => key.startsWith("upload "));
  return files.map((key) => key.replace(/^upload (.*) \d+ \d+$/s, "$1"));
}

function refusal(response, detail) {
  const afterMs = Number(response.headers.get("Retry-After")) * 1000 || null;
  if (response.status === 401) {
    return new Refused("You are signed out. Sign in in another tab, then choose the same file " +
      "here: it goes on where it was.");
  }
  const passes = [408, 425, 429, 500, 502, 503, 504].includes(response.status);
  return passes ? new Lost(detail, afterMs) : new Refused(detail);
}

export class Upload {
  // `show` is told what happens: a kind, and how far that is.
  constructor(file, isPublic, show) {
    this.file = file;
    this.isPublic = isPublic;
    this.show = show;
    this.ending = new AbortController();
    this.id = storage((kept) => kept.getItem(name(file)));
    this.offset = null; // Not known.
    this.piece = FIRST_BYTES;
    this.rate = 0; // Bytes a second.
  }

  // Sends and imports; answers what became of it.
  async run() {
    await this.persist(() => this.begin());
    while (this.offset < this.file.size) {
      await this.persist(() => this.sendPiece());
    }
    return this.persist(() => this.import());
  }

  // Ends it here and at the node.
  async cancel() {
    this.ending.abort();
    this.forget();
    if (this.id) await fetch(`${UPLOADS}/${this.id}`, { method: "DELETE", headers: VERSION });
  }

  forget() {
    storage((kept) => kept.removeItem(name(this.file)));
  }

  // Does it until it is done or refused.
  async persist(act) {
    for (let pauseMs = PAUSE_MS.first; ; pauseMs = Math.min(pauseMs * 2, PAUSE_MS.max)) {
      try {
        return await act();
      } catch (error) {
        if (this.ending.signal.aborted) throw new Cancelled("Cancelled: nothing of it is kept.");
        if (!(error instanceof Lost)) throw error;
        this.show("lost", { why: error.message });
        this.offset = null;
        await this.pause(error.afterMs ?? pauseMs);
      }
    }
  }

  // Waits for some time, or until the browser has a network again.
  pause(ms) {
    return new Promise((resolve) => {
      const end = () => {
        clearTimeout(timer);
        removeEventListener("online", end);
        resolve();
      };
      const timer = setTimeout(end, ms);
      addEventListener("online", end);
      this.ending.signal.addEventListener("abort", end);
    });
  }

  async ask(method, path, headers = {}, body = undefined, limitMs = STALLED_MS) {
    const request = new AbortController();
    const end = () => request.abort();
    const timer = limitMs ? setTimeout(end, limitMs) : null;
    this.ending.signal.addEventListener("abort", end);
    let response;
    try {
      if (this.ending.signal.aborted) end();
      response = await fetch(path, { method, headers, body, signal: request.signal });
    } catch {
      throw new Lost("The connection is gone.", null);
    } finally {
      clearTimeout(timer);
    }
    if (response.ok || [404, 409, 410].includes(response.status)) return response;
    const problem = await response.json().catch(() => null);
    throw refusal(response, problem?.detail ?? `The node answered ${response.status}.`);
  }

  // Finds what is at the node of a file that was begun, or begins.
  async begin() {
    if (this.id && await this.find()) return;
    const bytes = new TextEncoder().encode(this.file.name);
    const said = btoa(String.fromCharCode(...bytes));
    const headers = { "Upload-Length": this.file.size, "Upload-Metadata": `filename ${said}` };
    const response = await this.ask("POST", UPLOADS, { ...VERSION, ...headers });
    this.id = response.headers.get("Location").split("/").pop();
    this.offset = 0;
    storage((kept) => kept.setItem(name(this.file), this.id));
  }

  // How much is there. False: it is not, or not any more.
  async find() {
    const response = await this.ask("HEAD", `${UPLOADS}/${this.id}`, VERSION);
    // It was imported or refused, and that was not heard here.
    if (response.status === 410) this.offset = this.file.size;
    else if (response.ok) this.offset = Number(response.headers.get("Upload-Offset"));
    return this.offset !== null;
  }

  async sendPiece() {
    if (this.offset === null && !await this.find()) return this.begin();
    const part = this.file.slice(this.offset, this.offset + this.piece);
    const bytes = await part.arrayBuffer().catch(() => {
      throw new Refused("The file cannot be read any more: choose it again.");
    });
    const headers = {
      ...VERSION, "Upload-Offset": this.offset, "Content-Type": "application/offset+octet-stream",
    };
    const start = performance.now();
    try {
      const response = await this.ask("PATCH", `${UPLOADS}/${this.id}`, headers, bytes);
      if (!response.ok) { // Another page sends the same, or it was cancelled elsewhere.
        this.offset = null;
        return;
      }
      this.offset = Number(response.headers.get("Upload-Offset"));
    } catch (error) {
      this.piece = Math.max(PIECE_BYTES.min, this.piece >> 2);
      throw error;
    }
    this.learn(bytes.byteLength, (performance.now() - start) / 1000);
    const { size } = this.file;
    this.show("sending", { done: this.offset, total: size, leftS: (size - this.offset) / this.rate });
  }

  // What the link carries, and so how large the next piece is.
  learn(bytes, seconds) {
    const now = bytes / Math.max(seconds, 0.001);
    this.rate = this.rate ? this.rate * 0.7 + now * 0.3 : now;
    const wanted = Math.min(now * PIECE_S, this.piece * 4);
    this.piece = Math.round(Math.min(Math.max(wanted, PIECE_BYTES.min), PIECE_BYTES.max));
  }

  // Has it imported; whoever asks again hears of the same import.
  async import() {
    const query = new URLSearchParams({ upload: this.id, public: this.isPublic });
    const accept = { Accept: "text/event-stream" };
    const response = await this.ask("POST", `${COURSES}?${query}`, accept, undefined, null);
    if (!response.ok) {
      this.forget();
      throw new Refused((await response.json()).detail);
    }
    for await (const [kind, text] of events(response.body)) {
      const said = JSON.parse(text);
      if (kind === "progress") this.show(said.is_queued ? "queued" : "importing", said);
      if (kind === "imported" || kind === "refused") this.forget();
      if (kind === "imported") return said;
      if (kind === "refused") throw new Refused(said.detail);
      if (kind === "failed") {
        if (said.status === 507) throw new Refused(said.detail);
        throw new Lost(said.detail, null);
      }
    }
    throw new Lost("The connection is gone.", null);
  }
}

// The events of a stream (HTML, 9.2), each a type and a text of one line. It ends when nothing has
// been said for long.
async function* events(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let begun = "";
  for (;;) {
    const timer = setTimeout(() => reader.cancel().catch(() => {}), STALLED_MS);
    const { done, value } = await reader.read().catch(() => ({ done: true }));
    clearTimeout(timer);
    if (done) return;
    const parts = (begun + value).split("\n\n");
    begun = parts.pop();
    for (const part of parts) {
      const field = (name) => part.match(new RegExp(`^${name}: (.*)$`, "m"))?.[1];
      if (field("event")) yield [field("event"), field("data")];
    }
  }
}
