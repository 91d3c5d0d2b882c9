//! The vendor: what each request does there, and whether it was allowed to.

use rehearsal::sandbox::{ApiRequest, ApiResponse};
use serde_json::Value;

use crate::ledger::{Owner, marked};
use crate::violation::{Promise, Unknowable};
use crate::world::{By, Ran, State};

/// For how long a list that is late does not show what was made, in
/// milliseconds.
const LIST_IS_LATE: u64 = 10_000;

impl State {
    /// The vendor's state machine, with what the model checks on the way in and
    /// learns on the way out.
    pub fn vendor(&mut self, by: By, request: &ApiRequest) -> ApiResponse {
        let id = request.path.strip_prefix("/v2/apps/").unwrap_or_default();
        if let By::Run(stack, asked, run) = by {
            self.is_allowed(stack, asked, run, id, request);
        }
        if let By::Run(stack, asked, _) = by
            && self.stacks[stack].requests[asked].kind == "Delete"
        {
            self.stacks[stack].last_look = self.now();
        }
        let moment = self.vendors_time();
        let response = self.tenant.handle(moment, request);
        if response.status == 200 {
            self.learn(by, id, request, &response);
        }
        let who = match by {
            By::Run(stack, asked, _) => format!("stack {stack} request {asked}"),
            By::Stranger => "stranger".to_owned(),
        };
        let made = response.body["id"].as_str().unwrap_or_default();
        self.note(format_args!(
            "vendor: {who}: {} {} -> {} {made}",
            request.method, request.path, response.status
        ));
        if let Some(body) = &request.body {
            self.trace.weigh(&body.to_string());
        }
        if let By::Run(stack, asked, _) = by {
            self.at_most_one_record(stack, asked);
        }
        response
    }

    /// [`Promise::NothingOfOthersIsTouched`], [`Promise::WhatWasKeptStays`] and
    /// [`Promise::KeepKeeps`].
    fn is_allowed(
        &mut self,
        stack: usize,
        asked: usize,
        run: usize,
        id: &str,
        request: &ApiRequest,
    ) {
        let Some(entry) = self.ledger.get(id).filter(|entry| entry.live) else {
            return;
        };
        let is_own = entry.owner == Owner::Stack(stack);
        let how = format!(
            "stack {stack}: {} {id} of {:?}",
            request.method, entry.owner
        );
        let of = &self.stacks[stack].requests[asked];
        let mark = request.body.as_ref().and_then(marked);
        let releases = mark.is_some_and(|(_, released)| released);
        let looked = of.runs[run].looked_at(id);
        let left = match request.method.as_str() {
            "DELETE" => of.removed,
            _ => of.amended,
        };
        let gives_back = mark.is_some_and(|(marked, _)| marked != self.stacks[stack].id);
        match request.method.as_str() {
            "DELETE" if is_own && of.kind == "Delete" && of.keep => {
                self.violated(Promise::KeepKeeps, how);
            }
            // Not even by a run that comes late. What no creation had succeeded with is no
            // loss.
            "DELETE" if is_own && entry.released && self.stacks[stack].has_kept() => {
                self.violated(Promise::KeepKeeps, how);
            }
            // Nor by any other request than the deletion.
            "DELETE" if is_own && of.kind != "Delete" && self.stacks[stack].is_to_keep(id) => {
                self.violated(Promise::KeepKeeps, how);
            }
            "DELETE" if is_own && entry.kept_by.is_some() => {
                self.violated(Promise::WhatWasKeptStays, how);
            }
            // Two take over at once what was let go: the later one has it.
            "PATCH" if entry.is_contested(self.now()) => {}
            // What was taken from it in the middle of a run that run cannot know.
            _ if entry.taken_at.is_some_and(|at| of.runs[run].from <= at) => {}
            "PATCH"
                if is_own
                    && releases
                    && !(entry.released || entry.kept_by.is_some() || of.keep)
                    && !(gives_back && self.stacks[stack].goes()) =>
            {
                let how = format!("{how}: let go, though it was to be removed");
                self.violated(Promise::NothingIsLeftUnsaid, how);
            }
            "PATCH" | "DELETE" if !is_own && entry.was_taken_over_meanwhile(looked, left) => {
                self.nobody_can_know(Unknowable::TakenOverMeanwhile, how);
            }
            "DELETE" if !is_own => self.touched(entry.made, stack, how),
            "PATCH"
                if !is_own && entry.released && self.is_of_another_account(entry.owner, stack) =>
            {
                self.touched(entry.made, stack, how);
            }
            "PATCH" if !is_own && !entry.released && !self.is_left_to(entry.owner, stack) => {
                self.touched(entry.made, stack, how);
            }
            _ => {}
        }
    }

    fn is_of_another_account(&self, owner: Owner, stack: usize) -> bool {
        matches!(owner, Owner::Stack(before) if self.stacks[before].account != self.stacks[stack].account)
    }

    /// Whether a record is of a stack that is gone, and had the name of this one.
    fn is_left_to(&self, owner: Owner, stack: usize) -> bool {
        let name = |stack: usize| self.stacks[stack].id.rsplit_once('/').map(|(name, _)| name);
        match owner {
            Owner::Stack(before) => {
                before != stack && self.stacks[before].gone && name(before) == name(stack)
            }
            Owner::Stranger => false,
        }
    }

    fn touched(&mut self, made: u64, stack: usize, how: String) {
        let began = self.stacks[stack].began.unwrap_or_default();
        if self.history.vendor.published_only && made >= began {
            self.nobody_can_know(Unknowable::DoubleWithoutMarker, how);
        } else {
            self.violated(Promise::NothingOfOthersIsTouched, how);
        }
    }

