//! The admin function's environment.

use secrecy::SecretString;

use super::stack_set::CallAs;
use crate::account_id::AccountId;
use crate::hub::{ENV_FUNCTION_NAME, ENV_MANAGEMENT_ACCOUNT_ID, ENV_ORGANIZATION_ID};
use crate::stack_id::StackId;

/// `MODE`: `admin` makes the function the admin's, and nothing else does.
pub const ENV_MODE: &str = "MODE";
/// `REGISTRAR_FUNCTION_ARN`: the registrar of the same stack, which a hub's marks name.
pub const ENV_REGISTRAR_FUNCTION_ARN: &str = "REGISTRAR_FUNCTION_ARN";
/// `STACK_SET_NAME`: the StackSet that members come from.
pub const ENV_STACK_SET_NAME: &str = "STACK_SET_NAME";
/// `STACK_SET_CALL_AS`: `SELF` or `DELEGATED_ADMIN`.
pub const ENV_STACK_SET_CALL_AS: &str = "STACK_SET_CALL_AS";
/// `API_URL`: where the vendor's API is.
pub const ENV_API_URL: &str = "API_URL";
/// `EXTERNAL_ID`: the external id of the trust roles, to keep it out of every text.
pub const ENV_EXTERNAL_ID: &str = "EXTERNAL_ID";

/// What the admin function works with.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The region of the stack, and of every member's.
    pub region: String,
    /// The function's own name, for its metrics.
    pub function_name: String,
    /// What is true of a hub alone.
    pub hub: Option<OwnHub>,
    /// Where the vendor's API is.
    pub api_url: String,
    /// The external id of the trust roles.
    pub external_id: SecretString,
}

/// The hub that the admin function stands beside.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct OwnHub {
    /// The registrar's ARN, as it stands in the marks on members' records.
    pub registrar: String,
    /// The organization that may use it.
    pub organization: String,
    /// The member that is in no StackSet.
    pub management_account: Option<AccountId>,
    /// The StackSet that all others come from; none if the hub was told of none.
    pub stack_set: Option<StackSetName>,
}

/// A StackSet and as whom it is asked about.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct StackSetName {
    /// Its name.
    pub name: String,
    /// As whom.
    pub call_as: CallAs,
}

impl Settings {
    /// Reads the environment of a function that `stack` made; none if it is a
    /// registrar's.
    pub fn read(stack: Option<&StackId>, text: impl Fn(&str) -> Option<String>) -> Option<Self> {
        if text(ENV_MODE).as_deref() != Some("admin") {
            return None;
        }
        let or_empty = |name: &str| text(name).unwrap_or_default();
        let hub = text(ENV_ORGANIZATION_ID).map(|organization| OwnHub {
            registrar: or_empty(ENV_REGISTRAR_FUNCTION_ARN),
            organization,
            management_account: text(ENV_MANAGEMENT_ACCOUNT_ID).and_then(|id| id.parse().ok()),
            stack_set: text(ENV_STACK_SET_NAME).map(|name| StackSetName {
                name,
                call_as: CallAs::read(text(ENV_STACK_SET_CALL_AS).as_deref()),
            }),
        });
        Some(Self {
            region: stack
                .map(|stack| stack.region().to_string())
                .unwrap_or_default(),
            function_name: or_empty(ENV_FUNCTION_NAME),
            hub,
            api_url: or_empty(ENV_API_URL),
            external_id: or_empty(ENV_EXTERNAL_ID).into(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Option<Settings> {
        let stack = "arn:aws:cloudformation:eu-west-1:123456789012:stack/hub/a-b".parse();
        Settings::read(stack.ok().as_ref(), |wanted| {
            let (_, value) = pairs.iter().find(|(name, _)| *name == wanted)?;
            Some((*value).to_owned())
        })
    }

    #[test]
    fn makes_an_admin_function_of_exactly_one_word() {
        assert!(read(&[(ENV_MODE, "admin")]).is_some());
        for other in ["Admin", "registrar", "true", " admin"] {
            assert!(read(&[(ENV_MODE, other)]).is_none(), "{other}");
        }
        assert!(read(&[]).is_none());
    }

    #[test]
    fn knows_a_hub_by_its_organization() {
        let single = read(&[(ENV_MODE, "admin"), (ENV_STACK_SET_NAME, "Members")]).unwrap();
        assert_eq!(single.hub, None);
        assert_eq!(single.region, "eu-west-1");
        let hub = read(&[
            (ENV_MODE, "admin"),
            (ENV_ORGANIZATION_ID, "o-a1b2c3d4e5"),
            (ENV_STACK_SET_NAME, "Members"),
            (ENV_STACK_SET_CALL_AS, "DELEGATED_ADMIN"),
            (ENV_REGISTRAR_FUNCTION_ARN, "arn"),
        ]);
        let stack_set = StackSetName {
            name: "Members".to_owned(),
            call_as: CallAs::DelegatedAdmin,
        };
        assert_eq!(
            hub.unwrap().hub,
            Some(OwnHub {
                registrar: "arn".to_owned(),
                organization: "o-a1b2c3d4e5".to_owned(),
                management_account: None,
                stack_set: Some(stack_set),
            })
        );
    }
}
