//! Which host name leads where.

use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard};

use tokio::sync::watch;

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

/// What the proxy does with a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Passage {
    /// The name leads to this server.
    To(SocketAddr),
    /// The name leads somewhere, but the proxy may not let anyone through.
    Forbidden,
    /// The name leads nowhere.
    Nowhere,
}

/// The table of names, and the names that were looked up in vain.
#[derive(Debug, Default)]
pub(super) struct Routes {
    table: Mutex<Table>,
    /// Counts how often all connections were cut.
    cuts: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct Table {
    led: Vec<(HostPattern, SocketAddr)>,
    forbidden: Vec<String>,
    passed: Vec<String>,
    refused: Vec<String>,
}

impl Routes {
    pub(super) fn lead(&self, host: HostPattern, to: SocketAddr) {
        let mut table = self.table();
        table.led.retain(|(known, _)| *known != host);
        table.led.push((host, to));
    }

    pub(super) fn forbid(&self, host: &str) {
        self.table().forbidden.push(host.to_ascii_lowercase());
    }

    pub(super) fn allow(&self, host: &str) {
        let host = host.to_ascii_lowercase();
        self.table()
            .forbidden
            .retain(|forbidden| *forbidden != host);
    }

    /// What to do with `authority` (`host:port`), which is noted.
    pub(super) fn find_or_note(&self, authority: &str) -> Passage {
        let mut table = self.table();
        if let Some((host, _)) = split(authority)
            && table.forbidden.contains(&host)
        {
            return Passage::Forbidden;
        }
        let found = split(authority)
            .filter(|(_, port)| *port == HTTPS)
            .and_then(|(host, _)| {
                let fits = table
                    .led
                    .iter()
                    .filter_map(|(pattern, to)| Some((pattern.fit(&host)?, *to)));
                fits.max_by_key(|(fit, _)| *fit)
            });
        let noted = match found {
            Some(_) => &mut table.passed,
            None => &mut table.refused,
        };
        noted.push(authority.to_owned());
        found.map_or(Passage::Nowhere, |(_, to)| Passage::To(to))
    }

    pub(super) fn passed(&self) -> Vec<String> {
        self.table().passed.clone()
    }

    pub(super) fn refused(&self) -> Vec<String> {
        self.table().refused.clone()
    }

    /// Ends every connection that there is.
    pub(super) fn cut(&self) {
        self.cuts.send_modify(|cuts| *cuts += 1);
    }

    /// Waits until the connections that there are now are cut.
    pub(super) async fn until_cut(&self) {
        let mut cuts = self.cuts.subscribe();
        // The sender lives as long as the table.
        cuts.changed().await.ok();
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table
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
        for (authority, port) in [
            ("a.s3.amazonaws.com:443", 3),
            ("A.S3.AmazonAWS.com:443", 3),
            ("b.s3.amazonaws.com:443", 2),
            ("sts.amazonaws.com:443", 1),
        ] {
            let to = Passage::To(([127, 0, 0, 1], port).into());
            assert_eq!(routes().find_or_note(authority), to, "{authority}");
        }
    }

    #[test]
    fn notes_what_leads_nowhere() {
        let routes = routes();
        for authority in ["amazonaws.com:443", "sts.amazonaws.com:80", "nonsense"] {
            assert_eq!(routes.find_or_note(authority), Passage::Nowhere);
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
        let to = Passage::To(([127, 0, 0, 1], 4).into());
        assert_eq!(routes.find_or_note("a.s3.amazonaws.com:443"), to);
    }

    #[test]
    fn forbids_a_name_until_it_is_allowed_again() {
        let (routes, host) = (routes(), "A.s3.amazonaws.com");
        routes.forbid(host);
        let asked = || routes.find_or_note("a.s3.amazonaws.com:443");
        assert_eq!(asked(), Passage::Forbidden);
        routes.allow(host);
        assert_eq!(asked(), Passage::To(([127, 0, 0, 1], 3).into()));
        assert!(routes.refused().is_empty());
    }
}
