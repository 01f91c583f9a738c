// Shows a page that records nothing by itself: once it was opened, it is done.
import { Unit, say, show } from "/content/players/launch.js";

async function start() {
  const unit = await Unit.launched();
  show();
  if (unit.counts) {
    await unit.send([unit.statement("completed", { completion: true, duration: unit.elapsed })]);
  }
  addEventListener("pagehide", () => {
    unit.send([unit.statement("terminated", { duration: unit.elapsed })]);
  });
}

start().catch(({ message }) => say(`It did not start: ${message}`));
