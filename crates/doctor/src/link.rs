//! The way to the node above, step by step: the first that fails is the one to mend.

use crate::words::{number, span};
use crate::{Check, Finding};

/// Days before a certificate's end at which somebody should know.
const CERTIFICATE_DAYS_MIN: i64 = 21;
const DAY_S: i64 = 86_400;

/// What came of asking the node above.
#[derive(Clone, Debug, PartialEq)]
pub enum Seen {
    /// Its name leads nowhere.
    NoName {
        /// The name.
        host: String,
        /// What the system says.
        reason: String,
    },
    /// Nobody takes the connection.
    NoConnection {
        /// Host and port.
        address: String,
        /// What the system says.
        reason: String,
    },
    /// Its certificate is not taken.
    BadCertificate {
        /// Its name.
        host: String,
        /// Why.
        fault: Fault,
    },
    /// The connection broke off before an answer.
    NoAnswer {
        /// What happened.
        reason: String,
    },
    /// It is no node that answers.
    NoNode {
        /// The status of its answer.
        status: u16,
    },
    /// It is a node, and fails.
    Fails {
        /// The status of its answer.
        status: u16,
    },
    /// It turns this node away.
    Refuses {
        /// The status of its answer.
        status: u16,
        /// What it says.
        detail: String,
    },
    /// It answers as it should.
    Well,
}

/// What is wrong with a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Its last day is over.
    Expired,
    /// Its first day is still to come.
    NotYetValid,
    /// It is for another name.
    OtherName,
    /// Nobody that this node trusts has signed it.
    UnknownIssuer,
    /// Something else.
    Other(String),
}

/// The checks of the way, in order.
pub const STEPS: [Check; 5] = [
    Check::UpstreamName,
    Check::UpstreamConnection,
    Check::UpstreamCertificate,
    Check::UpstreamAnswer,
    Check::UpstreamToken,
];

impl Seen {
    /// The step at which it ended.
    pub fn step(&self) -> Check {
        match self {
            Self::NoName { .. } => Check::UpstreamName,
            Self::NoConnection { .. } => Check::UpstreamConnection,
            Self::BadCertificate { .. } => Check::UpstreamCertificate,
            Self::NoAnswer { .. } | Self::NoNode { .. } | Self::Fails { .. } => {
                Check::UpstreamAnswer
            }
            Self::Refuses { .. } | Self::Well => Check::UpstreamToken,
        }
    }

    /// Judges it.
    pub fn judge(&self) -> Option<Finding> {
        let (what, advice) = match self {
            Self::Well => return None,
            Self::NoName { host, reason } => (
                format!("The name of the node above, {host}, leads nowhere: {reason}."),
                "Look whether this machine has a network and a name server, and whether the name \
                 in upstream_url is right. Without a line the node works on.",
            ),
            Self::NoConnection { address, reason } => (
                format!("Nobody at {address} takes a connection: {reason}."),
                "Look at the line and the firewall, whether the node above runs, and whether the \
                 port in upstream_url is right. Without a line the node works on.",
            ),
            Self::BadCertificate { host, fault } => return Some(judge_certificate(host, fault)),
            Self::NoAnswer { reason } => (
                format!("The node above takes the connection and does not answer: {reason}."),
                "Look at that node, and at what is in between: a proxy, a firewall, a portal of \
                 the network that wants somebody to sign in.",
            ),
            Self::NoNode { status } => (
                format!("What answers at upstream_url is no node: status {status}."),
                "Correct upstream_url: scheme, host and port of the node above. If they are right, \
                 a proxy on the way answers in its place.",
            ),
            Self::Fails { status } => (
                format!("The node above answers with an error: status {status}."),
                "Look at that node: its disk, its log. 502 and 503 are of a proxy before it, or of \
                 a node that starts.",
            ),
            Self::Refuses { status, detail } => (
                format!(
                    "The node above does not take this node's token: status {status}, {detail}."
                ),
                "Make node_id and upstream_token here agree with bootstrap_nodes there.",
            ),
        };
        Some(Finding::wrong(self.step(), what, advice))
    }
}

fn judge_certificate(host: &str, fault: &Fault) -> Finding {
    let of = format!("The certificate of {host}");
    let (what, advice) = match fault {
        Fault::Expired => (
            format!("{of} has expired, by this machine's clock."),
            "If the clock is right, the certificate is to be renewed there.",
        ),
        Fault::NotYetValid => (
            format!("{of} is not valid yet, by this machine's clock."),
            "Most likely this machine's clock is behind: set it.",
        ),
        Fault::OtherName => (
            format!("{of} is for another name."),
            "Correct the host in upstream_url, or have the certificate made for this name.",
        ),
        Fault::UnknownIssuer => (
            format!("{of} is signed by nobody that this node trusts."),
            "A node takes certificates of public issuers alone (Let's Encrypt is one). If there \
             should be one: something on the way, such as a filter, puts its own in its place.",
        ),
        Fault::Other(reason) => (
            format!("{of} is not taken: {reason}."),
            "Have a look at it: `openssl s_client -connect HOST:443`.",
        ),
    };
    Finding::wrong(Check::UpstreamCertificate, what, advice)
}

/// Judges a certificate that is taken by its last second. Both are seconds since 1970.
pub fn judge_expiry(host: &str, now_s: i64, ends_s: i64) -> Option<Finding> {
    let left_s = ends_s.saturating_sub(now_s);
    (left_s < CERTIFICATE_DAYS_MIN * DAY_S).then(|| {
        Finding::warning(
            Check::UpstreamCertificate,
            format!("The certificate of {host} ends in {}.", span(left_s)),
            format!(
                "It should have been renewed by itself {} days before: see to it there, or no \
                 node gets through.",
                number(CERTIFICATE_DAYS_MIN.unsigned_abs())
            ),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_step_that_fails_is_the_one_that_is_told() {
        let seen = |step: Check, seen: Seen| {
            let found = seen.judge().unwrap();
            assert!(found.check == step && found.is_wrong(), "{found:?}");
        };
        let reason = || "why".to_owned();
        seen(STEPS[0], Seen::NoName { host: "hub".into(), reason: reason() });
        seen(STEPS[1], Seen::NoConnection { address: "hub:1".into(), reason: reason() });
        for fault in [
            Fault::Expired,
            Fault::NotYetValid,
            Fault::OtherName,
            Fault::UnknownIssuer,
            Fault::Other(reason()),
        ] {
            seen(STEPS[2], Seen::BadCertificate { host: "hub".into(), fault });
        }
        seen(STEPS[3], Seen::NoAnswer { reason: reason() });
        seen(STEPS[3], Seen::NoNode { status: 404 });
        seen(STEPS[3], Seen::Fails { status: 500 });
        seen(STEPS[4], Seen::Refuses { status: 401, detail: reason() });
        assert_eq!(Seen::Well.judge(), None);
    }

    #[test]
    fn an_end_is_told_three_weeks_ahead() {
        assert_eq!(judge_expiry("hub", 0, 21 * DAY_S), None);
        let found = judge_expiry("hub", 0, 20 * DAY_S).unwrap();
        assert!(!found.is_wrong() && found.what.contains("ends in 20 days"), "{found:?}");
    }
}
