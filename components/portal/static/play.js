// Launches a unit into the page's frame or, if it wants a window of its own, into this one. Each
// launch is a session of its own: a page that is opened again launches again.
const form = document.getElementById("launch");
const frame = document.querySelector("iframe");
const outcome = document.getElementById("outcome");
const button = form.querySelector("button");

async function launch() {
  const body = new URLSearchParams(new FormData(form));
  const response = await fetch(form.action, { method: "POST", body });
  const text = await response.text();
  const page = new DOMParser().parseFromString(text, "text/html");
  if (!response.ok) throw new Error(page.querySelector(".lead")?.textContent ?? response.statusText);
  return JSON.parse(text).url;
}

async function start() {
  button.hidden = true;
  outcome.className = "";
  outcome.textContent = "Starting…";
  try {
    const url = await launch();
    if (!frame) return location.replace(url);
    outcome.textContent = "";
    form.hidden = true;
    frame.hidden = false;
    frame.src = url;
  } catch (error) {
    outcome.className = "notice bad";
    outcome.textContent = `It did not start: ${error.message}`;
    button.textContent = "Try again";
    button.hidden = false;
  }
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  start();
});

// The page to which units go when they end says so.
addEventListener("message", (event) => {
  if (event.source === frame?.contentWindow && event.data === "hedgeschool:returned") {
    location.assign(form.dataset.course);
  }
});

if ("starts" in form.dataset) start();
else button.hidden = false;
