use std::path::Path;
use std::process::Command;
use std::time::Duration;
use std::{env, fs};

use anyhow::{Context, Result, bail};
use fantoccini::elements::Element;
use fantoccini::error::{CmdError, ErrorStatus, WebDriver as Refusal};
use fantoccini::wd::{Capabilities, WebDriverCompatibleCommand};
use fantoccini::{Client as WebDriver, ClientBuilder, Locator};
use http::Method;
use hyper_util::client::legacy::connect::HttpConnector;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};
use tokio::time::timeout;
use url::{ParseError, Url};

use crate::eventually;
use crate::log::Log;
use crate::process::Process;

/// Names the program, where it is another than `chromedriver`.
const PROGRAM: &str = "HEDGE_TEST_CHROMEDRIVER";
/// What to do where there is none.
const MISSING: &str = "chromedriver does not start: install Debian's packages chromium and \
    chromium-driver, or name another chromedriver in HEDGE_TEST_CHROMEDRIVER";
/// How long a browser may take to end by itself.
const CLOSING: Duration = Duration::from_secs(5);
/// How much of a page an error quotes, in characters.
const QUOTED: usize = 2_000;

/// What Chromium is started with. Tests run as root in containers (no sandbox, little shared
/// memory), nothing is fetched that no test asked for, and what is scrolled to is there at once.
/// Frames that are sandboxed or of another site stay in the page's process: the console of any
/// other process is not read.
const FLAGS: [&str; 14] = [
    "--headless=new",
    "--no-sandbox",
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-sync",
    "--disable-smooth-scrolling",
    "--disable-features=IsolateSandboxedIframes",
    "--disable-site-isolation-trials",
    "--no-default-browser-check",
    "--no-first-run",
];

/// What a page is shown on.
#[derive(Clone, Copy, Debug)]
pub struct Screen {
    width: u32,
    height: u32,
    pixel_ratio: u32,
    is_phone: bool,
}

impl Screen {
    /// A phone of today: narrow, touched rather than pointed at, and with small pixels.
    pub const PHONE: Self = Self { width: 390, height: 844, pixel_ratio: 2, is_phone: true };
    /// A window on a desktop.
    pub const DESKTOP: Self = Self { width: 1280, height: 800, pixel_ratio: 1, is_phone: false };

    /// The same with another size, in pixels of style sheets.
    pub fn with_size(self, width: u32, height: u32) -> Self {
        Self { width, height, ..self }
    }

    /// Its width, in pixels of style sheets.
    pub fn width(self) -> u32 {
        self.width
    }
}

/// A headless Chromium with a profile of its own, driven through chromedriver. Ended when dropped.
///
/// What is done to a page waits until the page lets it be done: until there is such an element,
/// and nothing lies over it. A page that opens another window is followed only where a test says
/// so; what a page asks in a dialog is answered with yes. Selectors are CSS, and mean the first
/// element that they find.
pub struct Browser {
    web: WebDriver,
    runtime: Runtime,
    // Dropped after it is told to end, and before the folder that it writes to.
    _driver: Process,
    profile: TempDir,
}

impl Browser {
    /// A browser on a phone.
    pub fn phone() -> Result<Self> {
        Self::start(Screen::PHONE)
    }

    /// A browser on a desktop.
    pub fn desktop() -> Result<Self> {
        Self::start(Screen::DESKTOP)
    }

    /// A browser on any screen.
    pub fn start(screen: Screen) -> Result<Self> {
        let (driver, address) = start_driver()?;
        let profile = TempDir::new()?;
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let mut builder = ClientBuilder::new(HttpConnector::new());
        builder.capabilities(capabilities(screen, profile.path()));
        let web = runtime.block_on(builder.connect(&address));
        let web = web.context("chromedriver starts no Chromium (Debian: chromium)")?;
        Ok(Self { web, runtime, _driver: driver, profile })
    }

    /// Ends it at once, as a flat battery does: no page has a last word.
    pub fn kill(self) -> Result<()> {
        let profile = self.profile.path().display().to_string();
        for entry in fs::read_dir("/proc")? {
            let path = entry?.path();
            // What has ended meanwhile has none.
            let command = fs::read(path.join("cmdline")).unwrap_or_default();
            if String::from_utf8_lossy(&command).contains(&format!("--user-data-dir={profile}")) {
                let id = path.file_name().and_then(|id| id.to_str()?.parse().ok());
                let id = id.and_then(Pid::from_raw).context("a process has a number")?;
                // It may have ended with another.
                let _ = kill_process(id, Signal::KILL);
            }
        }
        Ok(())
    }

