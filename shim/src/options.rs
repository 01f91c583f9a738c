//! What an operator may set of the runtime in containerd's configuration.
//!
//! containerd hands over its `options` table as a message: for CRI, 1.x names a file
//! (`ConfigPath`) and 2.x the table itself, as TOML; `ctr` sends runc's own message. What is noted
//! in the bundle is for the one who cleans up when the daemon is gone.

use std::fs;
use std::path::{Path, PathBuf};

use containerd_shim_protos::protobuf::Message;
use containerd_shim_protos::protobuf::well_known_types::any::Any;
use containerd_shim_protos::shim::oci;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error::{Error, Result};

/// Where the options are noted, in the bundle.
const NOTE: &str = "hedge-options.json";
/// The OCI runtime unless another one is named.
const PROGRAM: &str = "runc";
/// Where the OCI runtime keeps its state, in the bundle.
const ROOT: &str = "runtime";

/// Options of the runtime, by the names that containerd's documentation gives them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Options {
    binary_name: String,
    root: String,
    /// Whether systemd makes the cgroups.
    pub systemd_cgroup: bool,
}

impl Options {
    /// Reads what came with a request. `spec` is the container's: its cgroup's path shows whether
    /// systemd makes the cgroups, whatever the options say.
    ///
    /// # Errors
    /// When the options cannot be read; says which.
    pub fn read(message: Option<&Any>, spec: &Value) -> Result<Self> {
        let mut options = match message {
            Some(message) => Self::decode_message(message)?,
            None => Self::default(),
        };
        let path = spec.pointer("/linux/cgroupsPath").and_then(Value::as_str).unwrap_or_default();
        options.systemd_cgroup |= is_systemd_path(path);
        Ok(options)
    }

    fn decode_message(message: &Any) -> Result<Self> {
        let name = message.type_url.rsplit('/').next().unwrap_or_default();
        match name {
            "containerd.runc.v1.Options" => {
                let options = oci::Options::parse_from_bytes(&message.value)?;
                Ok(Self {
                    binary_name: options.binary_name,
                    root: options.root,
                    systemd_cgroup: options.systemd_cgroup,
                })
            }
            "runtimeoptions.v1.Options" => Self::from_toml(&read_table(&message.value)?),
            _ => Ok(Self::default()),
        }
    }

    fn from_toml(text: &str) -> Result<Self> {
        toml::from_str(text)
            .map_err(|error| Error::Invalid(format!("the runtime's options: {error}")))
    }

    /// Notes the options in the bundle.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write_note(&self, bundle: &Path) -> Result<()> {
        let text = serde_json::to_vec(self).map_err(Error::json("the runtime's options"))?;
        let file = bundle.join(NOTE);
        fs::write(&file, text).map_err(Error::file("writing", &file))
    }

    /// What was noted in the bundle, or the defaults.
    pub fn read_note(bundle: &Path) -> Self {
        let text = fs::read(bundle.join(NOTE)).unwrap_or_default();
        serde_json::from_slice(&text).unwrap_or_default()
    }

    /// The OCI runtime's program.
    pub fn program_path(&self) -> PathBuf {
        PathBuf::from(if self.binary_name.is_empty() { PROGRAM } else { &self.binary_name })
    }

    /// Where it keeps what it knows of the container of a bundle: in there, unless another folder
    /// is named, so that nothing is left once containerd has removed the bundle.
    pub fn state_root(&self, namespace: &str, bundle: &Path) -> PathBuf {
        match self.root.as_str() {
            "" => bundle.join(ROOT),
            root => Path::new(root).join(namespace),
        }
    }
}

/// `slice:prefix:name`, which is how systemd's cgroups are named.
fn is_systemd_path(path: &str) -> bool {
    let parts: Vec<_> = path.split(':').collect();
    matches!(parts.as_slice(), [slice, _, _] if slice.is_empty() || slice.ends_with(".slice"))
}

/// The TOML in containerd's generic options: field 3, or the file that field 2 names. The message
/// is not among those that are generated: it has three fields of bytes.
fn read_table(message: &[u8]) -> Result<String> {
    let (mut path, mut body) = (None, None);
    let mut input = containerd_shim_protos::protobuf::CodedInputStream::from_bytes(message);
    while let Some(tag) = input.read_raw_tag_or_eof()? {
        match tag >> 3 {
            2 => path = Some(input.read_string()?),
            3 => body = Some(String::from_utf8_lossy(&input.read_bytes()?).into_owned()),
            _ => drop(input.read_bytes()?),
        }
    }
    match (body.filter(|body| !body.is_empty()), path.filter(|path| !path.is_empty())) {
        (Some(body), _) => Ok(body),
        (None, Some(path)) => {
            fs::read_to_string(&path).map_err(Error::file("reading", Path::new(&path)))
        }
        (None, None) => Ok(String::new()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn generic(fields: &[(u8, &[u8])]) -> Any {
        let mut value = Vec::new();
        for (number, bytes) in fields {
            value.push(number << 3 | 2);
            value.push(u8::try_from(bytes.len()).unwrap());
            value.extend_from_slice(bytes);
        }
        let type_url = "runtimeoptions.v1.Options".to_owned();
        Any { type_url, value, ..Any::default() }
    }

    #[test]
    fn the_table_of_containerd_2_and_the_file_of_containerd_1_are_read() {
        let text = b"SystemdCgroup = true\nBinaryName = 'crun'";
        let options = Options::read(Some(&generic(&[(1, b"x"), (3, text)])), &json!({})).unwrap();
        assert!(options.systemd_cgroup);
        assert_eq!(options.program_path(), PathBuf::from("crun"));
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), text).unwrap();
        let path = file.path().display().to_string();
        let named = Options::read(Some(&generic(&[(2, path.as_bytes())])), &json!({})).unwrap();
        assert_eq!(named, options);
        let wrong = generic(&[(3, b"SystemdCgroup = 'perhaps'")]);
        assert!(Options::read(Some(&wrong), &json!({})).is_err());
    }

    #[test]
    fn runcs_own_options_are_read() {
        let written = oci::Options { systemd_cgroup: true, ..oci::Options::default() };
        let message = Any {
            type_url: "containerd.runc.v1.Options".to_owned(),
            value: written.write_to_bytes().unwrap(),
            ..Any::default()
        };
        assert!(Options::read(Some(&message), &json!({})).unwrap().systemd_cgroup);
    }

    #[test]
    fn a_cgroups_path_shows_who_makes_it() {
        let of = |path: &str| {
            Options::read(None, &json!({"linux": {"cgroupsPath": path}})).unwrap().systemd_cgroup
        };
        assert!(of("kubepods-besteffort.slice:cri-containerd:abc"));
        assert!(!of("/kubepods/besteffort/abc"));
        assert!(!of(""));
    }
}
