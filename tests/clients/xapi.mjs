// Records and reads statements with @xapi/xapi. Arguments: endpoint, key, secret.
import assert from "node:assert/strict";
// Not the global one: Node.js 18, which Debian has, lacks it in modules.
import { randomUUID, webcrypto as crypto } from "node:crypto";
import XAPI from "@xapi/xapi";

const [endpoint, key, secret] = process.argv.slice(2);
const xapi = new XAPI({ endpoint, auth: XAPI.toBasicAuth(key, secret), version: "1.0.3" });

const agent = { objectType: "Agent", name: "Ada", mbox: "mailto:ada@example.org" };
const verb = { id: "http://adlnet.gov/expapi/verbs/completed", display: { en: "completed" } };
const statement = (activity) => ({
  actor: agent,
  verb,
  object: { objectType: "Activity", id: `https://example.org/activities/${activity}` },
  result: { completion: true, score: { scaled: 0.8 } },
});

// One, and its id made by the node.
const [id] = (await xapi.sendStatement({ statement: statement("one") })).data;
const read = (await xapi.getStatement({ statementId: id })).data;
assert.equal(read.object.id, "https://example.org/activities/one");
assert.equal(read.result.score.scaled, 0.8);
assert.ok(read.stored, "a stored statement says when");

// Several in a batch, one of them with an id of its own.
const own = randomUUID();
const batch = [statement("two"), { ...statement("two"), id: own }, statement("three")];
const ids = (await xapi.sendStatements({ statements: batch })).data;
assert.equal(ids.length, 3);
assert.equal(ids[1], own);

// Queries.
const two = (await xapi.getStatements({ activity: "https://example.org/activities/two" })).data;
assert.deepEqual(two.statements.map((found) => found.id).sort(), ids.slice(0, 2).sort());
const adas = (await xapi.getStatements({ agent, verb: verb.id, ascending: true })).data;
assert.deepEqual(adas.statements.map((found) => found.id), [id, ...ids]);

// Pages.
const first = (await xapi.getStatements({ limit: 3 })).data;
assert.equal(first.statements.length, 3);
const rest = (await xapi.getMoreStatements({ more: first.more })).data;
assert.deepEqual(rest.statements.map((found) => found.id), [id]);

// The same again changes nothing; another under its id is refused.
await xapi.sendStatement({ statement: batch[1] });
const other = { ...batch[1], verb: { id: "http://adlnet.gov/expapi/verbs/failed" } };
await assert.rejects(
  xapi.sendStatement({ statement: other }),
  (error) => error.response.status === 409,
);

const about = (await xapi.getAbout()).data;
assert.ok(about.version.includes("1.0.3"), `about says ${about.version}`);

// State: one document, merged, listed, deleted.
const activityId = "https://example.org/activities/one";
const place = { agent, activityId };
await xapi.createState({ ...place, stateId: "bookmark", state: { page: 1, seen: [1] } });
await xapi.createState({ ...place, stateId: "bookmark", state: { page: 2 } });
const bookmark = (await xapi.getState({ ...place, stateId: "bookmark" })).data;
assert.deepEqual(bookmark, { page: 2, seen: [1] });
assert.deepEqual((await xapi.getStates(place)).data, ["bookmark"]);
await xapi.deleteState({ ...place, stateId: "bookmark" });
assert.deepEqual((await xapi.getStates(place)).data, []);

// Profiles: replaced by who knows the present one, and by nobody else.
const profile = { activityId, profileId: "settings" };
await xapi.createActivityProfile({ ...profile, profile: { level: 1 } });
const { headers } = await xapi.getActivityProfile(profile);
const replace = (etag) =>
  xapi.setActivityProfile({ ...profile, profile: { level: 2 }, etag, matchHeader: "If-Match" });
await replace(headers.etag);
await assert.rejects(replace(headers.etag), (error) => error.response.status === 412);
assert.deepEqual((await xapi.getActivityProfile(profile)).data, { level: 2 });
await xapi.createAgentProfile({ agent, profileId: "languages", profile: { first: "ga" } });
assert.deepEqual((await xapi.getAgentProfiles({ agent })).data, ["languages"]);

// Who, what, and what is attached.
assert.deepEqual((await xapi.getAgent({ agent })).data.name, ["Ada"]);
assert.equal((await xapi.getActivity({ activityId })).data.id, activityId);
const essay = new TextEncoder().encode("Hedges are schools.");
const sha2 = Array.from(new Uint8Array(await crypto.subtle.digest("SHA-256", essay)))
  .map((byte) => byte.toString(16).padStart(2, "0"))
  .join("");
const attachment = {
  usageType: "https://example.org/usage/essay",
  display: { en: "An essay" },
  contentType: "text/plain",
  length: essay.byteLength,
  sha2,
};
const attached = { ...statement("essay"), attachments: [attachment] };
// Only with fetch does it send the media type of what it sends, when it runs outside of a browser.
const fetching = new XAPI({
  endpoint, auth: XAPI.toBasicAuth(key, secret), version: "1.0.3", adapter: "fetch",
});
const sent = await fetching.sendStatement({ statement: attached, attachments: [essay.buffer] });
const [essayId] = sent.data;
const withData = (await xapi.getStatement({ statementId: essayId, attachments: true })).data;
assert.equal(withData[0].id, essayId);
assert.ok(JSON.stringify(withData).includes("Hedges are schools."), "the essay came back");

// Taken back.
await xapi.voidStatement({ actor: agent, statementId: essayId });
assert.equal((await xapi.getVoidedStatement({ voidedStatementId: essayId })).data.id, essayId);
await assert.rejects(
  xapi.getStatement({ statementId: essayId }),
  (error) => error.response.status === 404,
);
