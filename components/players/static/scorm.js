// Plays a SCO: gives it the object that its version of SCORM wants, keeps what it stores as the
// learner's state, and says in statements what comes of it. The object is scorm-again's.
import { outcome, own, responses, seed } from "/content/players/cmi.js";
import { Keeper } from "/content/players/keeper.js";
import { Unit, kind, library, show } from "/content/players/launch.js";
import { Recorder } from "/content/players/recorder.js";

const VERSIONS = {
  "scorm-1.2": {
    library: "scorm-again/scorm12.min.js",
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
    library: "scorm-again/scorm2004.min.js",
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

// Notes what has become true of a SCO's data since the last time.
function note(recorder, cmi, isLast) {
  const { unit } = recorder;
  const { completed, success, score, progress } = outcome(cmi, unit.mastery, isLast);
  const time = { duration: unit.elapsed };
  for (const { key, text, result, object } of responses(cmi, unit.activity)) {
    recorder.once(`said.response.${key}`, text, () => unit.aside("responded", result, object));
  }
  if (progress !== null) recorder.once("said.progress", `${progress}`, () => unit.progressed(progress));
  if (completed) {
    const result = { completion: true, ...time };
    recorder.once("said.completed", "1", () => unit.statement("completed", result));
  }
  const scored = score ? { score } : {};
  if (success === true) {
    const result = { success, ...scored, ...time };
    recorder.once("said.passed", "1", () => unit.statement("passed", result));
  } else if (success === false && isLast && !recorder.has["said.passed"]) {
    // Who has failed may pass in another session.
    recorder.each(() => unit.statement("failed", { success, ...scored, ...time }));
  }
  if (score && isLast) {
    recorder.once("said.score", JSON.stringify(score), () => unit.aside("scored", { score }));
  }
}

export async function play() {
  const version = VERSIONS[kind];
  await library(version.library);
  const unit = await Unit.launched();
  const keeper = await Keeper.of(unit, STATE);
  const recorder = new Recorder(unit, keeper);
  const api = version.make(SETTINGS);
  api.loadFromFlattenedJSON(seed(kind, keeper.wanted, unit), "");
  const cmi = () => own(api.renderCommitCMI(true));
  const isNew = !Object.keys(keeper.known).some((key) => key.startsWith("cmi."));
  let [isUsed, isGoing, isLast, seen] = [false, false, false, null];
  const keep = () => keeper.keep(cmi());
  api.on(version.events.begin, () => (isUsed = true));
  api.on(version.events.change, () => queueMicrotask(keep));
  api.on(version.events.commit, () => {
    keep();
    note(recorder, cmi(), false);
    recorder.record();
  });
  api.on(version.events.end, () => {
    keep();
    // A page that goes says it all in one message.
    if (isGoing) {
      isLast = true;
    } else {
      note(recorder, cmi(), true);
      recorder.finish();
    }
  });
  addEventListener("pagehide", () => {
    isGoing = true;
    // Some browsers let a page go before those inside it: a SCO has its last word first.
    document.querySelector("iframe")?.remove();
    // Of what never asks for its object, nothing more can be said than that it was seen.
    const isSeen = isNew && !isUsed && seen !== null && Date.now() - seen > SEEN_MS;
    const done = { "cmi.core.lesson_status": "completed", "cmi.completion_status": "completed" };
    if (isUsed) keeper.want(cmi());
    note(recorder, { ...cmi(), ...(isSeen && done) }, isLast);
    recorder.leave();
    keeper.leave();
  });
  window[version.name] = api;
  show().addEventListener("load", () => (seen ??= Date.now()));
}
