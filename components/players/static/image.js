// Shows a picture.
import { element, fileName, source, stage } from "/content/players/launch.js";
import { Lesson, watch } from "/content/players/lesson.js";

export async function play() {
  const picture = element("img", { src: source(), alt: `Picture ${fileName()}` });
  await picture.decode().catch(() => {
    throw new Error("this browser cannot show the picture; try another one");
  });
  const lesson = await Lesson.launched();
  lesson.has(1);
  stage(picture).className = "picture";
  watch([picture], () => lesson.at("", [0, 1]));
}
