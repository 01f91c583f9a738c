#!/usr/bin/env bash
# h5p-standalone 3.8.2 (npm): `contentUserData` is not what its README says it is.
#
# The README ("Previous State Restoration") gives a state back to content as
#   contentUserData: [{ dataType: "state", previousState: JSON }]
# The option goes as it is to H5P's core, which looks under the part's id (0 is the whole content)
# for the data's own name: with the README's list, content starts anew, without a word; with
# [{ state: JSON }] it gets its state as `previousState`.
#
# Seen: "README's shape: undefined" and "core's shape: {"chosen":2}".
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --ignore-scripts h5p-standalone@3.8.2 jsdom@26.1.0

mkdir -p content H5P.Probe-1.1
cat > h5p.json <<'JSON'
{ "title": "Probe", "language": "en", "mainLibrary": "H5P.Probe", "embedTypes": ["div"],
  "preloadedDependencies": [
    { "machineName": "H5P.Probe", "majorVersion": 1, "minorVersion": 1 }] }
JSON
echo '{ "text": "hello" }' > content/content.json
cat > H5P.Probe-1.1/library.json <<'JSON'
{ "title": "Probe", "machineName": "H5P.Probe", "majorVersion": 1, "minorVersion": 1,
  "patchVersion": 0, "runnable": 1, "preloadedJs": [{ "path": "probe.js" }] }
JSON
cat > H5P.Probe-1.1/probe.js <<'JS'
H5P.Probe = function (parameters, id, extras) {
  window.found = JSON.stringify(extras.previousState);
  this.attach = () => {};
};
JS
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

async function found(contentUserData) {
  const options = { runScripts: "dangerously", resources: "usable", pretendToBeVisual: true };
  const page = await JSDOM.fromURL(`${root}/page.html`,
    { ...options, virtualConsole: new VirtualConsole() });
  const { window } = page;
  window.fetch = (address, more) => fetch(new URL(address, root), more);
  window.matchMedia = () => ({ matches: false, addListener() {}, addEventListener() {} });
  await new Promise((loaded) => window.addEventListener("load", loaded));
  await new window.H5PStandalone.H5P(window.document.getElementById("place"), {
    id: "probe", h5pJsonPath: root, embedType: "div", saveFreq: 60, contentUserData,
    frameJs: `${root}/node_modules/h5p-standalone/dist/frame.bundle.js`,
    frameCss: `${root}/node_modules/h5p-standalone/dist/styles/h5p.css`,
  });
  return window.found;
}

const state = JSON.stringify({ chosen: 2 });
console.log("README's shape:", await found([{ dataType: "state", previousState: state }]));
console.log("core's shape:", await found([{ state }]));
process.exit();
JS

said=$(timeout 120 node look.mjs)
echo "$said"
[[ $said == "README's shape: undefined
core's shape: {\"chosen\":2}" ]]
