// A document, a film or a book as a unit: which parts of it were really seen is kept, with the
// place where the learner is, and said in steps; once all was seen, it is done.
import { Keeper } from "/content/players/keeper.js";
import { PROGRESS, Unit } from "/content/players/launch.js";
import { format, length, parse, union } from "/content/players/ranges.js";
import { Recorder } from "/content/players/recorder.js";

const STATE = "lesson";
const STEP = 10; // Percent, in which progress is said.
const KEEP_MS = 2000; // How often what moves all the time is kept.
const SEEN_MS = 1000; // From when on what is shown was seen.

export class Lesson {
  // Launches it, and reads what was seen before.
  static async launched() {
    const unit = await Unit.launched();
    return new Lesson(unit, await Keeper.of(unit, STATE));
  }

  constructor(unit, keeper) {
    this.unit = unit;
    this.keeper = keeper;
    this.recorder = new Recorder(unit, keeper);
    this.seen = parse(keeper.wanted.seen);
    addEventListener("pagehide", () => this.leave());
  }

  // What the course says to its player.
  get parameters() {
    try {
      return JSON.parse(this.unit.data.launchParameters || "{}");
    } catch {
      return {};
    }
  }

  // Where the learner was: a text, or nothing.
  get place() {
    return this.keeper.wanted.place ?? null;
  }

  // It has so many parts, of which a share has to be seen.
  has(parts, share = 1) {
    this.parts = parts;
    this.share = share;
  }

  // The learner is at a place, and has seen a range of parts.
  at(place, range) {
    if (range) this.seen = union(this.seen, range);
    this.now = { place: `${place}`, seen: format(this.seen) };
    this.timer ??= setTimeout(() => this.keep(), KEEP_MS);
  }

  keep() {
    clearTimeout(this.timer);
    this.timer = null;
    if (!this.now) return;
    this.keeper.keep(this.now);
    this.note();
    this.recorder.record();
  }

  get percent() {
    if (!this.parts) return 0;
    return Math.min(Math.floor((length(this.seen, this.parts) / this.parts) * 100), 100);
  }

  note() {
    const { percent, recorder, unit } = this;
    const isDone = percent >= Math.floor(this.share * 100);
    const step = Math.floor(percent / STEP) * STEP;
    const said = Number(recorder.has["said.progress"] ?? 0);
    if (step > said && !isDone) {
      recorder.once("said.progress", `${step}`, () => unit.progressed(step, this.extensions()));
    }
    if (isDone) {
      const extensions = { [PROGRESS]: 100, ...this.extensions() };
      const result = { completion: true, duration: unit.elapsed, extensions };
      recorder.once("said.completed", "1", () => unit.statement("completed", result));
    }
  }

  // What more there is to say of how far the learner is: films have more.
  extensions() {
    return {};
  }

  leave() {
    clearTimeout(this.timer);
    if (this.now) {
      this.keeper.want(this.now);
      this.note();
    }
    this.recorder.leave();
    this.keeper.leave();
  }
}

// Calls back with the positions of elements that have been in sight for a moment, half of them or
// over half of the window.
export function watch(elements, seen) {
  const since = new Map();
  const isShown = ({ intersectionRatio: ratio, intersectionRect: rect }) =>
    ratio >= 0.5 || rect.height >= innerHeight / 2;
  const look = (entries) => {
    for (const entry of entries) {
      clearTimeout(since.get(entry.target));
      since.delete(entry.target);
      if (!isShown(entry)) continue;
      const timer = setTimeout(() => {
        if (document.visibilityState === "visible") seen(elements.indexOf(entry.target));
      }, SEEN_MS);
      since.set(entry.target, timer);
    }
  };
  const threshold = [0, 0.1, 0.25, 0.4, 0.5, 0.75, 1];
  const observer = new IntersectionObserver(look, { threshold });
  elements.forEach((element) => observer.observe(element));
}
