// Plays a SCO: gives it the object that its version of SCORM wants, keeps what it stores as the
// learner's state, and says in statements what comes of it. The object is scorm-again's.
import { LAST_BYTES_MAX, Unit, kind, say, show, size } from "/content/players/launch.js";
import { outcome, own, responses, seed } from "/content/players/cmi.js";

const VERSIONS = {
  "scorm-1.2": {
    library: "scorm12.min.js",
    make: (settings) => new window.Scorm12API(settings),
    name: "API",
    events: {
      begin: "LMSInitialize",
      change: "LMSSetValue.*",
      commit: "LMSCommit",
      end: "LMSFinish",
    },
  },
  "scorm-2004": {
    library: "scorm2004.min.js",
    make: (settings) => new window.Scorm2004API(settings),
    name: "API_1484_11",
    events: { change: "SetValue.*", commit: "Commit", end: "Terminate", begin: "Initialize" },
  },
};
const STATE = "scorm";
// Nothing is sent but by this page: what a SCO is answered does not wait for the network.
const SETTINGS = {
  autocommit: false,
  lmsCommitUrl: false,
  dataCommitFormat: "flattened",
  mastery_override: true,
  logLevel: 4,
};
const SEEN_MS = 3000; // From when on a page that was loaded was also seen.
const AGAIN_MS = [500, 2000, 5000, 15000];

function library(name) {
  const script = document.createElement("script");
  script.src = `/content/players/${name}`;
  return new Promise((resolve, reject) => {
    script.onload = resolve;
    script.onerror = () => {
      reject(new Error("this node was built without its player for SCORM; ask its operator"));
    };
    document.head.append(script);
  });
}

const wait = (ms) => new Promise((wake) => setTimeout(wake, ms));

// Sends what has changed of a SCO's data, one message after the other, until the node has it; what
// a page could not send any more waits in the browser for the next launch.
class Keeper {
  constructor(unit, known) {
    this.unit = unit;
    this.place = `scorm ${unit.registration} ${unit.activity}`;
    this.known = known;
    this.wanted = { ...known, ...this.left() };
  }

  // What the last page in this browser did not send, if nobody has sent anything since.
  left() {
    try {
      const left = JSON.parse(localStorage.getItem(this.place) ?? "null");
      localStorage.removeItem(this.place);
      return left?.after === (this.known.saved ?? "") ? left.changed : {};
    } catch {
      return {};
    }
  }

  changed() {
    const entries = Object.entries(this.wanted).filter(([key, text]) => this.known[key] !== text);
    return Object.fromEntries(entries);
  }

  want(data) {
    this.wanted = { ...this.wanted, ...data };
  }

  hasAll() {
    return Object.keys(this.changed()).length === 0;
  }

  keep(data) {
    this.want(data);
    if (this.isSending) return;
    this.isSending = true;
    this.sending = this.send()
      .catch(({ message }) => say(`What you do is not kept any more: ${message}.`))
      .finally(() => (this.isSending = false));
  }

  // Until the node has all of it.
  drained() {
    return this.sending;
  }

  async send() {
    await null; // A SCO sets many values in one go.
    for (let failures = 0; ; ) {
      const changed = this.changed();
      if (Object.keys(changed).length === 0) return;
      const sent = { ...changed, saved: `${Date.now()}` };
      const status = await this.post(sent);
      if (status >= 200 && status < 300) {
        this.known = { ...this.known, ...sent };
        this.wanted = { ...this.wanted, saved: sent.saved };
        failures = 0;
      } else if (status >= 400 && status < 500 && status !== 429) {
        throw new Error(status === 403 ? "it was opened elsewhere" : `status ${status}`);
      } else {
        await wait(AGAIN_MS[failures++] ?? AGAIN_MS.at(-1));
      }
    }
  }

  async post(sent) {
    try {
      return (await this.unit.post(this.unit.state(STATE), sent)).status;
    } catch {
      return 0;
    }
  }

  // The page goes: what is not known to have arrived is sent once more, and left in the browser.
  leave() {
    const changed = this.changed();
    if (Object.keys(changed).length === 0) return;
    try {
      const left = { after: this.known.saved ?? "", changed };
      localStorage.setItem(this.place, JSON.stringify(left));
    } catch {
      // There is no room.
    }
    this.post(changed);
  }
}

// Says what comes of a SCO, each thing once.
class Recorder {
  constructor(unit, keeper) {
    this.unit = unit;
    this.keeper = keeper;
    this.queue = Promise.resolve();
    this.pending = [];
    this.has = { ...keeper.wanted };
    this.ended = false;
  }

