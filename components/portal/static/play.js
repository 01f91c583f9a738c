// Launches a unit into the page's frame or, if it wants a window of its own, into this one. Each
// launch is a session of its own: a page that is opened again launches again.
const form = document.getElementById("launch");
const frame = document.querySelector("iframe");
const outcome = document.getElementById("outcome");
const button = form.querySelector("button");
const CLEAR_MS = 10000; // How long emptying may take.

async function launch() {
  const body = new URLSearchParams(new FormData(form));
  const response = await fetch(form.action, { method: "POST", body }).catch(() => {
    throw new Error("The node cannot be reached. Check the connection, then try again.");
  });
  const text = await response.text();
  const page = new DOMParser().parseFromString(text, "text/html");
  const detail = page.querySelector(".lead")?.textContent;
  if (!response.ok) throw new Error(detail ?? `The node answered ${response.status}.`);
  return JSON.parse(text);
}

// Empties what pages of courses have left in this browser, unless the last one there was opened for
// the same learner. A frame has other storage than a window, where portal and content have names
// of different sites; what is in a window's is emptied each time, as nothing tells whose it is.
async function clear({ url, origin, learner }) {
  if (!origin || !url.startsWith(`${origin}/`)) return url;
  const name = `content ${origin}`;
  if (!frame) {
    keep(name, "");
    return `${origin}/content/clear#${encodeURIComponent(url.slice(origin.length))}`;
  }
  const last = kept(name);
  if (last !== learner) {
    keep(name, "");
    await cleared(origin, last, learner);
    keep(name, learner);
  }
  return url;
}

// What the last learner's pages could not send any more waits here, where content cannot read it,
// until that learner is back.
function exchange(origin, last, learner, left) {
  const place = (whose) => `unsent ${origin} ${whose}`;
  if (last && Object.keys(left).length > 0) keep(place(last), JSON.stringify(left));
  const back = kept(place(learner));
  if (back !== null) localStorage.removeItem(place(learner));
  return JSON.parse(back ?? "{}");
}

function kept(name) {
  try {
    return localStorage.getItem(name);
  } catch {
    return null;
  }
}

function keep(name, text) {
  try {
    localStorage.setItem(name, text);
  } catch {
    // It is emptied each time.
  }
}

function cleared(origin, last, learner) {
  const page = document.createElement("iframe");
  page.hidden = true;
  page.src = `${origin}/content/clear`;
  return new Promise((resolve, reject) => {
    const silence = `${origin} does not answer. Try again, or tell your teacher.`;
    const late = setTimeout(() => reject(new Error(silence)), CLEAR_MS);
    addEventListener("message", function listen({ source, origin: sender, data }) {
      if (source !== page.contentWindow || sender !== origin) return;
      if (data.hedgeschool === "cleared") {
        const left = exchange(origin, last, learner, data.left);
        return page.contentWindow.postMessage({ hedgeschool: "restore", left }, origin);
      }
      removeEventListener("message", listen);
      clearTimeout(late);
      page.remove();
      if (data.hedgeschool === "restored") resolve();
      else {
        const why = `What a course left in this browser cannot be cleared (${data.reason}).`;
        reject(new Error(`${why} Try again, or tell your teacher.`));
      }
    });
    document.body.append(page);
  });
}

async function start() {
  button.hidden = true;
  outcome.className = "";
  outcome.textContent = "Starting…";
  try {
    const url = await clear(await launch());
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
