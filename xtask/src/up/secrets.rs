//! The demo's sign-ins: made once, kept with the state they open.

use std::fs;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use anyhow::{Context, Result};
use rand::RngExt;
use rand::distr::Alphanumeric;
use serde_json::{Value, json};

/// How many letters and digits a password has.
const PASSWORD_LENGTH: usize = 14;

/// Each `name:secret`.
pub struct Secrets {
    /// Administers the node.
    pub administrator: String,
    /// Takes the demo course.
    pub learner: String,
    /// Records and reads through xAPI.
    pub client: String,
}

impl Secrets {
    /// The secrets of a state folder; new ones if it has none.
    pub fn load_or_make(state: &Path) -> Result<Self> {
        let path = state.join("sign-ins.json");
        if let Ok(text) = fs::read_to_string(&path) {
            let kept = Self::parse(&text);
            return kept.with_context(|| format!("{}: start anew with --fresh", path.display()));
        }
        let secrets = Self::generate();
        let mut file =
            fs::OpenOptions::new().create_new(true).write(true).mode(0o600).open(&path)?;
        file.write_all(secrets.to_json().to_string().as_bytes())?;
        Ok(secrets)
    }

    fn generate() -> Self {
        Self {
            administrator: format!("admin:{}", random_password()),
            learner: format!("ada:{}", random_password()),
            client: format!("demo:{}", random_password()),
        }
    }

    fn parse(text: &str) -> Result<Self> {
        let value: Value = serde_json::from_str(text)?;
        let of = |name: &str| {
            let pair = value.get(name).and_then(Value::as_str);
            pair.map(str::to_owned).with_context(|| format!("no sign-in of the {name}"))
        };
        let (administrator, learner) = (of("administrator")?, of("learner")?);
        Ok(Self { administrator, learner, client: of("client")? })
    }

    fn to_json(&self) -> Value {
        json!({
            "administrator": self.administrator,
            "learner": self.learner,
            "client": self.client,
        })
    }
}

fn random_password() -> String {
    rand::rng().sample_iter(Alphanumeric).take(PASSWORD_LENGTH).map(char::from).collect()
}
