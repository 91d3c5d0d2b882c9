//! Which host name leads where.

use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard};

/// The only port of an https URL without a port; nothing else is led.
const HTTPS: u16 = 443;

/// The host names that lead to one server, in lower case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HostPattern {
    /// This name alone.
    Exact(String),
    /// Every name that ends so, such as `.amazonaws.com`.
    Suffix(String),
}

impl HostPattern {
    /// How well it fits `host`: an exact name better than any suffix, and of
    /// the suffixes the longest best. `None` when it does not fit.
    fn fit(&self, host: &str) -> Option<usize> {
        match self {
            Self::Exact(name) => (name == host).then_some(usize::MAX),
            Self::Suffix(suffix) => host.ends_with(suffix.as_str()).then_some(suffix.len()),
        }
    }
}

/// The table of names, and the names that were looked up in vain.
#[derive(Debug, Default)]
pub(super) struct Routes(Mutex<Table>);

#[derive(Debug, Default)]
struct Table {
    led: Vec<(HostPattern, SocketAddr)>,
    refused: Vec<String>,
}

impl Routes {
    pub(super) fn lead(&self, host: HostPattern, to: SocketAddr) {
        let mut table = self.table();
        table.led.retain(|(known, _)| *known != host);
        table.led.push((host, to));
    }

    /// The server that `authority` (`host:port`) leads to; notes it when
    /// there is none.
    pub(super) fn find_or_note(&self, authority: &str) -> Option<SocketAddr> {
        let mut table = self.table();
        let found = split(authority)
            .filter(|(_, port)| *port == HTTPS)
            .and_then(|(host, _)| {
                let fits = table
                    .led
                    .iter()
                    .filter_map(|(pattern, to)| Some((pattern.fit(&host)?, *to)));
                fits.max_by_key(|(fit, _)| *fit)
            });
        if found.is_none() {
            table.refused.push(authority.to_owned());
        }
        found.map(|(_, to)| to)
    }

    pub(super) fn refused(&self) -> Vec<String> {
        self.table().refused.clone()
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.0
            .lock()
            .expect("nothing panics while it holds the table")
    }
}

fn split(authority: &str) -> Option<(String, u16)> {
    let (host, port) = authority.rsplit_once(':')?;
    Some((host.to_ascii_lowercase(), port.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn routes() -> Routes {
        let routes = Routes::default();
        for (host, port) in [
            (HostPattern::Suffix(".amazonaws.com".to_owned()), 1),
            (HostPattern::Suffix(".s3.amazonaws.com".to_owned()), 2),
            (HostPattern::Exact("a.s3.amazonaws.com".to_owned()), 3),
        ] {
            routes.lead(host, ([127, 0, 0, 1], port).into());
        }
        routes
    }

    #[test]
    fn prefers_the_exact_name_then_the_longest_suffix() {
        let port = |authority| routes().find_or_note(authority).map(|to| to.port());
        assert_eq!(port("a.s3.amazonaws.com:443"), Some(3));
        assert_eq!(port("A.S3.AmazonAWS.com:443"), Some(3));
        assert_eq!(port("b.s3.amazonaws.com:443"), Some(2));
        assert_eq!(port("sts.amazonaws.com:443"), Some(1));
    }

    #[test]
    fn notes_what_leads_nowhere() {
        let routes = routes();
        for authority in ["amazonaws.com:443", "sts.amazonaws.com:80", "nonsense"] {
            assert_eq!(routes.find_or_note(authority), None);
        }
        assert_eq!(
            routes.refused(),
            ["amazonaws.com:443", "sts.amazonaws.com:80", "nonsense"]
        );
    }

    #[test]
    fn leads_a_name_to_where_it_was_led_last() {
        let routes = routes();
        let host = HostPattern::Exact("a.s3.amazonaws.com".to_owned());
        routes.lead(host, ([127, 0, 0, 1], 4).into());
        let to = routes.find_or_note("a.s3.amazonaws.com:443").unwrap();
        assert_eq!(to.port(), 4);
    }
}
