// Shows a page that records nothing by itself: once it was opened, it is done.
import { Unit, show } from "/content/players/launch.js";

export async function play() {
  const unit = await Unit.launched();
  show();
  if (unit.counts) {
    await unit.send([unit.statement("completed", { completion: true, duration: unit.elapsed })]);
  }
  addEventListener("pagehide", () => {
    unit.send([unit.statement("terminated", { duration: unit.elapsed })]);
  });
}
