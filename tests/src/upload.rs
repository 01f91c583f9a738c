//! Files sent to be imported, piece by piece (tus 1.0.0).

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;

use anyhow::{Context, Result, ensure};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::Method;
use serde_json::Value;

use crate::{Client, Events, Node, Response, course};

/// Where a node takes them.
pub const UPLOADS: &str = "/content/v1/uploads";
/// What a piece is sent as.
const PIECE: &str = "application/offset+octet-stream";

/// An upload that a node has begun.
pub struct Upload {
    client: Client,
    /// Where it is.
    pub path: String,
}

/// A client that says which version of the protocol it speaks.
pub fn speaking(client: Client) -> Client {
    client.with_header("tus-resumable", "1.0.0")
}

impl Upload {
    /// Begins one of a file with a name and a size.
    pub fn begin(client: &Client, name: &str, size: u64) -> Result<Self> {
        let answer = Self::ask(client, name, size)?.expect(201)?;
        let path = answer.header("location").to_owned();
        ensure!(path.starts_with(UPLOADS), "an upload at {path:?}");
        Ok(Self { client: client.clone(), path })
    }

    /// The answer to whoever wants to begin one.
    pub fn ask(client: &Client, name: &str, size: u64) -> Result<Response> {
        speaking(client.clone())
            .with_header("upload-length", &size.to_string())
            .with_header("upload-metadata", &format!("filename {}", STANDARD.encode(name)))
            .send(Method::POST, UPLOADS, None)
    }

    /// Its name.
    pub fn id(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or_default()
    }

    /// How many bytes are there.
    pub fn offset(&self) -> Result<u64> {
        let answer = self.look()?.expect(200)?;
        answer.header("upload-offset").parse().context("an offset is a number")
    }

    /// What a node says of it.
    pub fn look(&self) -> Result<Response> {
        speaking(self.client.clone()).head(&self.path)
    }

    /// Sends a piece.
    pub fn send(&self, offset: u64, bytes: &[u8]) -> Result<Response> {
        speaking(self.client.clone()).with_header("upload-offset", &offset.to_string()).send(
            Method::PATCH,
            &self.path,
            Some((PIECE, bytes)),
        )
    }

    /// Sends what is missing of a file, in pieces of so many bytes.
    pub fn send_rest(&self, file: &[u8], piece: usize) -> Result<()> {
        let mut offset = self.offset()?;
        while offset < file.len() as u64 {
            let rest = file.get(usize::try_from(offset)?..).unwrap_or_default();
            let answer = self.send(offset, rest.get(..piece).unwrap_or(rest))?.expect(204)?;
            offset = answer.header("upload-offset").parse()?;
        }
        Ok(())
    }

    /// Begins to send a piece of so many bytes, and sends these: the connection, which is there
    /// still.
    pub fn begin_piece(
        &self,
        node: &Node,
        offset: u64,
        announced: usize,
        bytes: &[u8],
    ) -> Result<TcpStream> {
        let mut connection = TcpStream::connect(("127.0.0.1", node.port()))?;
        write!(
            connection,
            "PATCH {} HTTP/1.1\r\nhost: 127.0.0.1:{}\r\nauthorization: Basic {}\r\n\
             tus-resumable: 1.0.0\r\nupload-offset: {offset}\r\ncontent-type: {PIECE}\r\n\
             content-length: {announced}\r\n\r\n",
            self.path,
            node.port(),
            STANDARD.encode(Node::ADMIN),
        )?;
        connection.write_all(bytes)?;
        connection.flush()?;
        Ok(connection)
    }

    /// Has it imported.
    pub fn import(&self) -> Result<Response> {
        self.client.send(Method::POST, &self.import_path(), None)
    }

    /// Has it imported by a node, and hears how far that is.
    pub fn import_telling(&self, node: &Node) -> Result<Events> {
        Events::ask(node, &self.import_path(), Node::ADMIN)
    }

    fn import_path(&self) -> String {
        format!("{}?upload={}", course::COURSES, self.id())
    }
}

/// The uploads that are underway at a node.
pub fn underway(node: &Node) -> Result<Vec<Value>> {
    let listed = node.admin().get(UPLOADS)?.expect(200)?.json()?;
    let uploads = listed.get("uploads").and_then(Value::as_array);
    Ok(uploads.context("a list of uploads")?.clone())
}

/// The status of what is answered on a connection.
pub fn status(connection: TcpStream) -> Result<String> {
    let mut line = String::new();
    BufReader::new(connection).read_line(&mut line)?;
    Ok(line)
}
