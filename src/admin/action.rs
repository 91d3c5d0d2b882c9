//! What an admin asks for.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use serde_json::{Map, Value};
use thiserror::Error;

use crate::account_id::AccountId;
use crate::envelope::EnvelopeError;
use crate::event::Event;
use crate::record_id::RecordId;
use crate::text::printable;

/// The most records that one action removes.
pub const MOST_IDS: usize = 100;

/// Members that every request to a custom resource has, and no action.
const OF_A_REQUEST: [&str; 4] = ["RequestType", "ResponseURL", "StackId", "LogicalResourceId"];

/// One thing to do.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Action {
    /// Look whether all is ready for a rollout.
    Check,
    /// Compare the StackSet with the vendor's records.
    Reconcile {
        /// Where the comparison goes on.
        from: Bookmark,
        /// How many pages of records are read at most.
        pages: usize,
    },
    /// Remove these records, if they are left over.
    Remove {
        /// At least one, and each once.
        ids: Vec<RecordId>,
    },
}

/// Where a comparison goes on that was too long for one run: how many records have
/// been read, and which accounts had one of this hub. It prints as
/// `<number>.<account><account>…`.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Bookmark {
    /// So many records of the tenant are read.
    pub read: usize,
    /// The accounts that had a record of this hub among them.
    pub registered: BTreeSet<AccountId>,
}

/// The text is no bookmark.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error("not the `nextPage` of an earlier answer")]
pub struct NotABookmark;

/// Why an event is no action. The sentences name the member and what is accepted.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub enum ActionError {
    /// CloudFormation sent it, or somebody in its place.
    #[error(
        "this is a request to a custom resource, and the admin function serves none: a stack's ServiceToken is the function whose name ends in `-registrar`"
    )]
    CustomResource,
    /// No JSON, or no object.
    #[error("the event cannot be read: {0}")]
    Unreadable(String),
    /// `action` is missing or none of the three.
    #[error("`action` is {0}: accepted are `check`, `reconcile` and `remove`")]
    Unknown(String),
    /// A member that the action does not have.
    #[error("`{action}` has no member `{member}`: accepted are {accepted}")]
    Member {
        /// The action.
        action: &'static str,
        /// What was given.
        member: String,
        /// What it has.
        accepted: &'static str,
    },
    /// A member's value.
    #[error("`{member}` is {given}: accepted is {accepted}")]
    Value {
        /// Which one.
        member: &'static str,
        /// What was given.
        given: String,
        /// What may be given.
        accepted: &'static str,
    },
}

impl Action {
    /// Reads an action.
    ///
    /// # Errors
    /// See [`ActionError`].
    pub fn read(event: &Event) -> Result<Self, ActionError> {
        let unreadable = |why: &str| ActionError::Unreadable(printable(why));
        let event = event.value().map_err(|why| match why {
            EnvelopeError::Unreadable(why) => unreadable(&why),
            other => unreadable(&other.to_string()),
        })?;
        let Some(members) = event.as_object() else {
            return Err(unreadable(
                "it is no JSON object, such as {\"action\": \"check\"}",
            ));
        };
        if OF_A_REQUEST.iter().any(|name| members.contains_key(*name)) {
            return Err(ActionError::CustomResource);
        }
        match members.get("action") {
            Some(Value::String(name)) => match name.as_str() {
                "check" => only(members, "check", &[], "`action` alone").map(|()| Self::Check),
                "reconcile" => Self::reconcile(members),
                "remove" => Self::remove(members),
                other => Err(ActionError::Unknown(format!("`{}`", printable(other)))),
            },
            Some(_) => Err(ActionError::Unknown("no text".to_owned())),
            None => Err(ActionError::Unknown("missing".to_owned())),
        }
    }

    fn reconcile(members: &Map<String, Value>) -> Result<Self, ActionError> {
        let accepted = "`action`, `page` and `pages`";
        only(members, "reconcile", &["page", "pages"], accepted)?;
        let from = match members.get("page") {
            None | Some(Value::Null) => Bookmark::default(),
            Some(value) => {
                let text = value.as_str().and_then(|text| text.parse().ok());
                text.ok_or_else(|| refusal("page", value, "the `nextPage` of an earlier answer"))?
            }
        };
        let pages = match members.get("pages") {
            None | Some(Value::Null) => usize::MAX,
            Some(value) => {
                let number = value.as_u64().filter(|number| *number > 0);
                let number = number.and_then(|number| usize::try_from(number).ok());
                number.ok_or_else(|| refusal("pages", value, "a number of pages from 1 on"))?
            }
        };
        Ok(Self::Reconcile { from, pages })
    }

    fn remove(members: &Map<String, Value>) -> Result<Self, ActionError> {
        const ACCEPTED: &str = "a list of 1 to 100 ids of records, each once";
        only(members, "remove", &["ids"], "`action` and `ids`")?;
        let given = members.get("ids").unwrap_or(&Value::Null);
        let ids: Option<Vec<RecordId>> = given.as_array().and_then(|list| {
            let texts = list.iter().map(|id| id.as_str()?.parse().ok());
            texts.collect()
        });
        let distinct = |ids: &[RecordId]| {
            let texts: BTreeSet<&str> = ids.iter().map(RecordId::as_str).collect();
            texts.len() == ids.len()
        };
        match ids {
            Some(ids) if (1..=MOST_IDS).contains(&ids.len()) && distinct(&ids) => {
                Ok(Self::Remove { ids })
            }
            _ => Err(refusal("ids", given, ACCEPTED)),
        }
    }

