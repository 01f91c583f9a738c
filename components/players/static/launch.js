// A launched unit's side of cmi5, for players: what they say is recorded as that of any unit.
const CATEGORY = "https://w3id.org/xapi/cmi5/context/categories";
const MASTERY = "https://w3id.org/xapi/cmi5/context/extensions/masteryscore";
export const PROGRESS = "https://w3id.org/xapi/cmi5/result/extensions/progress";
const VERBS = "http://adlnet.gov/expapi/verbs";
export const LAST_BYTES_MAX = 60000; // Of what outlives its page; browsers allow 65,536.

const AGAIN = "go back to the course and open it again";

const parameters = new URLSearchParams(location.search);

// What the unit is, as its course says.
export const kind = parameters.get("kind");

// What a player's page shows instead of a unit.
export function say(text) {
  const outcome = document.getElementById("outcome");
  outcome.textContent = text;
  outcome.hidden = false;
}

// The address of what is played: a file of the package, or a page on another server.
export function source() {
  const src = parameters.get("src") ?? "";
  if (!/^(\/content\/f\/|https?:\/\/)/.test(src)) {
    throw new Error(`this address has no unit; ${AGAIN}`);
  }
  return src;
}

// What the file is called, for those who do not see it.
export function fileName() {
  const name = source().split(/[?#]/)[0].split("/").at(-1);
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}

// Shows it in a frame.
export function show() {
  const frame = document.querySelector("iframe");
  frame.src = source();
  frame.hidden = false;
  document.getElementById("outcome").hidden = true;
  return frame;
}

// Shows elements in its place.
export function stage(...elements) {
  document.querySelector("iframe")?.remove();
  document.getElementById("outcome").hidden = true;
  const main = document.createElement("main");
  main.append(...elements);
  document.body.append(main);
  return main;
}

// An element with these properties.
export const element = (name, properties) => Object.assign(document.createElement(name), properties);

// A file of a library, or of what it needs. A node that was built without npm has none.
export const place = (name) => `/content/players/${name}`;

const lacks = (name) => {
  const [library] = name.split("/");
  return new Error(`this node was built without ${library}, which plays it; tell your teacher`);
};

// Runs a script of a library.
export function library(name) {
  const script = element("script", { src: place(name) });
  return new Promise((resolve, reject) => {
    script.onload = resolve;
    script.onerror = () => reject(lacks(name));
    document.head.append(script);
  });
}

// Loads a module of a library.
export async function module(name) {
  try {
    return await import(place(name));
  } catch (error) {
    console.error(error);
    throw lacks(name);
  }
}

// Has a library's styles.
export function style(name) {
  document.head.append(element("link", { rel: "stylesheet", href: place(name) }));
}

const uuid = () => {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
};

export const size = (text) => new TextEncoder().encode(text).length;

// A length of time as statements have it.
const duration = (ms) => `PT${(Math.max(ms, 0) / 1000).toFixed(2)}S`;

export class Unit {
  // Redeems the launch, and reads what it says (cmi5, 8 and 10).
  static async launched() {
    const unit = new Unit();
    const answer = await (await fetch(parameters.get("fetch"), { method: "POST" })).json();
    const before = `it was opened before; ${AGAIN}`;
    if (!answer["auth-token"]) throw new Error(answer["error-text"] ?? before);
    unit.authorization = `Basic ${answer["auth-token"]}`;
    unit.data = await unit.read("LMS.LaunchData");
    if (!unit.data) throw new Error(`the node does not know this launch; ${AGAIN}`);
    await unit.ask(`agents/profile?${unit.place({ profileId: "cmi5LearnerPreferences" })}`);
    unit.begun = Date.now();
    await unit.send([unit.statement("initialized")]);
    return unit;
  }

  endpoint = parameters.get("endpoint");
  actor = JSON.parse(parameters.get("actor"));
  activity = parameters.get("activityId");
  registration = parameters.get("registration");

  get counts() {
    return this.data.launchMode === "Normal";
  }

  get mastery() {
    return this.data.masteryScore ?? null;
  }

  get elapsed() {
    return duration(Date.now() - this.begun);
  }

  place(more) {
    const agent = JSON.stringify(this.actor);
    return new URLSearchParams({ agent, ...more });
  }

  state(stateId) {
    const { activity: activityId, registration } = this;
    return `activities/state?${this.place({ activityId, registration, stateId })}`;
  }

  ask(path, { headers, ...options } = {}) {
    const common = { Authorization: this.authorization, "X-Experience-API-Version": "1.0.3" };
    return fetch(this.endpoint + path, { ...options, headers: { ...common, ...headers } });
  }

  async read(stateId) {
    const response = await this.ask(this.state(stateId));
    if (response.status === 404) return null;
    if (!response.ok) throw new Error(`the node answers ${response.status}: open it again`);
    return response.json();
  }

  // Puts properties into a document, in place of those it has of these names.
  post(path, value) {
    const body = JSON.stringify(value);
    const keepalive = size(body) < LAST_BYTES_MAX;
    const headers = { "Content-Type": "application/json" };
    return this.ask(path, { method: "POST", headers, body, keepalive });
  }

  // What cannot count any more is refused (403), and so is what breaks a rule (400): neither need
  // be said again.
  async send(statements) {
    if (statements.length === 0) return;
    const response = await this.post("statements", statements);
    if (response.status === 400) console.error(await response.text());
    if (!response.ok && ![400, 403].includes(response.status)) {
      throw new Error(`status ${response.status}`);
    }
  }

  statement(verb, result) {
    const isJudged = ["completed", "passed", "failed"].includes(verb);
    const { contextActivities, extensions } = this.data.contextTemplate;
    const categories = isJudged ? ["cmi5", "moveon"] : ["cmi5"];
    const category = categories.map((name) => ({ id: `${CATEGORY}/${name}` }));
    const told = isJudged && this.mastery !== null ? { [MASTERY]: this.mastery } : {};
    return {
      ...this.aside(verb, result),
      context: {
        registration: this.registration,
        contextActivities: { ...contextActivities, category },
        extensions: { ...extensions, ...told },
      },
    };
  }

  // How far the learner is, in percent.
  progressed(percent, more) {
    return this.aside("progressed", { extensions: { [PROGRESS]: percent, ...more } });
  }

  // A statement that cmi5 does not define.
  aside(verb, result, object = { id: this.activity }) {
    return {
      id: uuid(),
      timestamp: new Date().toISOString(),
      actor: this.actor,
      verb: { id: `${VERBS}/${verb}`, display: { en: verb } },
      object,
      ...(result && { result }),
      context: { registration: this.registration, ...this.data.contextTemplate },
    };
  }
}
