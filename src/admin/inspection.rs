//! What a look before a rollout finds: plain decisions, told as a linter does.

use serde::Serialize;

use super::pace::Measured;
use super::settings::OwnHub;
use super::stack_set::Instance;

/// How bad it is.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// As it should be.
    Ok,
    /// A rollout may work.
    Warning,
    /// A rollout does not work.
    Error,
}

impl Level {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// One thing that was looked at.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Verdict {
    /// How it is.
    pub level: Level,
    /// What was looked at.
    pub subject: &'static str,
    /// What was found and, if it is not well, what to do.
    pub text: String,
}

impl Verdict {
    /// All is well.
    pub fn ok(subject: &'static str, text: impl Into<String>) -> Self {
        Self::of(Level::Ok, subject, text)
    }

    /// Something to know.
    pub fn warning(subject: &'static str, text: impl Into<String>) -> Self {
        Self::of(Level::Warning, subject, text)
    }

    /// Something to mend first.
    pub fn error(subject: &'static str, text: impl Into<String>) -> Self {
        Self::of(Level::Error, subject, text)
    }

    fn of(level: Level, subject: &'static str, text: impl Into<String>) -> Self {
        Self {
            level,
            subject,
            text: text.into(),
        }
    }
}

/// Whether the organization's id can be one. Whether it is this organization's shows
/// when the first member registers: no right of the hub lets it ask.
///
/// Form: <https://docs.aws.amazon.com/organizations/latest/APIReference/API_Organization.html>.
pub fn organization(hub: &OwnHub) -> Verdict {
    let id = &hub.organization;
    let well_formed = id.strip_prefix("o-").is_some_and(|rest| {
        (10..=32).contains(&rest.len())
            && rest
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    });
    if well_formed {
        Verdict::ok("organization", format!("{id} has the form of an id"))
    } else {
        Verdict::error(
            "organization",
            "OrganizationId is no organization's id. It begins with `o-`: `aws organizations describe-organization` tells it.",
        )
    }
}

/// What the first page of a StackSet's instances shows.
pub fn instances(region: &str, hub_account: Option<&str>, instances: &[Instance]) -> Vec<Verdict> {
    let mut verdicts = Vec::new();
    let elsewhere = instances
        .iter()
        .find(|instance| instance.region != region && !instance.is_suspended());
    if let Some(elsewhere) = elsewhere {
        verdicts.push(Verdict::error(
            "regions",
            format!(
                "an instance is in {}, and the hub in {region}: a StackSet goes to one region, the hub's. Remove that region.",
                elsewhere.region
            ),
        ));
    }
    let of_the_hub = instances
        .iter()
        .any(|instance| Some(instance.account.as_str()) == hub_account);
    if of_the_hub {
        verdicts.push(Verdict::error(
            "accounts",
            "the hub's own account has an instance, and it has the trust role already. Leave it out.",
        ));
    }
    if !instances.is_empty() && !instances.iter().any(Instance::is_current) {
        verdicts.push(Verdict::warning(
            "organization",
            "no instance that was looked at is current. If their reason is `is not authorized to perform: lambda:InvokeFunction`, OrganizationId is not theirs.",
        ));
    }
    verdicts
}

/// How fast a rollout may go.
pub fn pace(measured: &Measured) -> Verdict {
    let (rate, concurrency) = (measured.rate(), measured.concurrency());
    let how = match measured.refused {
        Some(_) => format!("Authomize takes about {rate:.1} requests a second"),
        None => format!("Authomize took {rate:.1} requests a second and refused none"),
    };
    let tolerance = concurrency - 1;
    Verdict::ok(
        "rate",
        format!(
            "{how}: MaxConcurrentCount={concurrency} and no more, with FailureToleranceCount={tolerance} or ConcurrencyMode=SOFT_FAILURE_TOLERANCE"
        ),
    )
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn hub(organization: &str) -> OwnHub {
        OwnHub {
            registrar: String::new(),
            organization: organization.to_owned(),
            management_account: None,
            stack_set: None,
        }
    }

    fn instance(account: &str, region: &str, status: &str) -> Instance {
        Instance {
            account: account.parse().unwrap(),
            region: region.to_owned(),
            stack_id: None,
            status: status.to_owned(),
            detail: String::new(),
            reason: String::new(),
        }
    }

    #[test]
    fn knows_the_form_of_an_organizations_id() {
        assert_eq!(organization(&hub("o-a1b2c3d4e5")).level, Level::Ok);
        for bad in ["o-", "o-A1B2C3D4E5", "ou-a1b2-c3d4e5f6", "*", "o-a1b2"] {
            assert_eq!(organization(&hub(bad)).level, Level::Error, "{bad}");
        }
    }

    #[test]
    fn sees_what_stands_in_the_way_of_a_rollout() {
        let of = |list: &[Instance]| -> Vec<(Level, &str)> {
            let verdicts = instances("us-east-1", Some("123456789012"), list);
            verdicts.iter().map(|v| (v.level, v.subject)).collect()
        };
        let good = instance("210987654321", "us-east-1", "CURRENT");
        assert_eq!(of(&[]), []);
        assert_eq!(of(std::slice::from_ref(&good)), []);
        let far = instance("210987654321", "eu-west-1", "CURRENT");
        assert_eq!(of(&[good.clone(), far]), [(Level::Error, "regions")]);
        let own = instance("123456789012", "us-east-1", "OUTDATED");
        assert_eq!(of(&[good, own]), [(Level::Error, "accounts")]);
        let failed = instance("210987654321", "us-east-1", "OUTDATED");
        assert_eq!(of(&[failed]), [(Level::Warning, "organization")]);
    }

    /// StackSets works on no more accounts at once than failures are tolerated.
    #[test]
    fn says_how_fast_a_rollout_may_go() {
        let measured = Measured {
            taken: 10,
            elapsed: Duration::ZERO,
            refused: Some(Duration::from_secs(1)),
        };
        let told = pace(&measured).text;
        assert!(told.contains("about 10.0 requests a second"), "{told}");
        assert!(told.contains("MaxConcurrentCount=200"), "{told}");
        assert!(told.contains("FailureToleranceCount=199"), "{told}");
    }
}
