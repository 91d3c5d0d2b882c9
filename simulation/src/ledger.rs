//! Whose each record at the vendor really is: known to the model, which saw who
//! asked for it, and to nobody else.

use std::collections::BTreeMap;

use serde_json::Value;

/// What passes between a look and the request that follows it at most, in milliseconds.
const BETWEEN: u64 = 1_000;

/// Whose a record is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Owner {
    /// A stack's, by its number in the history.
    Stack(usize),
    /// A stranger's.
    Stranger,
}

/// What is known of a record.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Whose it is.
    pub owner: Owner,
    /// Its stack let it go.
    pub released: bool,
    /// When that was.
    pub released_at: u64,
    /// Somebody wrote over the mark who could not know of it.
    pub marked_again: bool,
    /// It is not deleted.
    pub live: bool,
    /// The stack that had let it go before its owner took it over, as long as the
    /// owner's creation has not succeeded.
    pub kept_by: Option<usize>,
    /// Its name.
    pub name: String,
    /// Some process that lived learnt of it from the answer to its request.
    pub seen: bool,
    /// When it was made, in virtual milliseconds.
    pub made: u64,
    /// It came about in a way that nobody can know.
    pub unknowable: bool,
    /// When a stack took it over from another that had let it go.
    pub taken_over_at: Option<u64>,
    /// When a stranger took it.
    pub taken_at: Option<u64>,
    /// Another stack or a stranger took part in what became of it, or it was said already
    /// that its stack has another one besides.
    pub meddled: bool,
}

impl Entry {
    /// Whether a stack took it over so shortly ago, in milliseconds, that another one
    /// cannot have seen it yet.
    pub fn is_contested(&self, now: u64) -> bool {
        self.taken_over_at.is_some_and(|at| now < at + 1_000)
    }

    /// Whether a stack took it over after a request had left that writes or removes it, or
    /// between that one and the look before it.
    pub fn was_taken_over_meanwhile(&self, looked: u64, left: u64) -> bool {
        self.taken_over_at
            .is_some_and(|at| is_meanwhile(at, looked, left))
    }

    /// Whether it was let go after a request that writes over that had left, or between
    /// that one and the look before it.
    pub fn was_released_meanwhile(&self, looked: u64, left: u64) -> bool {
        is_meanwhile(self.released_at, looked, left)
    }
}

fn is_meanwhile(at: u64, looked: u64, left: u64) -> bool {
    left <= at || looked <= at && left < looked + BETWEEN
}

/// All records that ever were.
#[derive(Debug, Default)]
pub struct Ledger(BTreeMap<String, Entry>);

impl Ledger {
    /// A record was made.
    pub fn made(&mut self, id: &str, owner: Owner, name: &str, now: u64) {
        self.0.insert(
            id.to_owned(),
            Entry {
                owner,
                released: false,
                released_at: 0,
                marked_again: false,
                live: true,
                kept_by: None,
                name: name.to_owned(),
                seen: false,
                made: now,
                unknowable: false,
                taken_over_at: None,
                taken_at: None,
                meddled: false,
            },
        );
    }

    /// What is known of a record.
    pub fn get(&self, id: &str) -> Option<&Entry> {
        self.0.get(id)
    }

    /// The same, to be changed.
    pub fn get_mut(&mut self, id: &str) -> Option<&mut Entry> {
        self.0.get_mut(id)
    }

    /// The live records that a stack has and did not let go.
    pub fn of(&self, stack: usize) -> impl Iterator<Item = (&String, &Entry)> {
        self.0.iter().filter(move |(_, entry)| {
            entry.live && !entry.released && entry.owner == Owner::Stack(stack)
        })
    }

    /// The live records of the stranger.
    pub fn strangers(&self) -> impl Iterator<Item = (&String, &Entry)> {
        self.0
            .iter()
            .filter(|(_, entry)| entry.live && entry.owner == Owner::Stranger)
    }

    /// A stack's creation succeeded: what it took over is its own now.
    pub fn settle(&mut self, stack: usize) {
        for entry in self.0.values_mut() {
            if entry.owner == Owner::Stack(stack) {
                entry.kept_by = None;
            }
        }
    }
}

/// The stack that a marker in the body of a request names, and whether the
/// record is let go.
pub fn marked(body: &Value) -> Option<(&str, bool)> {
    let source = body.get("config")?.get("source")?;
    Some((
        source["stackId"].as_str()?,
        source["released"].as_bool().unwrap_or_default(),
    ))
}
