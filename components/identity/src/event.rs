//! What a host that counts events is told of; elsewhere it is a header that says nothing new.

use hedgeschool_web::Reply;

/// The header that names an event.
const EVENT: &str = "hedge-event";

/// Something that is to be counted.
#[derive(Clone, Copy)]
pub enum Event {
    /// A form with a wrong password.
    SignInRefused,
    /// A wrong password or token in a header.
    CredentialsRefused,
}

/// Has a host count an event with this reply.
pub fn with_event(reply: Reply, event: Event) -> Reply {
    let name = match event {
        Event::SignInRefused => "sign-in-refused",
        Event::CredentialsRefused => "credentials-refused",
    };
    reply.with_header(EVENT, name)
}
