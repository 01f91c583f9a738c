//! The command line that containerd calls a shim with (runtime v2, "Commands" and "Flags").

use std::ffi::OsString;

use anyhow::{Context, Result, bail};

/// What the shim was started for, and for whom.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Arguments {
    /// containerd's namespace of the container.
    pub namespace: String,
    /// The container's id; in a pod, that of the first one.
    pub id: String,
    /// containerd's own socket.
    pub address: String,
    /// Where the daemon answers; given to the daemon alone.
    pub socket: String,
    /// Whether to log all there is to say.
    pub debug: bool,
    /// What to do.
    pub action: Action,
}

/// What a shim is asked to do by its command line.
#[derive(Debug, Default, PartialEq, Eq, Clone, Copy)]
pub enum Action {
    /// Be the daemon that answers for a pod's containers.
    #[default]
    Daemon,
    /// Make sure that there is a daemon, and say where it answers.
    Start,
    /// Clean up after a container whose daemon is gone.
    Delete,
    /// Say which version this is.
    Version,
    /// Say what this runtime is, as a message.
    Info,
}

impl Arguments {
    /// Reads Go's flags: `-name value` or `-name=value`, with one dash or two, before the action.
    ///
    /// # Errors
    /// For flags and actions that no containerd is known to use.
    pub fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Self> {
        let mut parsed = Self::default();
        let mut arguments = arguments.into_iter().map(|argument| {
            argument.into_string().map_err(|argument| anyhow::anyhow!("{argument:?} is no UTF-8"))
        });
        while let Some(argument) = arguments.next().transpose()? {
            let Some(flag) = argument.strip_prefix('-') else {
                parsed.action = Action::parse(&argument)?;
                continue;
            };
            let flag = flag.strip_prefix('-').unwrap_or(flag);
            let (name, value) = match flag.split_once('=') {
                Some((name, value)) => (name, Some(value.to_owned())),
                None => (flag, None),
            };
            if parsed.set_switch(name, value.as_deref()) {
                continue;
            }
            let value = match value {
                Some(value) => value,
                None => arguments.next().transpose()?.with_context(|| format!("-{name} what?"))?,
            };
            parsed.set_flag(name, value)?;
        }
        Ok(parsed)
    }

    /// Sets a flag that needs no value. False: it is none of those.
    fn set_switch(&mut self, name: &str, value: Option<&str>) -> bool {
        let is_on = value != Some("false");
        match name {
            "debug" => self.debug = is_on,
            "v" | "version" if is_on => self.action = Action::Version,
            "info" if is_on => self.action = Action::Info,
            "v" | "version" | "info" => {}
            _ => return false,
        }
        true
    }

    fn set_flag(&mut self, name: &str, value: String) -> Result<()> {
        match name {
            "namespace" => self.namespace = value,
            "id" => self.id = value,
            "address" => self.address = value,
            "socket" => self.socket = value,
            // Events go over TTRPC_ADDRESS, and the working directory is the bundle.
            "publish-binary" | "bundle" => {}
            _ => bail!("there is no flag -{name}: containerd starts this program, not you"),
        }
        Ok(())
    }
}

impl Action {
    fn parse(word: &str) -> Result<Self> {
        match word {
            "start" => Ok(Self::Start),
            "delete" => Ok(Self::Delete),
            _ => bail!("there is no action {word:?}: containerd starts this program, not you"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Arguments> {
        Arguments::parse(line.split_whitespace().map(OsString::from))
    }

    #[test]
    fn containerds_lines_are_understood() {
        let line = "-namespace k8s.io -address /run/c.sock -publish-binary /usr/bin/containerd \
                    -id abc -debug start";
        let start = parse(line).unwrap();
        assert_eq!((start.namespace.as_str(), start.id.as_str()), ("k8s.io", "abc"));
        assert_eq!((start.action, start.debug), (Action::Start, true));
        assert_eq!(start.address, "/run/c.sock");
        let delete = parse("--namespace=n -id i -bundle /b -debug=false delete").unwrap();
        assert_eq!((delete.action, delete.debug), (Action::Delete, false));
        assert_eq!(parse("-v").unwrap().action, Action::Version);
        assert_eq!(parse("-info").unwrap().action, Action::Info);
        assert_eq!(parse("-id a -socket unix:///s").unwrap().action, Action::Daemon);
    }

    #[test]
    fn a_person_is_told_what_this_is() {
        for line in ["up", "--help me", "-id"] {
            assert!(parse(line).is_err(), "{line}");
        }
    }
}