    fn learn(&mut self, by: By, id: &str, request: &ApiRequest, response: &ApiResponse) {
        let now = self.now();
        if let By::Run(stack, asked, run) = by {
            let of = &mut self.stacks[stack];
            match request.method.as_str() {
                "GET" => of.requests[asked].runs[run].looks_at(&response.body, now),
                "PATCH" => {
                    of.written_over_late |= of.has_overtaken(asked, of.requests[asked].amended);
                }
                _ => {}
            }
        }
        let owner = match by {
            By::Run(stack, ..) => Owner::Stack(stack),
            By::Stranger => Owner::Stranger,
        };
        match request.method.as_str() {
            "POST" => {
                let id = response.body["id"].as_str().unwrap_or_default();
                let name = response.body["integrationName"]
                    .as_str()
                    .unwrap_or_default();
                if self.ledger.get(id).is_none() {
                    self.ledger.made(id, owner, name, now);
                }
            }
            "DELETE" => {
                if let Some(entry) = self.ledger.get_mut(id) {
                    entry.live = false;
                }
            }
            "PATCH" => self.learn_of_a_mark(by, id, request, response),
            _ => {}
        }
    }

    /// A record was amended, and bears this mark from now on.
    fn learn_of_a_mark(&mut self, by: By, id: &str, request: &ApiRequest, response: &ApiResponse) {
        let now = self.now();
        let body = request.body.as_ref().unwrap_or(&Value::Null);
        let mark = marked(body)
            .filter(|_| !self.history.vendor.published_only)
            .map(|(stack, released)| (self.stack_of(stack), released));
        let is_left = match (self.ledger.get(id), mark) {
            (Some(entry), Some((Some(marked), _))) => self.is_left_to(entry.owner, marked),
            _ => false,
        };
        let (left, looked) = match by {
            By::Run(stack, asked, run) => {
                let of = &self.stacks[stack].requests[asked];
                (of.amended, of.runs[run].looked_at(id))
            }
            By::Stranger => (now, now),
        };
        let Some(entry) = self.ledger.get_mut(id) else {
            return;
        };
        if let Some(name) = response.body["integrationName"].as_str() {
            name.clone_into(&mut entry.name);
        }
        let Some((Some(marked), released)) = mark else {
            return;
        };
        let changes_hands = entry.owner != Owner::Stack(marked);
        if (entry.released || is_left) && changes_hands && !released {
            if let Owner::Stack(before) = entry.owner {
                entry.kept_by = Some(before);
            }
            entry.owner = Owner::Stack(marked);
            entry.taken_over_at = Some(now);
        } else if changes_hands
            && (released
                || entry.taken_at.is_some()
                || entry.is_contested(now)
                || entry.was_taken_over_meanwhile(looked, left))
        {
            entry.owner = Owner::Stack(marked);
            entry.kept_by = None;
        }
        if released && !entry.released {
            entry.released_at = now;
        }
        entry.marked_again = !released
            && (entry.marked_again || entry.released && entry.was_released_meanwhile(looked, left));
        let is_marked_again = !released && entry.released && !changes_hands;
        // What was so of it is over.
        entry.unknowable &= !released && !changes_hands;
        entry.released = released;
        if is_marked_again
            && let By::Run(stack, asked, run) = by
            && let of = &self.stacks[stack].requests[asked]
            && of.runs[run].wrote_untold
            && let Some(why) = of.was_not_told(&of.runs[run])
        {
            entry.unknowable = true;
            self.nobody_can_know(why, format!("stack {stack} has {id} again"));
        }
    }

    /// [`Promise::OneStackOneRecord`].
    fn at_most_one_record(&mut self, stack: usize, asked: usize) {
        let records: Vec<String> = self
            .ledger
            .of(stack)
            .filter(|(id, entry)| !entry.meddled && !self.stacks[stack].was_left_by_the_admin(id))
            .map(|(id, _)| id.clone())
            .collect();
        if records.len() < 2 {
            return;
        }
        for id in &records {
            if let Some(entry) = self.ledger.get_mut(id) {
                // Said once.
                entry.meddled = true;
            }
        }
        let how = format!("stack {stack} has {}", records.join(" and "));
        let now = self.now();
        // A run that ended while the request of the other was under way counts.
        let at_once = |ran: &&Ran| ran.until.is_none_or(|until| until + 20_000 > now);
        let of = &self.stacks[stack];
        let runs = of.requests.iter().flat_map(|asked| &asked.runs);
        let twins = runs.filter(at_once).count() > 1;
        let is_late = of.has_overtaken(asked, of.requests[asked].registered);
        if self.history.vendor.published_only && twins {
            for id in &records {
                if let Some(entry) = self.ledger.get_mut(id) {
                    entry.unknowable = true;
                }
            }
            self.nobody_can_know(Unknowable::TwinsWithoutMarker, how);
        } else if is_late {
            self.nobody_can_know(Unknowable::SlowerThanALaterRequest, how);
        } else {
            self.violated(Promise::OneStackOneRecord, how);
        }
    }

    /// Takes out of a list what was made a moment ago.
    pub fn hide_the_newest(&self, list: &mut Value) {
        let now = self.now();
        let is_old = |app: &Value| {
            let id = app["id"].as_str().unwrap_or_default();
            self.ledger
                .get(id)
                .is_none_or(|entry| entry.made + LIST_IS_LATE <= now)
        };
        if let Some(apps) = list["data"].as_array_mut() {
            apps.retain(is_old);
        }
    }
}
