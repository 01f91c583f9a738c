// A cmi5 session, from launch to termination, with nothing but fetch().
// Section numbers refer to the cmi5 specification. It works from a sandboxed frame, whose origin
// is opaque: no cookies, no storage, every request across origins.
"use strict";

const VERBS = {
  initialized: "http://adlnet.gov/expapi/verbs/initialized",
  progressed: "http://adlnet.gov/expapi/verbs/progressed",
  completed: "http://adlnet.gov/expapi/verbs/completed",
  passed: "http://adlnet.gov/expapi/verbs/passed",
  failed: "http://adlnet.gov/expapi/verbs/failed",
  terminated: "http://adlnet.gov/expapi/verbs/terminated",
};
const CMI5_CATEGORY = { id: "https://w3id.org/xapi/cmi5/context/categories/cmi5" };
const MOVE_ON_CATEGORY = { id: "https://w3id.org/xapi/cmi5/context/categories/moveon" };
const PROGRESS = "https://w3id.org/xapi/cmi5/result/extensions/progress";
const MASTERY_SCORE = "https://w3id.org/xapi/cmi5/context/extensions/masteryscore";

// The first pause between two tries to send a statement; it doubles up to the longest.
const PAUSE_MS = 500;
const PAUSE_MS_MAX = 30000;

class Cmi5Session {
  // Reads the launch parameters (8.1). Null: the page was opened without a launch.
  static fromAddress() {
    const query = new URLSearchParams(location.search);
    const names = ["endpoint", "fetch", "actor", "registration", "activityId"];
    if (names.some((name) => !query.get(name))) return null;
    const session = new Cmi5Session();
    for (const name of names) session[name] = query.get(name);
    session.actor = JSON.parse(session.actor);
    session.endpoint = session.endpoint.replace(/\/*$/, "/");
    session.sending = Promise.resolve();
    return session;
  }

  // Redeems the token (8.2), reads the launch data (10.2) and says that the unit is ready (9.3.2).
  async begin() {
    const response = await fetch(this.fetch, { method: "POST" });
    const answer = await response.json();
    if (!answer["auth-token"]) throw new Error(answer["error-text"] || "no token");
    this.token = answer["auth-token"];
    this.began = Date.now();
    const data = await this.launchData();
    // A unit asks for these before it is ready (11); this one has no use for them.
    await this.preferences();
    this.template = data.contextTemplate;
    this.masteryScore = data.masteryScore ?? null;
    // Each may be said once a registration (9.3): what an earlier session said is not said again.
    this.said = new Set();
    for (const verb of ["completed", "passed"]) {
      if (await this.wasSaid(verb)) this.said.add(verb);
    }
    return this.say("initialized");
  }

  async launchData() {
    const query = this.query({ stateId: "LMS.LaunchData", activityId: this.activityId });
    const response = await this.request(`activities/state?${query}`);
    if (!response.ok) throw new Error(`the node answered ${response.status}`);
    return response.json();
  }

  preferences() {
    const agent = JSON.stringify(this.actor);
    const query = new URLSearchParams({ agent, profileId: "cmi5LearnerPreferences" });
    return this.request(`agents/profile?${query}`);
  }

  async wasSaid(verb) {
    const query = this.query({ verb: VERBS[verb], activity: this.activityId, limit: 1 });
    const response = await this.request(`statements?${query}`).catch(() => null);
    if (!response || !response.ok) return false;
    return (await response.json()).statements.length > 0;
  }

  query(parameters) {
    const agent = JSON.stringify(this.actor);
    const all = { agent, registration: this.registration, ...parameters };
    return new URLSearchParams(all);
  }

  request(path, options = {}) {
    const headers = { Authorization: `Basic ${this.token}`, "X-Experience-API-Version": "1.0.3" };
    if (options.body) headers["Content-Type"] = "application/json";
    return fetch(this.endpoint + path, { ...options, headers });
  }

  progressed(percent) {
    return this.say("progressed", { extensions: { [PROGRESS]: percent } });
  }

  completed() {
    return this.once("completed", { completion: true, duration: this.duration() });
  }

  // Passed or failed, by the score and what counts as a pass (9.3.4, 9.3.5, 9.5.1).
  judged(raw, max, fallbackMastery) {
    const mastery = this.masteryScore ?? fallbackMastery;
    const scaled = Math.round((raw / max) * 10000) / 10000;
    const success = scaled >= mastery;
    if (this.said.has("passed")) return Promise.resolve();
    const score = { scaled, raw, min: 0, max };
    const result = { success, score, duration: this.duration() };
    return this.once(success ? "passed" : "failed", result, { [MASTERY_SCORE]: mastery });
  }

  terminated() {
    return this.once("terminated", { duration: this.duration() });
  }

  once(verb, result, extensions) {
    if (this.said.has(verb)) return Promise.resolve();
    this.said.add(verb);
    return this.say(verb, result, extensions);
  }

  // Statements leave one after another, so that they arrive in the order they were said.
  say(verb, result, extensions) {
    const statement = this.statement(verb, result, extensions);
    this.sending = this.sending.catch(() => {}).then(() => this.send(statement));
    return this.sending;
  }

  statement(verb, result, extensions) {
    const context = structuredClone(this.template);
    context.registration = this.registration;
    context.extensions = { ...context.extensions, ...extensions };
    const category = [...(context.contextActivities?.category ?? [])];
    // Progress is "cmi5 allowed", all else here is "cmi5 defined" (7.1.3).
    if (verb !== "progressed") category.push(CMI5_CATEGORY);
    if (result && ("success" in result || "completion" in result)) category.push(MOVE_ON_CATEGORY);
    context.contextActivities = { ...context.contextActivities, category };
    const statement = {
      id: uuid(),
      actor: this.actor,
      verb: { id: VERBS[verb], display: { en: verb } },
      object: { objectType: "Activity", id: this.activityId },
      context,
      timestamp: new Date().toISOString(),
    };
    return result ? { ...statement, result } : statement;
  }

  // Tries until the node has it, for as long as the page is open; its id makes a repetition
  // harmless.
  async send(statement) {
    const body = JSON.stringify(statement);
    for (let pause = PAUSE_MS; ; pause = Math.min(pause * 2, PAUSE_MS_MAX)) {
      const options = { method: "POST", body, keepalive: true };
      const response = await this.request("statements", options).catch(() => null);
      if (response?.ok) return;
      if (response && response.status < 500 && response.status !== 429) {
        throw new Error(`the node answered ${response.status}`);
      }
      await new Promise((resume) => setTimeout(resume, pause));
    }
  }

  // Time since the beginning, as ISO 8601 has it (9.5.4).
  duration() {
    return `PT${((Date.now() - this.began) / 1000).toFixed(2)}S`;
  }
}

// A version 4 UUID. crypto.randomUUID() exists on secure origins only, and a school's node may
// have none.
function uuid() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
