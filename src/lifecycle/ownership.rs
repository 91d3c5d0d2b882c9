//! Whose a record is, and what may be done with it: plain decisions.
//!
//! The rule: one stack, one record, and nothing of anybody else's is touched.

use thiserror::Error;
use time::{Duration, OffsetDateTime};

use crate::account_id::AccountId;
use crate::authomize::{Marker, Marking, Record, Status};
use crate::properties::Registration;

/// Whose a record is, seen from one resource.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Ownership {
    /// This resource made it.
    Ours,
    /// Another resource made it, and let it go.
    Released,
    /// Another resource's. The text reads on after "is", or "belongs to".
    Anothers(String),
    /// The server keeps markers, and it has none: a person made it.
    Unmarked,
    /// The server cannot say.
    Unknown,
}

/// Whose `record` is, seen from the resource of `marker`.
pub fn ownership(record: &Record, marker: &Marker) -> Ownership {
    match &record.marking {
        Marking::Marked(theirs) if theirs.is_of_the_same_resource(marker) => Ownership::Ours,
        Marking::Marked(theirs) if theirs.released => Ownership::Released,
        Marking::Marked(_) => {
            let owner = record.shown_owner.as_deref().unwrap_or_default();
            Ownership::Anothers(format!("stack {owner}"))
        }
        Marking::Absent => Ownership::Unmarked,
        Marking::NotKept => Ownership::Unknown,
    }
}

/// What a list of the records of one name means for a Create.
#[derive(Clone, Debug)]
pub enum Found {
    /// Ours from an earlier try: bring it up to date.
    Ours(Record),
    /// Released, and of the same account and role: take it over.
    Released(Record),
    /// Of a stack that had this one's name and is gone, and did not let it go: take it
    /// over when nothing of that stack's can be under way any more.
    Left(Record),
    /// This stack's, registered by another function than this one.
    Switched,
    /// Ours or anybody's, on its way out: wait.
    Going,
    /// None.
    Nothing,
    /// Somebody else's. The text reads on after "which".
    Anothers(String),
    /// The server keeps no markers, and several could be ours.
    Ambiguous,
}

/// Reads a list of the records of one name.
///
/// `since` is when this request began by the server's clock. Where the server
/// keeps no marker, the one record made since then is ours: its name is that of
/// this stack's integration, and we were the ones who asked for it.
pub fn found(
    records: &[Record],
    marker: &Marker,
    registration: &Registration,
    since: Option<OffsetDateTime>,
) -> Found {
    let live: Vec<&Record> = records
        .iter()
        .filter(|record| record.status != Status::Deleted)
        .collect();
    if let Some(ours) = live
        .iter()
        .find(|record| ownership(record, marker) == Ownership::Ours)
    {
        return Found::Ours((*ours).clone());
    }
    if let Some(released) = live.iter().find(|record| {
        ownership(record, marker) == Ownership::Released && record.is_for(registration)
    }) {
        return Found::Released((*released).clone());
    }
    if let Some(left) = live.iter().find(|record| is_left(record, marker)) {
        return Found::Left((*left).clone());
    }
    if live.iter().any(|record| is_switched(record, marker)) {
        return Found::Switched;
    }
    let is_unknown = |record: &&Record| ownership(record, marker) == Ownership::Unknown;
    let unknown: Vec<&Record> = live.iter().copied().filter(is_unknown).collect();
    let is_fresh = |record: &&Record| is_since(record, since);
    let fresh: Vec<&Record> = unknown.iter().copied().filter(is_fresh).collect();
    match (&live[..], &fresh[..]) {
        ([], _) if records.is_empty() => Found::Nothing,
        ([], _) => Found::Going,
        (_, [one]) => Found::Ours((*one).clone()),
        (_, [_, _, ..]) => Found::Ambiguous,
        _ if unknown.len() == live.len() => Found::Nothing,
        ([first, ..], _) => Found::Anothers(match ownership(first, marker) {
            Ownership::Anothers(owner) => format!("and belongs to {owner}"),
            Ownership::Released => "released by a stack of another account or role".to_owned(),
            _ => format!("record {}, and no stack made it", first.id),
        }),
    }
}

/// Whether a stack of the same name that is gone left the record, whatever the role's name
/// is now.
fn is_left(record: &Record, marker: &Marker) -> bool {
    match &record.marking {
        Marking::Marked(theirs) => theirs.is_of_a_predecessor_of(marker),
        Marking::Absent | Marking::NotKept => false,
    }
}

/// Why a record that a parameter names cannot be taken over; reads on after a colon.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub enum Unadoptable {
    /// There is none of this id, or it is being deleted.
    #[error("Authomize does not have it")]
    Missing,
    /// The server does not tell the accounts, or keeps no marker.
    #[error("Authomize does not say which accounts it is of")]
    Untold,
    /// It is of an account that is not this stack's to register.
    #[error("it is of account {0}")]
    AnothersAccount(AccountId),
    /// It is not of this account, though of an additional one.
    #[error("it is not of this account")]
    NotThisAccount,
    /// Another stack has it.
    #[error("it belongs to {0}")]
    AnothersRecord(String),
}

/// Whether the resource of `marker` may take over a record that its admin named: it is
/// nobody else's, and of this account and of others only that are this integration's.
///
/// # Errors
/// Why not.
pub fn is_adoptable(
    record: &Record,
    marker: &Marker,
    registration: &Registration,
) -> Result<(), Unadoptable> {
    match ownership(record, marker) {
        Ownership::Ours => return Ok(()),
        Ownership::Anothers(_) if is_left(record, marker) => {}
        Ownership::Anothers(owner) => return Err(Unadoptable::AnothersRecord(owner)),
        Ownership::Unknown => return Err(Unadoptable::Untold),
        Ownership::Released | Ownership::Unmarked => {}
    }
    let accounts = record.accounts().ok_or(Unadoptable::Untold)?;
    let is_ours = |account: &AccountId| registration.accounts.contains(account);
    match accounts.iter().find(|account| !is_ours(account)) {
        Some(other) => Err(Unadoptable::AnothersAccount(other.clone())),
        None if accounts.contains(&registration.accounts[0]) => Ok(()),
        None => Err(Unadoptable::NotThisAccount),
    }
}

/// Whether the record is this very stack's, and another function made it: its own, or
/// a hub's.
fn is_switched(record: &Record, marker: &Marker) -> bool {
    match &record.marking {
        Marking::Marked(theirs) => theirs.stack_id == marker.stack_id && theirs.hub != marker.hub,
        Marking::Absent | Marking::NotKept => false,
    }
}

/// Whether the record was made since a moment. The server's `Date` has whole
/// seconds, and its answer took a moment to arrive.
fn is_since(record: &Record, since: Option<OffsetDateTime>) -> bool {
    match (record.created_at, since) {
        (Some(created_at), Some(since)) => created_at.saturating_add(Duration::seconds(2)) >= since,
        _ => false,
    }
}

#[cfg(test)]
mod tests;
