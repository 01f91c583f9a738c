// What CATAPULT's LMS test suite asks of an LMS, by what a node's people do: an administrator
// imports, learners sign in and launch. Each launch without a registration is another learner's.
const path = require("node:path");
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

// A request to the node, which has to succeed. Redirects are answers here.
async function ask(address, options) {
  const response = await fetch(node + address, { redirect: "manual", ...options });
  if (response.status >= 400) {
    throw new Error(`${address}: ${response.status} ${await response.text()}`);
  }
  return response;
}

const form = (fields) => ({ method: "POST", body: new URLSearchParams(fields) });

async function newLearner() {
  const name = `learner-${process.pid}-${Date.now()}-${Math.floor(Math.random() * 1e9)}`;
  const person = { name, display_name: "A learner", role: "learner", password };
  const headers = { ...admin, "Content-Type": "application/json" };
  await ask("/auth/people", { method: "POST", headers, body: JSON.stringify(person) });
  const entered = await ask("/auth/sign-in", form({ name, password, next: "/" }));
  const cookie = entered.headers.get("set-cookie").split(";")[0];
  return { name, cookie };
}

async function findCourse(id) {
  const response = await ask(`/content/v1/courses/${encodeURIComponent(id)}`);
  return response.json();
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
    const response = await fetch(`${node}/content/v1/courses`, options);
    const answer = await response.json();
    if ([400, 415].includes(response.status)) throw new InvalidPackageError(answer.detail);
    if (!response.ok) throw new Error(`${response.status}: ${answer.detail}`);
    return answer.id;
  },

  getLaunchUrl: async (courseId, auIndex, actor, { registration, launchMode }) => {
    const course = await findCourse(courseId);
    const learner = learners.get(registration)?.learner ?? (await newLearner());
    const unit = course.units[auIndex].id;
    const launch = form({ unit, mode: launchMode ?? "Normal" });
    launch.headers = { Cookie: learner.cookie };
    const response = await ask(`/courses/${course.key}/launch`, launch);
    const { url } = await response.json();
    learners.set(new URL(url).searchParams.get("registration"), { learner, course });
    return url;
  },

  hasWaive: () => true,
  waiveAU: async (registration, auIndex, reason) => {
    const { learner, course } = learners.get(registration);
    const unit = course.units[auIndex].id;
    const waive = form({ unit, learner: learner.name, reason });
    await ask(`/courses/${course.key}/waive`, { ...waive, headers: admin });
  },

  hasAbandon: () => true,
  abandonSession: async (session) => {
    await ask(`/sessions/${session}/end`, { method: "POST", headers: admin });
  },
};
