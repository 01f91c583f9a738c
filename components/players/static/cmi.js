// What a SCO's data mean, in both versions of SCORM: what it gets at a launch, and what comes of
// it. Data are texts under the names that the standards give them.

const percent = (score) => `${Math.round(score * 10000) / 100}`;
const number = (text) => (text === undefined || text === "" ? null : Number(text));

// What is read-only at a launch, or belongs to one session, is not what was stored.
const SESSION = /^cmi\.(core\.)?(exit|session_time|entry)$/;
const OF_LEARNER = /^cmi\.(core\.student_|learner_)/;

// What of an object's data is to be stored.
export function own(data) {
  const isOwn = ([key, text]) => typeof text === "string" && !OF_LEARNER.test(key);
  return Object.fromEntries(Object.entries(data).filter(isOwn));
}

function entry(known) {
  const exit = known["cmi.core.exit"] ?? known["cmi.exit"];
  if (exit === undefined && !Object.keys(known).some((key) => key.startsWith("cmi."))) {
    return "ab-initio";
  }
  return exit === "suspend" ? "resume" : "";
}

// The data that a SCO finds (1.2: RTE 3.4; 2004: RTE 4.2).
export function seed(kind, known, { actor, counts, data, mastery }) {
  const isKept = ([key, text]) =>
    key.startsWith("cmi.") && text !== "" && !SESSION.test(key) && !OF_LEARNER.test(key);
  const kept = Object.entries(known).filter(isKept);
  const name = actor.name ?? actor.account.name;
  const mode = data.launchMode.toLowerCase();
  const launch = data.launchParameters ? { "cmi.launch_data": data.launchParameters } : {};
  if (kind === "scorm-1.2") {
    // Answers are for writing only: a session begins with none.
    const own = kept.filter(([key]) => !key.startsWith("cmi.interactions"));
    return {
      ...Object.fromEntries(own),
      "cmi.core.student_id": actor.account.name,
      "cmi.core.student_name": name,
      "cmi.core.credit": counts ? "credit" : "no-credit",
      "cmi.core.lesson_mode": mode,
      "cmi.core.entry": entry(known),
      ...(mastery !== null && { "cmi.student_data.mastery_score": percent(mastery) }),
      ...launch,
    };
  }
  return {
    ...Object.fromEntries(kept),
    "cmi.learner_id": actor.account.name,
    "cmi.learner_name": name,
    "cmi.credit": counts ? "credit" : "no-credit",
    "cmi.mode": mode,
    "cmi.entry": entry(known),
    ...(mastery !== null && { "cmi.scaled_passing_score": `${mastery}` }),
    ...launch,
  };
}

function score(cmi, prefix) {
  const [raw, min, max] = ["raw", "min", "max"].map((name) => number(cmi[`${prefix}.${name}`]));
  let scaled = number(cmi[`${prefix}.scaled`]);
  if (scaled === null && raw !== null) {
    const [low, high] = [min ?? 0, max ?? 100];
    scaled = high > low ? (raw - low) / (high - low) : null;
  }
  if (scaled === null || Number.isNaN(scaled)) return null;
  scaled = Math.round(Math.min(Math.max(scaled, -1), 1) * 10000) / 10000;
  const isWhole = raw !== null && min !== null && max !== null && min < max &&
    raw >= min && raw <= max;
  return isWhole ? { scaled, raw, min, max } : { scaled };
}

// What is reached; `isLast`: the SCO has said that it is done with its object. With a mastery score
// and a score, these say whether the learner has passed, whatever the SCO says (1.2: RTE 3.4.4,
// 2004: RTE 4.2.22).
export function outcome(cmi, mastery, isLast) {
  const status = cmi["cmi.core.lesson_status"];
  const is12 = status !== undefined && cmi["cmi.completion_status"] === undefined;
  const found = score(cmi, is12 ? "cmi.core.score" : "cmi.score");
  const said = is12 ? status : cmi["cmi.success_status"];
  let success = { passed: true, failed: false }[said] ?? null;
  if (mastery !== null && found && (success !== null || isLast)) success = found.scaled >= mastery;
  const completion = is12 ? status : cmi["cmi.completion_status"];
  // A status that was never touched is the LMS's to set: it was seen (1.2: RTE 3.4.4).
  const isUntouched = is12 && isLast && ["not attempted", "", undefined].includes(status);
  // A SCO of 1.2 has one status for both: what is complete and not mastered is failed, at its end.
  const isMissed = is12 && mastery !== null && found !== null && found.scaled < mastery;
  const isDone = completion === "completed" || (is12 && success === true) || isUntouched;
  const completed = isDone && !isMissed;
  const measure = number(cmi["cmi.progress_measure"]);
  const progress = measure === null ? null : Math.round(Math.min(Math.max(measure, 0), 1) * 100);
  return { completed, success, score: found, progress };
}

const TYPES = ["true-false", "choice", "fill-in", "long-fill-in", "matching", "performance",
  "sequencing", "likert", "numeric", "other"];

// 1.2 writes lengths of time as HHHH:MM:SS.SS, 2004 as statements do.
function latency(text) {
  if (!text) return {};
  const parts = text.match(/^(\d+):(\d+):([\d.]+)$/);
  if (!parts) return text.startsWith("P") ? { duration: text } : {};
  return { duration: `PT${Number(parts[1])}H${Number(parts[2])}M${Number(parts[3])}S` };
}

// The answers that a SCO has told of, as statements have them.
export function responses(cmi, activity) {
  const answers = [];
  for (let n = 0; cmi[`cmi.interactions.${n}.id`] !== undefined; n++) {
    const of = (name) => cmi[`cmi.interactions.${n}.${name}`] ?? "";
    const response = of("student_response") || of("learner_response");
    const result = of("result");
    const text = `${response}\n${result}`;
    if (of("id") === "" || text === "\n") continue;
    const success = { correct: true, wrong: false, incorrect: false }[result];
    const interactionType = TYPES.includes(of("type")) ? of("type") : "other";
    const type = "http://adlnet.gov/expapi/activities/cmi.interaction";
    answers.push({
      key: `${n}.${of("id")}`,
      text,
      result: {
        ...(response && { response }),
        ...(success !== undefined && { success }),
        ...latency(of("latency")),
      },
      object: {
        id: `${activity}#${encodeURIComponent(of("id"))}`,
        definition: { type, interactionType },
      },
    });
  }
  return answers;
}
