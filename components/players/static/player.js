// Plays a launched unit by what it is.
import { kind, say } from "/content/players/launch.js";

const PLAYERS = {
  "scorm-1.2": "scorm.js",
  "scorm-2004": "scorm.js",
  page: "page.js",
  h5p: "h5p.js",
  epub: "book.js",
  pdf: "pdf.js",
  markdown: "markdown.js",
  image: "image.js",
  video: "media.js",
  audio: "media.js",
};

async function start() {
  const player = PLAYERS[kind];
  if (!player) throw new Error("this release of the node has no player for it; tell your teacher");
  const { play } = await import(`/content/players/${player}`);
  await play();
}

// What browsers say when they reach nobody is not for people: "Failed to fetch" (Chromium),
// "NetworkError when …" (Firefox), "Load failed" (Safari). Other TypeErrors are faults.
const words = (error) => (error instanceof TypeError && /fetch|network|load failed/i.test(error.message)
  ? "the node cannot be reached; check the connection, then open it again"
  : error.message);

start().catch((error) => {
  console.error(error);
  say(`It did not start: ${words(error)}.`);
});
