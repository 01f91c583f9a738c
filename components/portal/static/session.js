// The cookie of a session is the server's: none that a script has set counts. Cookies of scripts
// may be for a part of the portal, or for all hosts of a domain, and go beside the server's then.
function removeOthersSessions(path) {
  const hosts = location.hostname.split(".").map((_, n, labels) => labels.slice(n).join("."));
  const domains = ["", ...hosts.map((host) => `; domain=${host}`)];
  const parts = path.split(/[?#]/)[0].split("/");
  const paths = parts.map((_, end) => parts.slice(0, end + 1).join("/"));
  for (const path of paths.flatMap((path) => [path, `${path}/`])) {
    for (const domain of domains) {
      document.cookie = `hedgeschool_session=; path=${path || "/"}${domain}; max-age=0`;
    }
  }
}
