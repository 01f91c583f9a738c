// Plays a film or sound. What counts are the seconds that were really played. Statements say it as
// the xAPI video profile does (https://w3id.org/xapi/video).
import { element, kind, say, source, stage } from "/content/players/launch.js";
import { Lesson } from "/content/players/lesson.js";
import { union } from "/content/players/ranges.js";

const VIDEO = "https://w3id.org/xapi/video/extensions";
const SHARE = 0.95; // Credits are not watched.
const seconds = (time) => Math.round(time * 10) / 10;

// What browsers do not read, as WebVTT: it has other times, and a first line.
async function captions(src) {
  if (!/\.srt$/i.test(new URL(src, location.href).pathname)) return src;
  const response = await fetch(src);
  const text = (await response.text()).replace(/^\uFEFF/, "");
  const times = text.replace(/(\d\d:\d\d:\d\d),(\d\d\d)/g, "$1.$2");
  return URL.createObjectURL(new Blob(["WEBVTT\n\n", times], { type: "text/vtt" }));
}

async function addCaptions(player, list) {
  const beside = new URL(source(), location.href);
  for (const { src, language } of list) {
    const track = element("track", { kind: "captions", srclang: language || "und" });
    track.label = language || "Captions";
    track.src = await captions(new URL(src, beside).href);
    // Those in the reader's own language are there from the start.
    track.default = !language || navigator.language.startsWith(language);
    player.append(track);
  }
}

// What a browser recorded does not say how long it is, before its end was looked for.
async function measured(player) {
  if (player.duration !== Infinity) return;
  player.currentTime = Number.MAX_SAFE_INTEGER;
  while (player.duration === Infinity) await once(player, "durationchange");
  player.currentTime = 0;
}

const once = (target, name) =>
  new Promise((resolve) => target.addEventListener(name, resolve, { once: true }));

function failed({ error }) {
  const isUnknown = error?.code === MediaError.MEDIA_ERR_SRC_NOT_SUPPORTED;
  return isUnknown ? "this browser cannot play the file; try another one"
    : "the file could not be read to its end; open it again";
}

export async function play() {
  const lesson = await Lesson.launched();
  const player = element(kind, { controls: true, preload: "metadata", playsInline: true });
  await addCaptions(player, lesson.parameters.captions ?? []);
  player.addEventListener("error", () => say(`It does not play: ${failed(player)}.`));
  player.src = source();
  stage(player).className = kind;
  const before = lesson.seen;
  const see = () => {
    let seen = before;
    for (let n = 0; n < player.played.length; n++) {
      seen = union(seen, [seconds(player.played.start(n)), seconds(player.played.end(n))]);
    }
    lesson.seen = seen;
    lesson.at(seconds(player.currentTime));
  };
  lesson.extensions = () => ({
    [`${VIDEO}/time`]: seconds(player.currentTime),
    [`${VIDEO}/progress`]: Math.round(lesson.percent) / 100,
    [`${VIDEO}/played-segments`]: lesson.seen.map(([from, to]) => `${from}[.]${to}`).join("[,]"),
  });
  await once(player, "loadedmetadata");
  await measured(player);
  lesson.has(player.duration, SHARE);
  const place = Number(lesson.place ?? 0);
  // Who has come to the end begins anew.
  if (place > 0 && place < player.duration - 1) player.currentTime = place;
  player.addEventListener("timeupdate", see);
  for (const name of ["pause", "ended"]) {
    player.addEventListener(name, () => {
      see();
      lesson.keep();
    });
  }
}