    /// Opens an address, and waits until everything that the page names is loaded.
    pub fn open(&self, url: &str) -> Result<()> {
        let opened = self.runtime.block_on(self.web.goto(url));
        opened.with_context(|| format!("opening {url}"))
    }

    /// Clicks, and waits for the page that this leads to, if it does.
    pub fn click(&self, css: &str) -> Result<()> {
        self.act(&format!("a click on {css}"), css, async |element| element.click().await)
    }

    /// Types behind what a field holds. Of a field for files: chooses the file at this path.
    pub fn type_into(&self, css: &str, text: &str) -> Result<()> {
        let what = format!("typing into {css}");
        self.act(&what, css, async |element| element.send_keys(text).await)
    }

    /// What an element says, as one sees it.
    pub fn text(&self, css: &str) -> Result<String> {
        self.act(&format!("the text of {css}"), css, async |element| element.text().await)
    }

    /// Waits until one of the elements says this, among other things.
    pub fn await_text(&self, css: &str, text: &str) -> Result<()> {
        self.patiently(&format!("{css} says {text:?}"), async || {
            for element in self.web.find_all(Locator::Css(css)).await? {
                if element.text().await?.contains(text) {
                    return Ok(Some(()));
                }
            }
            Ok(None)
        })
    }

    /// Acts within a frame of the page.
    pub fn in_frame<T>(&self, css: &str, act: impl FnOnce(&Self) -> Result<T>) -> Result<T> {
        let what = format!("entering the frame {css}");
        self.act(&what, css, async |element| element.enter_frame().await)?;
        let outcome = act(self);
        let left = self.runtime.block_on(self.web.enter_parent_frame());
        let outcome = outcome?;
        left.context("leaving a frame")?;
        Ok(outcome)
    }

    /// Acts within the window that the page has opened, and closes it.
    pub fn in_opened_window<T>(&self, act: impl FnOnce(&Self) -> Result<T>) -> Result<T> {
        let first = self.runtime.block_on(self.web.window())?;
        let opened = self.patiently("another window", async || {
            Ok(self.web.windows().await?.into_iter().find(|window| *window != first))
        })?;
        self.runtime.block_on(self.web.switch_to_window(opened))?;
        let outcome = act(self);
        let closed = self.runtime.block_on(async {
            self.web.close_window().await?;
            self.web.switch_to_window(first).await
        });
        let outcome = outcome?;
        closed.context("closing a window")?;
        Ok(outcome)
    }

    /// The value of a JavaScript expression, as JSON has it.
    pub fn evaluate(&self, expression: &str) -> Result<Value> {
        let script = format!("return ({expression});");
        let value = self.runtime.block_on(self.web.execute(&script, Vec::new()));
        value.with_context(|| format!("evaluating {expression}"))
    }

    /// Writes a picture of what is on the screen, as PNG.
    pub fn screenshot(&self, path: &Path) -> Result<()> {
        let picture = self.runtime.block_on(self.web.screenshot())?;
        fs::write(path, picture).with_context(|| format!("writing {}", path.display()))
    }

    /// What has gone wrong on its pages since this was last asked: uncaught exceptions, errors on
    /// the console, files that did not load, and what a page's policy forbade.
    pub fn errors(&self) -> Result<Vec<String>> {
        let log = self.runtime.block_on(self.web.issue_cmd(ReadConsole))?;
        let entries = log.as_array().context("the console's log is a list")?;
        let is_error = |entry: &&Value| entry.get("level").is_some_and(|level| level == "SEVERE");
        let message = |entry: &Value| {
            entry.get("message").and_then(Value::as_str).unwrap_or_default().to_owned()
        };
        Ok(entries.iter().filter(is_error).map(message).collect())
    }

    /// Does something to an element as soon as it can be done.
    fn act<T>(
        &self,
        what: &str,
        css: &str,
        act: impl AsyncFn(Element) -> Result<T, CmdError>,
    ) -> Result<T> {
        self.patiently(what, async || act(self.web.find(Locator::Css(css)).await?).await.map(Some))
    }

