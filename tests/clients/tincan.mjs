// Records and reads statements with tincanjs. Arguments: endpoint, key, secret.
import assert from "node:assert/strict";
import TinCan from "tincanjs";

const [endpoint, username, password] = process.argv.slice(2);
const lrs = new TinCan.LRS({ endpoint, username, password, version: "1.0.1", allowFail: false });

/** Calls a method of the LRS, whose last argument are options, and waits for its callback. */
const callWith = (method, subjects, options) =>
  new Promise((resolve, reject) => {
    const callback = (error, result) =>
      error === null
        ? resolve(result)
        : reject(new Error(`${method}: ${error} ${result?.responseText}`));
    lrs[method](...subjects, { ...options, callback });
  });
const call = (method, subject, options = {}) => callWith(method, [subject], options);
const query = (params) =>
  new Promise((resolve, reject) => {
    const callback = (error, result) =>
      error === null
        ? resolve(result)
        : reject(new Error(`query: ${error} ${result?.responseText}`));
    lrs.queryStatements({ params, callback });
  });

const statement = (activity) =>
  new TinCan.Statement({
    actor: { mbox: "mailto:ada@example.org" },
    verb: { id: "http://adlnet.gov/expapi/verbs/experienced" },
    target: { id: `https://example.org/activities/${activity}` },
  });

const one = statement("one");
await call("saveStatement", one);
const read = await call("retrieveStatement", one.id);
assert.equal(read.target.id, "https://example.org/activities/one");

await call("saveStatements", [statement("two"), statement("two")]);
const activity = new TinCan.Activity({ id: "https://example.org/activities/two" });
const found = await query({ activity, limit: 1 });
assert.equal(found.statements.length, 1);
assert.ok(found.more, "there is another page");

// State and profiles.
const agent = new TinCan.Agent({ mbox: "mailto:ada@example.org" });
const where = { agent, activity };
const json = { contentType: "application/json" };
await callWith("saveState", ["bookmark", JSON.stringify({ page: 3 })], { ...where, ...json });
const state = await call("retrieveState", "bookmark", where);
assert.deepEqual(state.contents, { page: 3 });
await call("dropState", "bookmark", where);
assert.equal(await call("retrieveState", "bookmark", where), null);
await callWith("saveActivityProfile", ["note", "Hedges"], { activity, contentType: "text/plain" });
const profile = await call("retrieveActivityProfile", "note", { activity });
assert.equal(profile.contents, "Hedges");
