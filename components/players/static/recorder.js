// Says what comes of a unit that a player plays, each thing once.
import { LAST_BYTES_MAX, size } from "/content/players/launch.js";
import { AGAIN_MS, wait } from "/content/players/keeper.js";

export class Recorder {
  constructor(unit, keeper) {
    this.unit = unit;
    this.keeper = keeper;
    this.queue = Promise.resolve();
    this.pending = [];
    this.has = { ...keeper.wanted };
    this.ended = false;
  }

  // Takes note of a statement, unless the same was said under its name.
  once(name, text, statement) {
    if (!this.unit.counts || this.has[name] === text) return;
    this.has[name] = text;
    this.pending.push([name, text, statement()]);
  }

  // Takes note of a statement that may be true again.
  each(statement) {
    if (this.unit.counts) this.pending.push([null, null, statement()]);
  }

  // Says what was noted.
  record() {
    if (this.ended) return;
    this.queue = this.queue.then(() => this.send());
  }

  // One after the other, for one that cannot count any more takes those beside it with it.
  async send() {
    while (this.pending.length > 0 && !this.ended) {
      const [name, text, statement] = this.pending[0];
      try {
        await this.unit.send([statement]);
      } catch {
        return false; // The node is out of reach: what is pending goes with the next, or the last.
      }
      this.pending = this.pending.filter(([, , other]) => other !== statement);
      if (name) this.keeper.keep({ [name]: text });
    }
    return true;
  }

  // There is nothing more to say, and the page stays: the end comes after all the rest.
  finish() {
    if (this.ended) return;
    this.queue = this.queue.then(async () => {
      for (let failures = 0; !(await this.send()); failures++) {
        await wait(AGAIN_MS[failures] ?? AGAIN_MS.at(-1));
      }
      await this.keeper.drained();
      if (this.ended) return;
      this.ended = true;
      await this.unit.send([this.terminated()]);
    });
    this.queue.catch(() => {}); // The next launch gives the session up.
  }

  // The page goes: what is left to say, in one message that outlives it. What counts is not taken
  // for said before it is answered, and said again at the next launch.
  leave() {
    if (this.ended) return;
    this.ended = true;
    const last = this.pending;
    const counts = ([name]) => !name || /^said\.(completed|passed)$/.test(name);
    const asides = last.filter((it) => !counts(it));
    this.keeper.want(Object.fromEntries(asides.map(([name, text]) => [name, text])));
    const statements = (some) => some.map(([, , statement]) => statement);
    // Nothing is kept after the end, which could overtake what is still to be kept: then the next
    // launch gives the session up.
    const end = this.keeper.hasAll() ? [this.terminated()] : [];
    const all = [...statements(last), ...end];
    const messages = size(JSON.stringify(all)) < LAST_BYTES_MAX
      ? [all]
      : [[...statements(last.filter(counts)), ...end], statements(asides)];
    for (const message of messages) this.unit.send(message).catch(() => {});
  }

  terminated() {
    return this.unit.statement("terminated", { duration: this.unit.elapsed });
  }
}
