//! What a process says to whom, as far as it can be seen from outside.
//!
//! Every connection of the function but the one to the Runtime API begins with
//! `CONNECT` to the proxy and goes on with TLS. The first byte of a TLS record
//! tells a handshake from a request; requests are counted, for what is in them
//! cannot be read.

use std::collections::BTreeMap;

use super::point::{Moment, Point};

/// The Runtime API's peer name.
pub(super) const RUNTIME_API: &str = "Runtime API";

/// The vendor's peer name.
pub(super) const VENDOR: &str = "Authomize";

/// Begins every path of the Runtime API.
const RUNTIME_PATH: &str = "/2018-06-01/runtime/";

/// What asking for an event is called.
const NEXT: &str = "next";

/// Everything that a process has said so far.
#[derive(Debug, Default)]
pub(super) struct Conversations {
    open: BTreeMap<u64, Conversation>,
    requests: BTreeMap<String, usize>,
    seen: BTreeMap<(String, String, Moment), usize>,
}

/// One connection: with whom, and what was said last.
#[derive(Clone, Debug)]
struct Conversation {
    peer: String,
    what: String,
}

impl Conversations {
    /// The point before these bytes are written to a descriptor.
    pub(super) fn writes(&mut self, descriptor: u64, beginning: &[u8]) -> Point {
        let conversation = self.understood(descriptor, beginning);
        self.open.insert(descriptor, conversation);
        self.at(descriptor, Moment::BeforeWrite)
    }

    /// The point after what was written, or read, last on a descriptor.
    pub(super) fn at(&mut self, descriptor: u64, moment: Moment) -> Point {
        let Conversation { peer, what } = self.conversation(descriptor);
        let seen = self.seen.entry((peer.clone(), what.clone(), moment));
        let nth = seen.or_default();
        *nth += 1;
        Point {
            nth: *nth,
            peer,
            what,
            moment,
        }
    }

    /// A process that has said nothing yet has asked for an event before.
    fn conversation(&self, descriptor: u64) -> Conversation {
        let known = self.open.get(&descriptor).cloned();
        known.unwrap_or_else(|| Conversation {
            peer: RUNTIME_API.to_owned(),
            what: NEXT.to_owned(),
        })
    }

    fn understood(&mut self, descriptor: u64, beginning: &[u8]) -> Conversation {
        let before = self.conversation(descriptor);
        let text = String::from_utf8_lossy(beginning);
        let mut words = text.split(' ');
        let (peer, what) = match (words.next(), words.next(), beginning.first()) {
            (Some("CONNECT"), Some(authority), _) => (peer(authority), "CONNECT".to_owned()),
            (Some("GET" | "POST"), Some(path), _) if path.starts_with(RUNTIME_PATH) => {
                let what = path.rsplit('/').next().unwrap_or_default();
                (RUNTIME_API.to_owned(), what.to_owned())
            }
            (_, _, Some(0x16)) => (before.peer, "ClientHello".to_owned()),
            (_, _, Some(0x14)) => (before.peer, "Finished".to_owned()),
            (_, _, Some(0x17)) => {
                let requests = self.requests.entry(before.peer.clone()).or_default();
                *requests += 1;
                (before.peer, format!("request {requests}"))
            }
            _ => (before.peer, before.what),
        };
        Conversation { peer, what }
    }
}

/// Whether the process has asked for the next event already.
pub(super) fn is_after_the_life(point: &Point) -> bool {
    point.peer == RUNTIME_API && point.what == NEXT && point.moment == Moment::AfterWrite
}

/// A host in words.
fn peer(authority: &str) -> String {
    let host = authority.split(':').next().unwrap_or_default();
    let known = [
        ("secretsmanager.", "Secrets Manager"),
        ("cloudformation.", "CloudFormation"),
        (
            "cloudformation-custom-resource-response-",
            "response bucket",
        ),
        ("api.authomize.com", VENDOR),
    ];
    let found = known.iter().find(|(start, _)| host.starts_with(start));
    found.map_or_else(|| host.to_owned(), |(_, name)| (*name).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_what_is_said_to_whom() {
        let mut all = Conversations::default();
        let event = all.at(6, Moment::AfterRead);
        assert_eq!(event.to_string(), "Runtime API: next, after a read");
        let connect = b"CONNECT api.authomize.com:443 HTTP/1.1\r\n";
        let shown = |point: Point| point.to_string();
        assert_eq!(
            shown(all.writes(7, connect)),
            "Authomize: CONNECT, before the write"
        );
        assert_eq!(
            shown(all.writes(7, b"\x16\x03\x01")),
            "Authomize: ClientHello, before the write"
        );
        assert_eq!(
            shown(all.writes(7, b"\x14\x03\x03")),
            "Authomize: Finished, before the write"
        );
        all.writes(7, b"\x17\x03\x03");
        assert_eq!(
            shown(all.writes(7, b"\x17\x03\x03")),
            "Authomize: request 2, before the write"
        );
        assert_eq!(
            shown(all.at(7, Moment::AfterRead)),
            "Authomize: request 2, after a read"
        );
        assert_eq!(
            shown(all.at(7, Moment::AfterRead)),
            "Authomize: request 2, after a read (no. 2)"
        );
        let answer = b"POST /2018-06-01/runtime/invocation/invocation-1/response HTTP/1.1\r\n";
        assert_eq!(
            shown(all.writes(7, answer)),
            "Runtime API: response, before the write"
        );
    }
}