    /// Tries until it is done. What a page refuses that is about to change is tried again.
    fn patiently<T>(
        &self,
        what: &str,
        attempt: impl AsyncFn() -> Result<Option<T>, CmdError>,
    ) -> Result<T> {
        let mut refusal = String::new();
        let outcome = eventually(what, || match self.runtime.block_on(attempt()) {
            Ok(outcome) => Ok(outcome),
            Err(CmdError::Standard(error)) if passes(&error) => {
                refusal = error.message.lines().next().unwrap_or_default().to_owned();
                Ok(None)
            }
            Err(CmdError::NotW3C(text)) if text == ABORTED => Ok(None),
            Err(error) => Err(error.into()),
        });
        outcome.with_context(|| format!("{what}: {refusal}; {}", self.situation()))
    }

    /// Where it is and what one sees there.
    fn situation(&self) -> String {
        let page = self.evaluate("[location.href, document.title, document.body.innerText]");
        let page = page.unwrap_or_default();
        let part = |n: usize| page.get(n).and_then(Value::as_str).unwrap_or("unknown");
        let text: String = part(2).chars().take(QUOTED).collect();
        let errors = self.errors().unwrap_or_default().join("\n");
        format!("on {}, {:?}, which says:\n{text}\nErrors:\n{errors}", part(0), part(1))
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let web = self.web.clone();
        // It is killed if it does not.
        let _ = self.runtime.block_on(async { timeout(CLOSING, web.close()).await });
    }
}

/// What chromedriver 156 answers, in no form of the standard's, where a page goes meanwhile.
const ABORTED: &str = "aborted by navigation";

/// Whether a page that changes may let the same thing be done soon.
fn passes(error: &Refusal) -> bool {
    // How chromedriver 156 tells of an element whose page goes while it is read.
    let is_of_left_page = error.error == ErrorStatus::UnknownError
        && error.message.contains("does not belong to the document");
    let may_change = matches!(
        error.error,
        ErrorStatus::NoSuchElement
            | ErrorStatus::NoSuchFrame
            | ErrorStatus::StaleElementReference
            | ErrorStatus::ElementNotInteractable
            | ErrorStatus::ElementClickIntercepted
    );
    is_of_left_page || may_change
}

/// Starts chromedriver on a port that it chooses; answers where it listens.
fn start_driver() -> Result<(Process, String)> {
    let program = env::var(PROGRAM).ok().filter(|program| !program.is_empty());
    let mut command = Command::new(program.as_deref().unwrap_or("chromedriver"));
    command.arg("--port=0");
    let log = Log::default();
    let mut process = Process::start(&mut command, &log).context(MISSING)?;
    let port = eventually("chromedriver listens", || {
        if let Some(status) = process.ended()? {
            bail!("chromedriver ended with {status}: {}", log.text());
        }
        Ok(port(&log.text()))
    })?;
    Ok((process, format!("http://127.0.0.1:{port}")))
}

/// The port in `ChromeDriver was started successfully on port 12345.`
fn port(log: &str) -> Option<u16> {
    let (_, rest) = log.split_once("started successfully on port ")?;
    rest.lines().next()?.trim_end_matches('.').parse().ok()
}

/// What a session asks for. The screen is emulated, for a real window is never narrower than 500
/// pixels and takes a part of its height for itself.
fn capabilities(screen: Screen, profile: &Path) -> Capabilities {
    let mut arguments = FLAGS.map(str::to_owned).to_vec();
    arguments.push(format!("--user-data-dir={}", profile.display()));
    let metrics = json!({
        "width": screen.width, "height": screen.height, "pixelRatio": screen.pixel_ratio,
        "mobile": screen.is_phone, "touch": screen.is_phone,
    });
    let options = json!({ "args": arguments, "mobileEmulation": { "deviceMetrics": metrics } });
    Capabilities::from_iter([
        ("goog:chromeOptions".to_owned(), options),
        ("goog:loggingPrefs".to_owned(), json!({ "browser": "ALL" })),
        ("unhandledPromptBehavior".to_owned(), json!("accept")),
    ])
}

/// Takes what has come to the browser's log, which is chromedriver's own addition to WebDriver.
#[derive(Debug)]
struct ReadConsole;

impl WebDriverCompatibleCommand for ReadConsole {
    fn endpoint(&self, base: &Url, session: Option<&str>) -> Result<Url, ParseError> {
        base.join(&format!("session/{}/se/log", session.unwrap_or_default()))
    }

    fn method_and_body(&self, _url: &Url) -> (Method, Option<String>) {
        (Method::POST, Some(json!({ "type": "browser" }).to_string()))
    }
}