  // The statements that have become true since the last time.
  fresh(cmi, isLast) {
    const { unit } = this;
    if (!unit.counts) return [];
    const { completed, success, score, progress } = outcome(cmi, unit.mastery, isLast);
    const fresh = [];
    const once = (name, text, statement) => {
      if (this.has[name] === text) return;
      this.has[name] = text;
      fresh.push([name, text, statement()]);
    };
    const time = { duration: unit.elapsed };
    for (const { key, text, result, object } of responses(cmi, unit.activity)) {
      once(`said.response.${key}`, text, () => unit.aside("responded", result, object));
    }
    if (progress !== null) {
      const extensions = { "https://w3id.org/xapi/cmi5/result/extensions/progress": progress };
      once("said.progress", `${progress}`, () => unit.aside("progressed", { extensions }));
    }
    if (completed) {
      once("said.completed", "1", () => unit.statement("completed", { completion: true, ...time }));
    }
    const scored = score ? { score } : {};
    if (success === true) {
      const result = { success, ...scored, ...time };
      once("said.passed", "1", () => unit.statement("passed", result));
    } else if (success === false && isLast && !this.has["said.passed"]) {
      // Who has failed may pass in another session.
      fresh.push([null, null, unit.statement("failed", { success, ...scored, ...time })]);
    }
    if (score && isLast) {
      once("said.score", JSON.stringify(score), () => unit.aside("scored", { score }));
    }
    return fresh;
  }

  record(cmi) {
    if (this.ended) return;
    this.pending.push(...this.fresh(cmi, false));
    this.queue = this.queue.then(() => this.send());
  }

  // One after the other, for one that cannot count any more takes those beside it with it.
  async send() {
    while (this.pending.length > 0 && !this.ended) {
      const [name, text, statement] = this.pending[0];
      try {
        await this.unit.send([statement]);
      } catch {
        return false; // The node is out of reach: what is pending goes with the next, or the last.
      }
      this.pending = this.pending.filter(([, , other]) => other !== statement);
      if (name) this.keeper.keep({ [name]: text });
    }
    return true;
  }

  // The SCO is done with its object, and the page stays: the end comes after all the rest.
  finish(cmi) {
    if (this.ended) return;
    this.pending.push(...this.fresh(cmi, true));
    this.queue = this.queue.then(async () => {
      for (let failures = 0; !(await this.send()); failures++) {
        await wait(AGAIN_MS[failures] ?? AGAIN_MS.at(-1));
      }
      await this.keeper.drained();
      if (this.ended) return;
      this.ended = true;
      await this.unit.send([this.terminated()]);
    });
    this.queue.catch(() => {}); // The next launch gives the session up.
  }

  // The page goes: what is left to say, in one message that outlives it. What counts is not taken
  // for said before it is answered, and said again at the next launch.
  leave(cmi, isLast) {
    if (this.ended) return;
    this.ended = true;
    const last = [...this.pending, ...this.fresh(cmi, isLast)];
    const counts = ([name]) => !name || /^said\.(completed|passed)$/.test(name);
    const asides = last.filter((it) => !counts(it));
    this.keeper.want(Object.fromEntries(asides.map(([name, text]) => [name, text])));
    const statements = (some) => some.map(([, , statement]) => statement);
    // Nothing is kept after the end, which could overtake what is still to be kept: then the next
    // launch gives the session up.
    const end = this.keeper.hasAll() ? [this.terminated()] : [];
    const all = [...statements(last), ...end];
    const messages = size(JSON.stringify(all)) < LAST_BYTES_MAX
      ? [all]
      : [[...statements(last.filter(counts)), ...end], statements(asides)];
    for (const message of messages) this.unit.send(message).catch(() => {});
  }

  terminated() {
    return this.unit.statement("terminated", { duration: this.unit.elapsed });
  }
}

export async function play() {
  const version = VERSIONS[kind];
  await library(version.library);
  const unit = await Unit.launched();
  const stored = (await unit.read(STATE)) ?? {};
  const keeper = new Keeper(unit, stored);
  const recorder = new Recorder(unit, keeper);
  const api = version.make(SETTINGS);
  api.loadFromFlattenedJSON(seed(kind, keeper.wanted, unit), "");
  const cmi = () => own(api.renderCommitCMI(true));
  const isNew = !Object.keys(stored).some((key) => key.startsWith("cmi."));
  let [isUsed, isGoing, isLast, seen] = [false, false, false, null];
  const keep = () => keeper.keep(cmi());
  api.on(version.events.begin, () => (isUsed = true));
  api.on(version.events.change, () => queueMicrotask(keep));
  api.on(version.events.commit, () => {
    keep();
    recorder.record(cmi());
  });
  api.on(version.events.end, () => {
    keep();
    // A page that goes says it all in one message.
    if (!isGoing) recorder.finish(cmi());
    else isLast = true;
  });
  addEventListener("pagehide", () => {
    isGoing = true;
    // Some browsers let a page go before those inside it: a SCO has its last word first.
    document.querySelector("iframe")?.remove();
    // Of what never asks for its object, nothing more can be said than that it was seen.
    const isSeen = isNew && !isUsed && seen !== null && Date.now() - seen > SEEN_MS;
    const done = { "cmi.core.lesson_status": "completed", "cmi.completion_status": "completed" };
    if (isUsed) keeper.want(cmi());
    recorder.leave({ ...cmi(), ...(isSeen && done) }, isLast);
    keeper.leave();
  });
  window[version.name] = api;
  show().addEventListener("load", () => (seen ??= Date.now()));
}
