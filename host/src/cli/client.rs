//! `hedge client`: xAPI clients of a running node, over its HTTP interface.

use anyhow::{Context, Result, ensure};
use clap::{Args, Subcommand};
use http::Method;
use serde_json::{Value, json};

use super::node::Node;

/// Where a node keeps its clients.
const CLIENTS: &str = "/auth/clients";

/// The arguments of `hedge client`.
#[derive(Debug, Args)]
pub struct Client {
    #[command(subcommand)]
    command: ClientCommand,
}

#[derive(Debug, Subcommand)]
enum ClientCommand {
    /// Add a client: prints its key, and its secret this once
    ///
    /// The node makes the secret and keeps nothing but a hash of it: store it where the client
    /// finds it. For a new secret, add another client and revoke this one.
    Add(Add),
    /// List the clients of a node, revoked ones too
    ///
    /// A line is: key, `active` or `revoked`, scopes, label. The client of the variable
    /// bootstrap_client is the operator's own, and is not listed.
    List {
        /// Print JSON: an array of clients, with the times they were added and revoked
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        node: Node,
    },
    /// Revoke a client: within 5 seconds its secret is refused
    ///
    /// What it recorded stays. Its key stays taken, so that nobody else can record under it.
    Revoke {
        /// The client's key, as `hedge client list` shows it
        #[arg(value_parser = parse_key)]
        key: String,
        #[command(flatten)]
        node: Node,
    },
}

/// The arguments of `hedge client add`.
#[derive(Debug, Args)]
struct Add {
    /// What lists call the client; its key when not given
    #[arg(long, value_name = "LABEL")]
    name: Option<String>,
    /// An xAPI scope; repeatable. One of statements/write, statements/read/mine, statements/read,
    /// state, define, profile, all/read, all; statements/write and statements/read/mine when not
    /// given
    #[arg(long = "scope", value_name = "SCOPE")]
    scopes: Vec<String>,
    /// The key: 1 to 64 of a-z 0-9 . _ -, a letter or digit first; random when not given
    #[arg(long)]
    key: Option<String>,
    /// Print JSON: the client with its secret
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    node: Node,
}

impl Client {
    /// Runs the command.
    ///
    /// # Errors
    /// When the node cannot be reached, refuses, or answers something else; says what it said.
    pub fn run(self) -> Result<()> {
        match self.command {
            ClientCommand::Add(add) => add.run(),
            ClientCommand::List { json, node } => list_clients(&node, json),
            ClientCommand::Revoke { key, node } => revoke_client(&node, &key),
        }
    }
}

impl Add {
    fn run(self) -> Result<()> {
        let client = self.node.send_json(Method::POST, CLIENTS, &self.wanted_client())?;
        let secret = client.get("secret").and_then(Value::as_str);
        let secret = secret.with_context(|| format!("{} answered no secret", self.node.url()))?;
        if self.json {
            println!("{client}");
            return Ok(());
        }
        println!("endpoint  {}/xapi/", self.node.url());
        println!("key       {}", text_of(&client, "key"));
        println!("secret    {secret}");
        println!("scopes    {}", scopes_of(&client));
        eprintln!("Keep the secret now: it is not shown again.");
        Ok(())
    }

    /// What the node is asked for; what is left out is its choice.
    fn wanted_client(&self) -> Value {
        let mut wanted = serde_json::Map::new();
        let given = [("key", &self.key), ("name", &self.name)];
        for (name, value) in given {
            wanted.extend(value.as_ref().map(|value| (name.to_owned(), json!(value))));
        }
        if !self.scopes.is_empty() {
            wanted.insert("scopes".to_owned(), json!(self.scopes));
        }
        wanted.into()
    }
}

fn list_clients(node: &Node, as_json: bool) -> Result<()> {
    let mut clients = Vec::new();
    let mut next = Some(CLIENTS.to_owned());
    while let Some(path) = next {
        let page = node.request_json(Method::GET, &path, None)?;
        let listed = page.get("clients").and_then(Value::as_array);
        let listed = listed.with_context(|| format!("{} answered no clients", node.url()))?;
        clients.extend(listed.iter().cloned());
        next = page.get("more").and_then(Value::as_str).map(str::to_owned);
    }
    if as_json {
        println!("{}", Value::from(clients));
    } else {
        clients.iter().for_each(|client| println!("{}", client_line(client)));
    }
    Ok(())
}

fn revoke_client(node: &Node, key: &str) -> Result<()> {
    node.request_json(Method::DELETE, &format!("{CLIENTS}/{key}"), None)?;
    println!("Revoked {key}: its secret may work for 5 more seconds.");
    Ok(())
}

/// Lets nothing through that would make another address of the key.
fn parse_key(text: &str) -> Result<String> {
    let legal = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "._-".contains(c);
    ensure!(text.chars().all(legal), "a key has only a-z 0-9 . _ -");
    ensure!(text.starts_with(|c: char| c.is_ascii_alphanumeric()), "a key begins with a-z or 0-9");
    Ok(text.to_owned())
}

/// A client in one line.
fn client_line(client: &Value) -> String {
    let is_revoked = client.get("revoked_ms").is_some_and(|time| !time.is_null());
    let state = if is_revoked { "revoked" } else { "active" };
    format!(
        "{}\t{state}\t{}\t{}",
        text_of(client, "key"),
        scopes_of(client),
        text_of(client, "name")
    )
}

fn scopes_of(client: &Value) -> String {
    let scopes = client.get("scopes").and_then(Value::as_array).into_iter().flatten();
    scopes.filter_map(Value::as_str).collect::<Vec<_>>().join(" ")
}

fn text_of<'a>(client: &'a Value, name: &str) -> &'a str {
    client.get(name).and_then(Value::as_str).unwrap_or("?")
}
