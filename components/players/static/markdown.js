// Shows a text in Markdown. Its parts are what stands in it one below the other.
import { element, module, source, stage } from "/content/players/launch.js";
import { Lesson, watch } from "/content/players/lesson.js";

// Addresses in it are from the text's own on.
function resolve(article) {
  const beside = new URL(source(), location.href);
  for (const name of ["src", "href"]) {
    for (const node of article.querySelectorAll(`[${name}]`)) {
      const address = node.getAttribute(name);
      if (address.startsWith("#")) continue;
      node.setAttribute(name, new URL(address, beside).href);
      if (name === "href") Object.assign(node, { target: "_blank", rel: "noopener" });
    }
  }
}

// A picture has its room before it is there, or else it is taken for seen.
const loaded = (article) =>
  Promise.allSettled([...article.querySelectorAll("img")].map((image) => image.decode()));

export async function play() {
  const { marked } = await module("marked/marked.esm.js");
  const response = await fetch(source());
  if (!response.ok) throw new Error(`the node answers ${response.status}`);
  const article = element("article", { innerHTML: marked.parse(await response.text()) });
  resolve(article);
  const lesson = await Lesson.launched();
  const title = article.querySelector("h1, h2")?.textContent;
  if (title) document.title = title;
  stage(article).className = "text";
  await loaded(article);
  const parts = [...article.children];
  if (parts.length === 0) parts.push(article);
  lesson.has(parts.length);
  const place = Number(lesson.place ?? 0);
  if (place > 0) parts[place]?.scrollIntoView();
  // The place is what is on top: what is below it would be on top the next time.
  const top = () => Math.max(parts.findIndex((it) => it.getBoundingClientRect().bottom > 1), 0);
  watch(parts, (part) => lesson.at(top(), [part, part + 1]));
}
