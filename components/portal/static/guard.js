// Leaves a session that was not begun in this browser. Cookies know no ports, so a course's page
// may have put another one in place of the visitor's; what the portal keeps in the browser, it does
// not reach.
(() => {
  let own;
  try {
    own = localStorage.getItem("browser") ?? "";
  } catch {
    return; // Nothing is kept in this browser.
  }
  if (document.documentElement.dataset.browser === own) return;
  stop();
  document.documentElement.hidden = true;
  removeOthersSessions(location.pathname);
  const next = encodeURIComponent(location.pathname + location.search);
  const leave = () => location.replace(`/sign-in?strange=1&next=${next}`);
  fetch("/auth/sign-out", { method: "POST", redirect: "manual" }).finally(leave);
})();
