// Sends the chosen package and has it imported, says how far that is, and what came of it.
import { Cancelled, Refused, Upload, unfinished } from "/static/upload.js";

const form = document.getElementById("import");
const chosen = document.getElementById("package");
const outcome = document.getElementById("outcome");
const standing = document.getElementById("standing");
const [bar, words] = [standing.querySelector("progress"), standing.querySelector("span")];
const [button, cancel] = [form.querySelector("button"), document.getElementById("cancel")];
let underway = null;
form.hidden = false;

function say(text, kind) {
  outcome.textContent = text;
  outcome.className = `notice ${kind}`;
}

function size(bytes) {
  const units = ["bytes", "kB", "MB", "GB"];
  const power = Math.min(Math.floor(Math.log10(Math.max(bytes, 1)) / 3), 3);
  const number = bytes / 1000 ** power;
  return `${number.toFixed(power > 0 && number < 10 ? 1 : 0)} ${units[power]}`;
}

function time(seconds) {
  if (seconds < 90) return `${Math.max(1, Math.round(seconds))} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} minutes`;
  return `${Math.round(seconds / 3600)} hours`;
}

// Says how far it is. What is said once is read aloud; what moves is only seen.
let told = "";
function show(kind, at) {
  if (kind !== told) {
    if (kind === "sending") say("Sending. You may close this page, and go on later.", "");
    if (kind === "queued") {
      say("All of it is at the node. Other courses are being imported; this one waits for them.", "");
    }
    if (kind === "importing") say("All of it is at the node, which imports it now.", "");
    if (kind === "lost") {
      say(`${at.why} It goes on by itself; nothing that was sent is lost.`, "");
    }
    told = kind;
  }
  if (kind === "lost") return;
  bar.max = Math.max(at.total, 1);
  bar.value = at.done;
  const far = `${size(at.done)} of ${size(at.total)}`;
  const left = at.leftS > 3 ? `, about ${time(at.leftS)} left` : "";
  words.textContent = kind === "sending" ? `${far} sent${left}` : `${far} done`;
}

function busy(isBusy) {
  button.disabled = isBusy;
  for (const input of form.querySelectorAll("input")) input.disabled = isBusy;
  [standing.hidden, cancel.hidden] = [!isBusy, !isBusy];
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const [file] = chosen.files;
  told = "";
  say("Sending…", "");
  show("sending", { done: 0, total: file.size });
  busy(true);
  underway = new Upload(file, document.getElementById("public").checked, show);
  try {
    const course = await underway.run();
    const title = `“${course.title}”`;
    const outcome = course.is_new ? `Imported ${title}.` : `${title} was here already.`;
    say([outcome, ...course.notes].join(" "), "good");
  } catch (error) {
    if (error instanceof Cancelled) return say(error.message, "");
    if (error instanceof Refused) return say(`Not imported: ${error.message}`, "bad");
    say("This page failed. Reload it, then choose the same file: it goes on where it was.", "bad");
    throw error;
  } finally {
    busy(false);
    underway = null;
  }
});

cancel.addEventListener("click", () => {
  cancel.hidden = true;
  underway?.cancel().catch(() => {}); // Then it goes after 7 days.
});

const [first] = unfinished();
if (first) say(`“${first}” was not sent to its end: choose it again, and it goes on.`, "");