    /// The action's name in an event.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Check => "check",
            Self::Reconcile { .. } => "reconcile",
            Self::Remove { .. } => "remove",
        }
    }
}

/// Refuses members that the action does not have: most likely one is mistyped.
fn only(
    members: &Map<String, Value>,
    action: &'static str,
    known: &[&str],
    accepted: &'static str,
) -> Result<(), ActionError> {
    let is_known = |name: &str| name == "action" || known.contains(&name);
    match members.keys().find(|name| !is_known(name)) {
        Some(member) => Err(ActionError::Member {
            action,
            member: printable(member),
            accepted,
        }),
        None => Ok(()),
    }
}

fn refusal(member: &'static str, given: &Value, accepted: &'static str) -> ActionError {
    ActionError::Value {
        member,
        given: match given {
            Value::Null => "missing".to_owned(),
            given => format!("`{}`", printable(&given.to_string())),
        },
        accepted,
    }
}

impl fmt::Display for Bookmark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.", self.read)?;
        self.registered
            .iter()
            .try_for_each(|account| f.write_str(account.as_str()))
    }
}

impl FromStr for Bookmark {
    type Err = NotABookmark;

    fn from_str(text: &str) -> Result<Self, NotABookmark> {
        let (read, accounts) = text.split_once('.').ok_or(NotABookmark)?;
        if !read.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(NotABookmark);
        }
        let registered: Result<_, NotABookmark> = accounts
            .as_bytes()
            .chunks(12)
            .map(|account| {
                let account = std::str::from_utf8(account).map_err(|_| NotABookmark)?;
                account.parse().map_err(|_| NotABookmark)
            })
            .collect();
        Ok(Self {
            read: read.parse().map_err(|_| NotABookmark)?,
            registered: registered?,
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(event: Value) -> Result<Action, ActionError> {
        Action::read(&Event::from(event))
    }

    fn refused(event: Value) -> String {
        read(event).unwrap_err().to_string()
    }

    #[test]
    fn is_one_of_three() {
        assert_eq!(read(json!({"action": "check"})), Ok(Action::Check));
        assert_eq!(
            read(json!({"action": "reconcile"})),
            Ok(Action::Reconcile {
                from: Bookmark::default(),
                pages: usize::MAX,
            })
        );
        let ids = vec!["app_1".parse().unwrap(), "app_2".parse().unwrap()];
        assert_eq!(
            read(json!({"action": "remove", "ids": ["app_1", "app_2"]})),
            Ok(Action::Remove { ids })
        );
    }

    /// Also one that is dressed up as an action.
    #[test]
    fn is_no_request_to_a_custom_resource() {
        for name in OF_A_REQUEST {
            let event = json!({"action": "remove", "ids": ["app_1"], name: "x"});
            assert_eq!(read(event), Err(ActionError::CustomResource), "{name}");
        }
    }

    #[test]
    fn is_refused_with_the_member_and_what_is_accepted() {
        let many: Vec<String> = (0..=MOST_IDS).map(|id| format!("app_{id}")).collect();
        for (event, expected) in [
            (json!([]), "the event cannot be read: it is no JSON object"),
            (json!({}), "`action` is missing: accepted are `check`"),
            (json!({"action": 7}), "`action` is no text"),
            (
                json!({"action": "Remove"}),
                "`action` is `Remove`: accepted are `check`, `reconcile` and `remove`",
            ),
            (
                json!({"action": "check", "ids": []}),
                "`check` has no member `ids`: accepted are `action` alone",
            ),
            (
                json!({"action": "remove", "id": "app_1"}),
                "`remove` has no member `id`: accepted are `action` and `ids`",
            ),
            (
                json!({"action": "remove"}),
                "`ids` is missing: accepted is a list",
            ),
            (json!({"action": "remove", "ids": []}), "`ids` is `[]`"),
            (
                json!({"action": "remove", "ids": ["../me"]}),
                "`ids` is `[../me]`",
            ),
            (
                json!({"action": "remove", "ids": ["app_1", "app_1"]}),
                "each once",
            ),
            (json!({"action": "remove", "ids": many}), "1 to 100 ids"),
            (
                json!({"action": "reconcile", "page": "2"}),
                "`page` is `2`: accepted is the `nextPage`",
            ),
            (
                json!({"action": "reconcile", "pages": 0}),
                "`pages` is `0`: accepted is a number of pages from 1 on",
            ),
        ] {
            let told = refused(event);
            assert!(told.contains(expected), "{told}");
        }
    }

    #[test]
    fn goes_on_where_a_bookmark_says() {
        let accounts = ["123456789012", "210987654321"];
        let bookmark = Bookmark {
            read: 300,
            registered: accounts.map(|id| id.parse().unwrap()).into(),
        };
        assert_eq!(bookmark.to_string(), "300.123456789012210987654321");
        for bookmark in [bookmark, Bookmark::default()] {
            assert_eq!(bookmark.to_string().parse(), Ok(bookmark.clone()));
        }
        for bad in [
            "",
            "300",
            "x.",
            "-1.",
            "3.12345",
            "3.12345678901x",
            "3.é12345678901",
            "99999999999999999999.",
        ] {
            assert_eq!(bad.parse::<Bookmark>(), Err(NotABookmark), "{bad}");
        }
    }
}
