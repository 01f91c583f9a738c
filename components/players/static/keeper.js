// Keeps what a player stores as a document of the learner's state, on every node.
import { say } from "/content/players/launch.js";

const ELSEWHERE = "it was opened elsewhere; go on there, or open it here again";
export const AGAIN_MS = [500, 2000, 5000, 15000];

export const wait = (ms) => new Promise((wake) => setTimeout(wake, ms));

// Sends what has changed of a player's data, texts under names, one message after the other, until
// the node has it; what a page could not send any more waits in the browser for the next launch.
export class Keeper {
  // What is kept in a document of the learner's state.
  static async of(unit, document) {
    const keeper = new Keeper(unit, document, (await unit.read(document)) ?? {});
    // What was left in this browser goes on its way at once: it may be asked for elsewhere.
    if (!keeper.hasAll()) keeper.keep({});
    return keeper;
  }

  constructor(unit, document, known) {
    this.unit = unit;
    this.document = document;
    // As clear.js of content knows it: what one learner leaves is not cleared by the next.
    this.place = `unsent ${document} ${unit.registration} ${unit.activity}`;
    this.known = known;
    this.wanted = { ...known, ...this.left() };
  }

  // What the last page in this browser did not send, if nobody has sent anything since.
  left() {
    try {
      const left = JSON.parse(localStorage.getItem(this.place) ?? "null");
      localStorage.removeItem(this.place);
      return left?.after === (this.known.saved ?? "") ? left.changed : {};
    } catch {
      return {};
    }
  }

  changed() {
    const entries = Object.entries(this.wanted).filter(([key, text]) => this.known[key] !== text);
    return Object.fromEntries(entries);
  }

  want(data) {
    this.wanted = { ...this.wanted, ...data };
  }

  hasAll() {
    return Object.keys(this.changed()).length === 0;
  }

  keep(data) {
    this.want(data);
    if (this.isSending) return;
    this.isSending = true;
    this.sending = this.send()
      .catch(({ message }) => say(`What you do is not kept any more: ${message}.`))
      .finally(() => (this.isSending = false));
  }

  // Until the node has all of it.
  drained() {
    return this.sending;
  }

  async send() {
    await null; // Many values are set in one go.
    for (let failures = 0; ; ) {
      const changed = this.changed();
      if (Object.keys(changed).length === 0) return;
      const sent = { ...changed, saved: `${Date.now()}` };
      const status = await this.post(sent);
      if (status >= 200 && status < 300) {
        this.known = { ...this.known, ...sent };
        this.wanted = { ...this.wanted, saved: sent.saved };
        failures = 0;
      } else if (status >= 400 && status < 500 && status !== 429) {
        throw new Error(status === 403 ? ELSEWHERE : `the node answers ${status}; open it again`);
      } else {
        await wait(AGAIN_MS[failures++] ?? AGAIN_MS.at(-1));
      }
    }
  }

  async post(sent) {
    try {
      return (await this.unit.post(this.unit.state(this.document), sent)).status;
    } catch {
      return 0;
    }
  }

  // The page goes: what is not known to have arrived is sent once more, and left in the browser.
  leave() {
    const changed = this.changed();
    if (Object.keys(changed).length === 0) return;
    try {
      const left = { after: this.known.saved ?? "", changed };
      localStorage.setItem(this.place, JSON.stringify(left));
    } catch {
      // There is no room.
    }
    this.post(changed);
  }
}
