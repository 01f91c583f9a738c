// The browser of the machine, for jest-puppeteer.
module.exports = {
  launch: { executablePath: "/usr/bin/chromium", args: ["--no-sandbox"] },
};
