// Lets the portal's pages know a session that is begun in this browser from one that is not: see
// guard.js.
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

removeOthersSessions(form.elements.next.value);
