#!/usr/bin/env bash
# h5p-standalone 3.8.2 (npm): a library of minor version 0 loses it.
#
# The name that content is started with is put together with the minor version only if that is not
# falsy, so content of H5P.Probe 1.0 runs as "H5P.Probe 1". Its scripts are still found, since their
# addresses are made elsewhere; but what the content type asks for by getLibraryFilePath() is looked
# for in "H5P.Probe-1.undefined", and is in "H5P.Probe-1.0". With minor version 1 all is right.
#
# Seen:
#   minor version 0: H5P.Probe-1.undefined/picture.png
#   minor version 1: H5P.Probe-1.1/picture.png
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --ignore-scripts h5p-standalone@3.8.2 jsdom@26.1.0

for minor in 0 1; do
  mkdir -p "$minor/content" "$minor/H5P.Probe-1.$minor"
  cat > "$minor/h5p.json" <<JSON
{ "title": "Probe", "language": "en", "mainLibrary": "H5P.Probe", "embedTypes": ["div"],
  "preloadedDependencies": [
    { "machineName": "H5P.Probe", "majorVersion": 1, "minorVersion": $minor }] }
JSON
  echo '{ "text": "hello" }' > "$minor/content/content.json"
  cat > "$minor/H5P.Probe-1.$minor/library.json" <<JSON
{ "title": "Probe", "machineName": "H5P.Probe", "majorVersion": 1, "minorVersion": $minor,
  "patchVersion": 0, "runnable": 1, "preloadedJs": [{ "path": "probe.js" }] }
JSON
  cat > "$minor/H5P.Probe-1.$minor/probe.js" <<'JS'
H5P.Probe = function () {
  this.attach = () => (window.found = this.getLibraryFilePath("picture.png"));
};
JS
done
cat > page.html <<'HTML'
<!doctype html><div id="place"></div>
<script src="/node_modules/h5p-standalone/dist/main.bundle.js"></script>
HTML

cat > look.mjs <<'JS'
import fs from "node:fs";
import http from "node:http";
import { JSDOM, VirtualConsole } from "jsdom";

const server = http.createServer(({ url }, answer) => {
  const path = `.${new URL(url, "http://here").pathname}`;
  if (!fs.existsSync(path)) return answer.writeHead(404).end();
  answer.end(fs.readFileSync(path));
}).listen(0);
const { port } = server.address();
const root = `http://127.0.0.1:${port}`;

async function found(minor) {
  const options = { runScripts: "dangerously", resources: "usable", pretendToBeVisual: true };
  const page = await JSDOM.fromURL(`${root}/page.html`,
    { ...options, virtualConsole: new VirtualConsole() });
  const { window } = page;
  window.fetch = (address, more) => fetch(new URL(address, root), more);
  window.matchMedia = () => ({ matches: false, addListener() {}, addEventListener() {} });
  await new Promise((loaded) => window.addEventListener("load", loaded));
  await new window.H5PStandalone.H5P(window.document.getElementById("place"), {
    id: "probe", h5pJsonPath: `${root}/${minor}`, embedType: "div",
    frameJs: `${root}/node_modules/h5p-standalone/dist/frame.bundle.js`,
    frameCss: `${root}/node_modules/h5p-standalone/dist/styles/h5p.css`,
  });
  return window.found.replace(`${root}/${minor}/`, "");
}

for (const minor of [0, 1]) console.log(`minor version ${minor}:`, await found(minor));
process.exit();
JS

said=$(timeout 120 node look.mjs)
echo "$said"
[[ $said == "minor version 0: H5P.Probe-1.undefined/picture.png
minor version 1: H5P.Probe-1.1/picture.png" ]]
