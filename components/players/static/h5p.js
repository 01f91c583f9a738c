// Plays H5P content, with h5p-standalone. What the learner answers is recorded as the content says
// it, in the learner's name; what the content wants to find again is kept.
import { Keeper } from "/content/players/keeper.js";
import { Unit, element, library, place, source, stage } from "/content/players/launch.js";
import { Recorder } from "/content/players/recorder.js";

const MANIFEST = "/h5p.json";
const STATE = "h5p";
const ID = "content"; // There is one on the page.
const KEEP_MS = 3000;
const SEEN_MS = 3000; // From when on content that asks nothing was seen.
const SAID = ["answered", "completed", "progressed", "passed", "failed"]; // Others are clicks.
const DEFINITION = ["type", "name", "description", "interactionType", "correctResponsesPattern",
  "choices", "scale", "source", "target", "steps"];

// What of an object's properties is there, under these names.
const some = (object, names) =>
  Object.fromEntries(names.filter((name) => object?.[name]).map((name) => [name, object[name]]));

function scoreOf({ score } = {}) {
  const { raw, min = 0, max } = score ?? {};
  if (!(max > min) || typeof raw !== "number") return null;
  const scaled = Math.round(Math.min(Math.max(raw / max, -1), 1) * 10000) / 10000;
  return raw >= min && raw <= max ? { scaled, raw, min, max } : { scaled };
}

// A statement of the content as one of the learner's.
function translated(unit, { object, result, verb }) {
  const part = new URL(object.id, location.href).searchParams.get("subContentId");
  // Never the unit itself: what is said of that counts, and is the unit's to say.
  const id = `${unit.activity}#${encodeURIComponent(part ?? "content")}`;
  const definition = some(object.definition, DEFINITION);
  const score = scoreOf(result);
  const said = {
    ...some(result, ["response", "duration"]),
    ...(typeof result?.success === "boolean" && { success: result.success }),
    ...(typeof result?.completion === "boolean" && { completion: result.completion }),
    ...(score && { score }),
  };
  return unit.aside(verb.id.split("/").at(-1), said, { id, definition });
}

class Content {
  constructor(unit, keeper, recorder) {
    Object.assign(this, { unit, keeper, recorder });
  }

  // It said something of itself or of one of its parts.
  hear({ data: { statement } }) {
    const { recorder, unit } = this;
    const name = statement.verb.id.split("/").at(-1);
    const isWhole = !statement.context?.contextActivities?.parent?.length;
    this.keep();
    if (!SAID.includes(name)) return;
    const isEnd = isWhole && ["answered", "completed"].includes(name);
    if (!isEnd || name === "answered") recorder.each(() => translated(unit, statement));
    if (isEnd) this.done(scoreOf(statement.result));
    recorder.record();
  }

  done(score) {
    const { recorder, unit } = this;
    const result = { completion: true, duration: unit.elapsed };
    recorder.once("said.completed", "1", () => unit.statement("completed", result));
    if (!score) return;
    recorder.once("said.score", JSON.stringify(score), () => unit.aside("scored", { score }));
    if (unit.mastery === null) return;
    const success = score.scaled >= unit.mastery;
    const judged = () => unit.statement(success ? "passed" : "failed", { success, score });
    if (success) recorder.once("said.passed", "1", judged);
    else if (!recorder.has["said.passed"]) recorder.each(judged);
  }

  // What it wants to find again.
  state() {
    const state = this.instance?.getCurrentState?.();
    return state === undefined || state === null ? {} : { state: JSON.stringify(state) };
  }

  keep() {
    this.keeper.keep(this.state());
  }

  // Content that has nothing to answer is done once it was seen.
  asks() {
    return (this.instance?.getMaxScore?.() ?? 0) > 0;
  }

  leave() {
    this.keeper.want(this.state());
    this.recorder.leave();
    this.keeper.leave();
  }
}

// Starts the content, whose library the player names without a minor version of 0 (3.8.2).
function start() {
  const content = window.H5PIntegration.contents[`cid-${ID}`];
  if (!/ \d+\.\d+$/.test(content.library)) content.library += ".0";
  window.H5P.init(document.body);
}

export async function play() {
  await library("h5p-standalone/main.bundle.js");
  const unit = await Unit.launched();
  const keeper = await Keeper.of(unit, STATE);
  const content = new Content(unit, keeper, new Recorder(unit, keeper));
  const around = element("div", {});
  stage(around).className = "h5p";
  await new window.H5PStandalone.H5P(around, {
    id: ID,
    embedType: "div",
    h5pJsonPath: source().slice(0, -MANIFEST.length),
    frameJs: place("h5p-standalone/frame.bundle.js"),
    frameCss: place("h5p-standalone/styles/h5p.css"),
    xAPIObjectIRI: unit.activity,
    saveFreq: 3600, // It is kept here; without this, nothing is found again.
    // Not as its README has it (3.8.2): by the part's id, which is 0 for the whole, and the name.
    contentUserData: keeper.wanted.state ? [{ state: keeper.wanted.state }] : [],
    fullScreen: true,
    reportingIsEnabled: true,
    preventH5PInit: false, // It is the other way round (3.8.2): it is started below.
  });
  start();
  [content.instance] = window.H5P.instances;
  window.H5P.externalDispatcher.on("xAPI", (event) => content.hear(event));
  setInterval(() => content.keep(), KEEP_MS);
  if (!content.asks()) {
    setTimeout(() => {
      content.done(null);
      content.recorder.record();
    }, SEEN_MS);
  }
  addEventListener("pagehide", () => content.leave());
}
