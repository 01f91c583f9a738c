//! Containers of a test, by `ctr run`.

use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};

use anyhow::{Context, Result, bail, ensure};

use super::{Containerd, RUNTIME};
use crate::log::Log;
use crate::process::Process;
use crate::{Client, Node, eventually, port};

/// A container to be run.
pub struct Builder<'a> {
    containerd: &'a Containerd,
    image: String,
    id: String,
    runtime: String,
    flags: Vec<String>,
    command: Vec<String>,
}

impl<'a> Builder<'a> {
    pub(super) fn new(containerd: &'a Containerd, image: &str, id: &str) -> Self {
        Self {
            containerd,
            image: image.to_owned(),
            id: id.to_owned(),
            runtime: RUNTIME.to_owned(),
            flags: Vec::new(),
            command: Vec::new(),
        }
    }

    /// Adds flags of `ctr run`.
    pub fn flags(mut self, flags: &[&str]) -> Self {
        self.flags.extend(flags.iter().map(|flag| (*flag).to_owned()));
        self
    }

    /// Sets a variable of the container's environment.
    pub fn environment(self, name: &str, value: &str) -> Self {
        self.flags(&["--env", &format!("{name}={value}")])
    }

    /// Mounts a folder or file of this machine.
    pub fn mount(self, source: &Path, destination: &str, options: &str) -> Self {
        let source = source.display();
        let mount = format!("type=bind,src={source},dst={destination},options=rbind:{options}");
        self.flags(&["--mount", &mount])
    }

    /// Puts it into a pod, as Kubernetes does: its containers share a daemon.
    pub fn pod(self, name: &str) -> Self {
        self.flags(&["--annotation", &format!("io.kubernetes.cri.sandbox-id={name}")])
    }

    /// Uses another runtime.
    pub fn runtime(mut self, runtime: &str) -> Self {
        self.runtime = runtime.to_owned();
        self
    }

    /// Runs another command than the image's.
    pub fn command(mut self, words: &[&str]) -> Self {
        self.command = words.iter().map(|word| (*word).to_owned()).collect();
        self
    }

    fn run(&self, more: &[&str]) -> Command {
        let mut words = vec!["run", "--runtime", &self.runtime];
        words.extend(more);
        words.extend(self.flags.iter().map(String::as_str));
        words.extend([self.image.as_str(), self.id.as_str()]);
        words.extend(self.command.iter().map(String::as_str));
        self.containerd.command(&words)
    }

    /// Runs it with its output in view, and answers how it ended and what it printed.
    pub fn output(self) -> Result<(ExitStatus, String)> {
        let mut attached = self.attach()?;
        let status = attached.wait().with_context(|| attached.log())?;
        Ok((status, attached.log()))
    }

    /// Starts it on its own, without output.
    pub fn start(self) -> Result<()> {
        self.spawn()?.started()
    }

    /// The same, without waiting for `ctr`.
    pub fn spawn(self) -> Result<Starting> {
        let mut ctr = self.run(&["--detach"]);
        ctr.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        Ok(Starting(ctr.spawn().context("starting ctr")?))
    }

    /// Starts it with its output in view.
    pub fn attach(self) -> Result<Attached> {
        let log = Log::default();
        let process = Process::start(&mut self.run(&["--rm"]), &log)?;
        Ok(Attached { process, log })
    }

    /// Starts a node's app on a free port of this machine and waits until it answers.
    pub fn serve(self) -> Result<Served> {
        let (containerd, id) = (self.containerd, self.id.clone());
        let port = port::free()?;
        let attached = self.listen(port).attach()?;
        let mut served = Served { attached, port, id };
        served.await_answer(containerd)?;
        Ok(served)
    }

    /// Has it listen on a port of this machine, with the tests' credentials.
    pub fn listen(self, port: u16) -> Self {
        self.flags(&["--net-host"])
            .environment("SPIN_HTTP_LISTEN_ADDR", &format!("127.0.0.1:{port}"))
            .environment("SPIN_VARIABLE_BOOTSTRAP_ADMIN", Node::ADMIN)
            .environment("SPIN_VARIABLE_BOOTSTRAP_CLIENT", Node::CLIENT)
    }
}

/// A container that is being started.
pub struct Starting(Child);

impl Starting {
    /// Waits until containerd says that it is.
    pub fn started(self) -> Result<()> {
        let output = self.0.wait_with_output()?;
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        ensure!(output.status.success(), "ctr run: {}", text.trim());
        Ok(())
    }
}

/// A container whose output is in view.
pub struct Attached {
    process: Process,
    log: Log,
}

impl Attached {
    /// What it has printed.
    pub fn log(&self) -> String {
        self.log.text()
    }

    /// Waits for its end.
    pub fn wait(&mut self) -> Result<ExitStatus> {
        let status = self.process.wait()?;
        eventually("all output has come", || Ok(self.log.is_complete().then_some(())))?;
        Ok(status)
    }
}

/// A container that serves.
pub struct Served {
    /// Its output.
    pub attached: Attached,
    /// Where it listens.
    pub port: u16,
    /// Its name.
    pub id: String,
}

impl Served {
    fn await_answer(&mut self, containerd: &Containerd) -> Result<()> {
        let client = Client::new(&self.address());
        eventually("the container answers", || {
            if self.attached.process.ended()?.is_some() {
                bail!("it ended: {}\n{}", self.attached.log(), containerd.log());
            }
            Ok(client.get("/xapi/about").ok().filter(|answer| answer.status == 200).map(drop))
        })
    }

    fn address(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Ends it as Kubernetes does, and answers how it ended.
    pub fn end(&mut self, containerd: &Containerd) -> Result<ExitStatus> {
        containerd.ctr(&["task", "kill", "--signal", "SIGTERM", &self.id])?;
        self.attached.wait()
    }

    /// A client with the administrator's credentials.
    pub fn admin(&self) -> Client {
        Client::new(&self.address()).with_basic(Node::ADMIN)
    }

    /// A client with the xAPI client's credentials.
    pub fn xapi(&self) -> Client {
        let client = Client::new(&self.address()).with_basic(Node::CLIENT);
        client.with_header("x-experience-api-version", "1.0.3")
    }
}
