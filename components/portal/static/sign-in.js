// Lets the portal's pages know a session that is begun in this browser from one that is not: see
// guard.js.
const COOKIE = "hedgeschool_session";
const form = document.querySelector("form[action='/auth/sign-in']");

function known() {
  const kept = localStorage.getItem("browser");
  if (kept) return kept;
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  const fresh = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  localStorage.setItem("browser", fresh);
  return fresh;
}

try {
  form.elements.browser.value = known();
} catch {
  // Nothing is kept in this browser.
}

// A cookie that a script has set for the page to go on to would count beside the session's.
const parts = form.elements.next.value.split(/[?#]/)[0].split("/");
parts.forEach((_, end) => {
  const path = parts.slice(0, end + 1).join("/") || "/";
  document.cookie = `${COOKIE}=; path=${path}; max-age=0`;
});
