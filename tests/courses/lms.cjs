// What CATAPULT's LMS test suite asks of an LMS, by what a node's people do: an administrator
// imports, learners sign in and launch. Each launch without a registration is another learner's.
const http = require("http");
const path = require("path");
const { InvalidPackageError } = require(path.join(process.cwd(), "lib/errors"));

const node = process.env.HEDGE_NODE;
const basic = (credentials) => `Basic ${Buffer.from(credentials).toString("base64")}`;
const admin = { Authorization: basic(process.env.HEDGE_ADMIN) };
const password = "a-long-password";

// Who learns what, by registration.
const learners = new Map();

async function bytes(stream) {
  const parts = [];
  for await (const part of stream) parts.push(part);
  return Buffer.concat(parts);
}

// A request to the node. Jest 27 hides fetch() from what it runs.
function send(address, { method = "GET", headers = {}, body = "" } = {}) {
  return new Promise((resolve, reject) => {
    const length = { "Content-Length": Buffer.byteLength(body) };
    const options = { method, headers: { ...headers, ...length } };
    const request = http.request(node + address, options, async (response) => {
      const text = (await bytes(response)).toString();
      resolve({ status: response.statusCode, headers: response.headers, text });
    });
    request.on("error", reject).end(body);
  });
}

// One that has to succeed.
async function ask(address, options) {
  const answer = await send(address, options);
  if (answer.status >= 400) throw new Error(`${address}: ${answer.status} ${answer.text}`);
  return answer;
}

function form(fields, headers = {}) {
  const type = { "Content-Type": "application/x-www-form-urlencoded" };
  const body = new URLSearchParams(fields).toString();
  return { method: "POST", headers: { ...type, ...headers }, body };
}

async function newLearner() {
  const name = `learner-${process.pid}-${Date.now()}-${Math.floor(Math.random() * 1e9)}`;
  const person = { name, display_name: "A learner", role: "learner", password };
  const headers = { ...admin, "Content-Type": "application/json" };
  await ask("/auth/people", { method: "POST", headers, body: JSON.stringify(person) });
  const entered = await ask("/auth/sign-in", form({ name, password, next: "/" }));
  const cookie = entered.headers["set-cookie"][0].split(";")[0];
  return { name, cookie };
}

async function findCourse(id) {
  const answer = await ask(`/content/v1/courses/${encodeURIComponent(id)}`, { headers: admin });
  return JSON.parse(answer.text);
}

module.exports = {
  setup: async () => {},
  teardown: async () => {},
  cleanup: async () => {},
  getLrsEndpoint: () => `${node}/xapi`,
  getLrsAuthHeader: () => basic(process.env.HEDGE_CLIENT),

  importCourse: async (stream, contentType) => {
    const headers = { ...admin, "Content-Type": contentType };
    const options = { method: "POST", headers, body: await bytes(stream) };
    const { status, text } = await send("/content/v1/courses?format=cmi5", options);
    const answer = JSON.parse(text);
    if ([400, 415].includes(status)) throw new InvalidPackageError(answer.detail);
    if (status >= 300) throw new Error(`${status}: ${answer.detail}`);
    return answer.id;
  },

  getLaunchUrl: async (courseId, auIndex, actor, { registration, launchMode }) => {
    const course = await findCourse(courseId);
    const learner = learners.get(registration)?.learner ?? (await newLearner());
    const unit = course.units[auIndex].id;
    const launch = form({ unit, mode: launchMode ?? "Normal" }, { Cookie: learner.cookie });
    const { url } = JSON.parse((await ask(`/courses/${course.key}/launch`, launch)).text);
    learners.set(new URL(url).searchParams.get("registration"), { learner, course });
    return url;
  },

  hasWaive: () => true,
  waiveAU: async (registration, auIndex, reason) => {
    const { learner, course } = learners.get(registration);
    const unit = course.units[auIndex].id;
    const waive = form({ unit, learner: learner.name, reason }, admin);
    await ask(`/courses/${course.key}/waive`, waive);
  },

  hasAbandon: () => true,
  abandonSession: async (session) => {
    await ask(`/sessions/${session}/end`, { method: "POST", headers: admin });
  },
};
