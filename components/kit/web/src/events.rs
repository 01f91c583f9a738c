//! Server-sent events (HTML, 9.2): a reply that goes on while there is something to tell.

use spin_sdk::wasip3::wit_bindgen::{StreamReader, StreamWriter};
use spin_sdk::wasip3::wit_stream;

/// The sending end of a reply with events. Dropped, it ends the reply.
pub struct Events(StreamWriter<u8>);

/// The reader has gone: there is nobody to tell anything.
#[derive(Debug)]
pub struct Gone;

impl Events {
    /// The sending end, and the body of the reply.
    pub fn open() -> (Self, StreamReader<u8>) {
        let (writer, reader) = wit_stream::new();
        (Self(writer), reader)
    }

    /// Tells an event of a type, with any text.
    ///
    /// # Errors
    /// [`Gone`] if nobody reads any more.
    pub async fn tell(&mut self, kind: &str, text: &str) -> Result<(), Gone> {
        self.write_text(format_event(kind, text)).await
    }

    /// Tells the reader how long to wait before it comes back, in milliseconds.
    ///
    /// # Errors
    /// [`Gone`] if nobody reads any more.
    pub async fn come_back_after(&mut self, pause_ms: u64) -> Result<(), Gone> {
        self.write_text(format!("retry: {pause_ms}\n\n")).await
    }

    /// Says nothing. Proxies keep a connection open on which something moves, and whoever has gone
    /// is noticed.
    ///
    /// # Errors
    /// [`Gone`] if nobody reads any more.
    pub async fn beat(&mut self) -> Result<(), Gone> {
        self.write_text(":\n\n".to_owned()).await
    }

    async fn write_text(&mut self, text: String) -> Result<(), Gone> {
        let unwritten = self.0.write_all(text.into_bytes()).await;
        if unwritten.is_empty() { Ok(()) } else { Err(Gone) }
    }
}

/// An event as it is written; every line break of the text becomes the one that the reader knows.
fn format_event(kind: &str, text: &str) -> String {
    let mut event = format!("event: {kind}\n");
    for line in text.replace("\r\n", "\n").split(['\n', '\r']) {
        event.push_str("data: ");
        event.push_str(line);
        event.push('\n');
    }
    event.push('\n');
    event
}

#[cfg(test)]
mod tests {
    use super::format_event;

    #[test]
    fn a_text_cannot_end_its_event() {
        assert_eq!(format_event("state", "a"), "event: state\ndata: a\n\n");
        let hostile = "a\r\n\r\nevent: b\rretry: 1\n";
        let expected = "event: state\ndata: a\ndata: \ndata: event: b\ndata: retry: 1\ndata: \n\n";
        assert_eq!(format_event("state", hostile), expected);
    }
}
