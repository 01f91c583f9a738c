// Shows a document in PDF, page below page, with the viewer of PDF.js.
import { element, module, place, source, stage, style } from "/content/players/launch.js";
import { Lesson, watch } from "/content/players/lesson.js";

const files = (folder) => place(`pdfjs-dist/${folder}/`);

function open(library) {
  library.GlobalWorkerOptions.workerSrc = place("pdfjs-dist/pdf.worker.min.mjs");
  const loading = library.getDocument({
    url: new URL(source(), location.href).href,
    cMapUrl: files("cmaps"),
    cMapPacked: true,
    standardFontDataUrl: files("standard_fonts"),
    wasmUrl: files("wasm"),
    // What is not looked at need not come over a slow link.
    disableAutoFetch: true,
    isEvalSupported: false,
  });
  loading.onPassword = () => loading.destroy();
  return loading.promise.catch(({ message }) => {
    throw new Error(`the document cannot be read; tell your teacher (${message})`);
  });
}

export async function play() {
  const library = await module("pdfjs-dist/pdf.min.mjs");
  globalThis.pdfjsLib = library; // The viewer looks for it there.
  const { EventBus, PDFLinkService, PDFViewer } = await module("pdfjs-dist/pdf_viewer.mjs");
  style("pdfjs-dist/pdf_viewer.css");
  const document = await open(library);
  const lesson = await Lesson.launched();
  lesson.has(document.numPages);
  const viewer = element("div", { className: "pdfViewer" });
  const container = element("div", { className: "pages", tabIndex: 0 });
  container.append(viewer);
  const where = element("output", {});
  const [smaller, larger] = ["−", "+"].map((text) => element("button", { textContent: text }));
  smaller.setAttribute("aria-label", "Smaller");
  larger.setAttribute("aria-label", "Larger");
  const bar = element("nav", {});
  bar.append(smaller, where, larger);
  stage(container, bar).className = "pdf";
  const eventBus = new EventBus();
  const linkService = new PDFLinkService({ eventBus, externalLinkTarget: 2 });
  const parts = { container, viewer, eventBus, linkService };
  const pages = new PDFViewer({ ...parts, removePageBorders: true });
  linkService.setViewer(pages);
  const tell = () => (where.textContent = `${pages.currentPageNumber} / ${document.numPages}`);
  eventBus.on("pagesinit", () => {
    pages.currentScaleValue = "page-width";
    pages.currentPageNumber = Math.min(Number(lesson.place ?? 1), document.numPages);
    tell();
    const list = Array.from({ length: document.numPages }, (_, n) => pages.getPageView(n).div);
    watch(list, (page) => lesson.at(pages.currentPageNumber, [page, page + 1]));
  });
  eventBus.on("pagechanging", tell);
  let fits = true;
  addEventListener("resize", () => fits && (pages.currentScaleValue = "page-width"));
  const zoom = (change) => {
    fits = false;
    change();
  };
  smaller.onclick = () => zoom(() => pages.decreaseScale());
  larger.onclick = () => zoom(() => pages.increaseScale());
  pages.setDocument(document);
  linkService.setDocument(document, null);
}
