// Turns the pages of a book (EPUB), with foliate-js. Its parts are thousandths; each chapter counts
// as much as another, since how long they are is not known before they are there.
import { element, module, source, stage } from "/content/players/launch.js";
import { Lesson } from "/content/players/lesson.js";

const CONTAINER = "META-INF/container.xml";
const PARTS = 1000;
const SHARE = 0.95; // Notes and the like need not be turned to.
const SEEN_MS = 1000;
const CHAPTER = 100000;

// The files of the book, which are beside each other at the node.
function loader() {
  const root = source().slice(0, -CONTAINER.length);
  const read = async (path) => {
    const address = path.split("/").map(encodeURIComponent).join("/");
    const response = await fetch(root + address);
    return response.ok ? response : null;
  };
  return {
    loadText: async (path) => (await read(path))?.text() ?? null,
    loadBlob: async (path) => (await read(path))?.blob() ?? null,
    getSize: () => CHAPTER,
  };
}

// Scripts of books have nothing to do here, as the library says.
function refuseScripts() {
  const content = "script-src 'self'";
  document.head.append(element("meta", { httpEquiv: "Content-Security-Policy", content }));
}

// The table of contents, with what is in it further in.
function contents(items, depth = 0) {
  return items.flatMap(({ label, href, subitems }) => {
    const text = `${"\u2003".repeat(depth)}${label?.trim() ?? ""}`;
    const here = href ? [element("option", { value: href, text })] : [];
    return [...here, ...contents(subitems ?? [], depth + 1)];
  });
}

export async function play() {
  await module("foliate-js/view.js");
  const { EPUB } = await module("foliate-js/epub.js");
  refuseScripts();
  const book = await new EPUB(loader()).init();
  const lesson = await Lesson.launched();
  lesson.has(PARTS, SHARE);
  const view = document.createElement("foliate-view");
  const chapters = element("select", { title: "Contents", ariaLabel: "Contents" });
  chapters.append(...contents(book.toc ?? []));
  const [back, on] = ["‹", "›"].map((text) => element("button", { textContent: text }));
  back.setAttribute("aria-label", "Previous page");
  on.setAttribute("aria-label", "Next page");
  const where = element("output", {});
  const bar = element("nav", {});
  bar.append(back, chapters, where, on);
  chapters.hidden = chapters.options.length === 0;
  // Whoever turned its pages before they are there would turn none.
  bar.style.visibility = "hidden";
  stage(view, bar).className = "book";
  let timer;
  view.addEventListener("relocate", ({ detail: { cfi, fraction, location, tocItem } }) => {
    const from = Math.floor((location.current / location.total) * PARTS);
    const to = Math.ceil(fraction * PARTS);
    where.textContent = `${Math.round(fraction * 100)} %`;
    if (tocItem?.href) chapters.value = tocItem.href;
    clearTimeout(timer);
    timer = setTimeout(() => lesson.at(cfi, [from, to]), SEEN_MS);
  });
  await view.open(book);
  back.onclick = () => view.goLeft();
  on.onclick = () => view.goRight();
  chapters.onchange = () => view.goTo(chapters.value);
  const turn = ({ key }) => {
    if (key === "ArrowLeft") view.goLeft();
    if (key === "ArrowRight") view.goRight();
  };
  addEventListener("keydown", turn);
  view.addEventListener("load", ({ detail }) => detail.doc.addEventListener("keydown", turn));
  await view.init({ lastLocation: lesson.place });
  bar.style.visibility = "";
}
