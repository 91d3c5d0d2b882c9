//! One stack from its creation to its deletion, with a kill in it, told as
//! CloudFormation and Lambda would go on, and judged from outside.

use std::path::Path;

use serde_json::Value;
use time::Duration;

use super::conversation;
use super::fate::Fate;
use super::judgement::{self, id_of, status_of};
use super::point::Point;
use super::stage::{Sent, Stage};
use super::tracer::Trace;
use crate::aws_desk::Stack;
use crate::faults::Request;
use crate::rehearse::SetupError;

/// The id that CloudFormation makes up where a Create was never answered.
const INVENTED: &str = "Authomize-Trust-Role-AuthomizeIntegration-1ABCDEF23GHIJ";

const NAME: &str = "AWS 123456789012";
const RENAMED: &str = "Renamed";

/// What came of one kill.
#[derive(Clone, Debug)]
pub(super) struct Told {
    pub(super) killed: bool,
    /// Whether the run after it was killed at the same point, too.
    pub(super) killed_again: bool,
    /// What the vendor had been asked when the function was killed.
    pub(super) vendor_calls: Vec<String>,
    /// Every point that the process came to.
    pub(super) points: Vec<Point>,
    /// In a few words, where the stack stood before it was deleted.
    pub(super) outcome: String,
    pub(super) broken: Vec<String>,
}

/// Tells the story of a life without a kill: which points it has.
pub(super) async fn undisturbed(binary: &Path, life: Request) -> Result<Told, SetupError> {
    let mut told = tell(binary, life, None).await?;
    // A life ends when the next event is asked for; what comes after may be seen
    // or not.
    told.points
        .retain(|point| !conversation::is_after_the_life(point));
    Ok(told)
}

/// Tells the story of a life with a kill at `point`.
pub(super) async fn with_a_kill(
    binary: &Path,
    life: Request,
    point: &Point,
    fate: Fate,
) -> Result<Told, SetupError> {
    tell(binary, life, Some((point, fate))).await
}

async fn tell(
    binary: &Path,
    life: Request,
    kill: Option<(&Point, Fate)>,
) -> Result<Told, SetupError> {
    let mut story = Story {
        stage: Stage::set(binary).await?,
        life,
        recorded: None,
        requests: Vec::new(),
        given_up: false,
        killed_again: false,
        broken: Vec::new(),
    };
    if life != Request::Create {
        story.create().await?;
    }
    story.stage.sandbox.clear_requests();
    let request = story.request();
    let trace = story
        .first_run(&request, kill.map(|(point, _)| point))
        .await?;
    let vendor_calls = story.vendor_calls();
    if let Some((point, fate)) = kill.filter(|_| trace.killed) {
        let misses = judgement::of_the_kill(point, vendor_calls.len());
        story.broken.extend(misses);
        story.goes_on(&request, point, fate).await?;
    }
    let outcome = story.concludes(&request).await?;
    let answers = judgement::of_the_answers(&story.stage, &story.requests);
    story.broken.extend(answers);
    story.broken.extend(story.stage.never());
    Ok(Told {
        killed: trace.killed,
        killed_again: story.killed_again,
        vendor_calls,
        points: trace.points,
        outcome,
        broken: story.broken,
    })
}

struct Story {
    stage: Stage,
    life: Request,
    /// The id that CloudFormation has for the resource.
    recorded: Option<String>,
    /// The requests that were let come to an end.
    requests: Vec<&'static str>,
    /// Whether CloudFormation gave the request of the life up.
    given_up: bool,
    /// Whether a second run was killed where the first one was.
    killed_again: bool,
    broken: Vec<String>,
}

impl Story {
    /// The Create before the life, without a kill.
    async fn create(&mut self) -> Result<(), SetupError> {
        let request = Sent {
            kind: "Create",
            id: "create-before",
            physical_id: None,
            name: NAME,
            old_name: NAME,
        };
        self.stage.desk.stacks([Stack::creating()]);
        self.lets_end(&request, Duration::ZERO).await?;
        self.recorded = self.believed(&request).map(|answer| id_of(&answer));
        Ok(())
    }

    /// The request during which the function is killed.
    fn request(&self) -> Sent {
        let (id, name) = match self.life {
            Request::Create => ("create", NAME),
            Request::Update => ("update", RENAMED),
            Request::Delete => ("delete", NAME),
        };
        Sent {
            kind: self.life.word(),
            id,
            physical_id: self.recorded.clone(),
            name,
            old_name: NAME,
        }
    }

    async fn first_run(
        &mut self,
        request: &Sent,
        point: Option<&Point>,
    ) -> Result<Trace, SetupError> {
        self.cloudformation_waits();
        let event = self.stage.event(request, Duration::ZERO);
        let trace = self.stage.run_followed(&event, point).await?;
        if !trace.killed {
            self.requests.push(request.id);
        }
        Ok(trace)
    }

    /// What CloudFormation shows while it waits for the request of the life.
    fn cloudformation_waits(&self) {
        let recorded = self.recorded.as_deref().unwrap_or_default();
        self.stage.desk.stacks([match self.life {
            Request::Create => Stack::creating(),
            Request::Update => Stack::updating(recorded),
            Request::Delete => Stack::deleting(recorded),
        }]);
    }

    /// What CloudFormation shows once it has an answer to the request.
    fn cloudformation_has_heard(&self, answer: &Value) {
        let id = id_of(answer);
        self.stage.desk.stacks([match self.life {
            Request::Create => Stack::is("CREATE_IN_PROGRESS", "CREATE_COMPLETE", &id),
            Request::Update => Stack::is("UPDATE_IN_PROGRESS", "UPDATE_COMPLETE", &id),
            Request::Delete => Stack::is("DELETE_IN_PROGRESS", "DELETE_COMPLETE", &id),
        }]);
    }

    async fn goes_on(
        &mut self,
        request: &Sent,
        point: &Point,
        fate: Fate,
    ) -> Result<(), SetupError> {
        let heard = self.believed(request);
        if let Some(answer) = &heard {
            self.cloudformation_has_heard(answer);
            self.requests.push(request.id);
        }
        match fate {
            Fate::AtOnce => self.lets_end(request, Duration::ZERO).await,
            Fate::AfterAMinute => self.lets_end(request, Duration::MINUTE).await,
            Fate::KilledTwice => {
                let again = self.stage.event(request, Duration::MINUTE);
                let second = self.stage.run_followed(&again, Some(point)).await?;
                self.killed_again = second.killed;
                if let Some(answer) = self.believed(request) {
                    self.cloudformation_has_heard(&answer);
                }
                self.lets_end(request, Duration::MINUTE * 3).await
            }
            Fate::GivenUp if heard.is_none() => self.is_given_up(request).await,
            Fate::GivenUp => Ok(()),
            Fate::TooLate => {
                if heard.is_none() {
                    self.is_given_up(request).await?;
                } else if self.life == Request::Create {
                    self.is_deleted().await?;
                }
                let late = self.stage.event(request, Duration::MINUTE * 3);
                self.stage.run(&late).await?;
                Ok(())
            }
        }
    }

    /// CloudFormation never had an answer: it goes back to where it was. A Delete
    /// that failed is asked for once more by the admin.
    async fn is_given_up(&mut self, request: &Sent) -> Result<(), SetupError> {
        self.given_up = true;
        let recorded = self.recorded.clone().unwrap_or_default();
        match self.life {
            Request::Create => {
                self.recorded = Some(INVENTED.to_owned());
                self.is_deleted().await
            }
            Request::Update => {
                let back = Sent {
                    id: "update-back",
                    name: request.old_name,
                    old_name: request.name,
                    ..request.clone()
                };
                let phase = "UPDATE_ROLLBACK_IN_PROGRESS";
                let desk = &self.stage.desk;
                desk.stacks([Stack::is(phase, "UPDATE_IN_PROGRESS", &recorded)]);
                self.lets_end(&back, Duration::ZERO).await?;
                let desk = &self.stage.desk;
                desk.stacks([Stack::is(
                    "UPDATE_ROLLBACK_COMPLETE",
                    "UPDATE_COMPLETE",
                    &recorded,
                )]);
                Ok(())
            }
            Request::Delete => self.is_deleted().await,
        }
    }

    /// Deletes the stack with the id that CloudFormation has.
    async fn is_deleted(&mut self) -> Result<(), SetupError> {
        let Some(id) = self.recorded.take() else {
            return Ok(());
        };
        let phase = match &*id {
            INVENTED => "ROLLBACK_IN_PROGRESS",
            _ => "DELETE_IN_PROGRESS",
        };
        let desk = &self.stage.desk;
        desk.stacks([Stack::is(phase, "DELETE_IN_PROGRESS", &id)]);
        let last = Sent {
            kind: "Delete",
            id: "delete-at-last",
            physical_id: Some(id.clone()),
            name: self.name(),
            old_name: NAME,
        };
        self.lets_end(&last, Duration::ZERO).await?;
        let desk = &self.stage.desk;
        desk.stacks([Stack::is(phase, "DELETE_COMPLETE", &id)]);
        self.must_have(&[]);
        Ok(())
    }

    /// Looks at the stack at rest, then deletes what is left of it.
    async fn concludes(&mut self, request: &Sent) -> Result<String, SetupError> {
        let heard = self.believed(request).filter(|_| !self.given_up);
        let outcome = match &heard {
            Some(answer) => format!("{} {}", request.kind, status_of(answer)),
            None => format!("{} given up", request.kind),
        };
        let is_gone = self.requests.contains(&"delete-at-last");
        if let Some(answer) = heard.filter(|_| self.life != Request::Delete && !is_gone) {
            self.recorded = Some(id_of(&answer));
        }
        match (self.life, &self.recorded) {
            (Request::Delete, _) | (_, None) => self.must_have(&[]),
            (Request::Create | Request::Update, Some(_)) => self.must_have(&[self.name()]),
        }
        if self.life != Request::Delete {
            self.is_deleted().await?;
        }
        self.must_have(&[]);
        Ok(outcome)
    }

    /// The name that the stack at rest has given.
    fn name(&self) -> &'static str {
        let renamed = self.life == Request::Update && !self.requests.contains(&"update-back");
        if renamed { RENAMED } else { NAME }
    }

    fn must_have(&mut self, names: &[&str]) {
        let broken = judgement::of_the_records(&self.stage, names);
        self.broken.extend(broken);
    }

    /// Runs a request in a new process to its end.
    async fn lets_end(&mut self, request: &Sent, ago: Duration) -> Result<(), SetupError> {
        let event = self.stage.event(request, ago);
        self.stage.run(&event).await?;
        self.requests.push(request.id);
        Ok(())
    }

    /// The answer that CloudFormation goes by.
    fn believed(&self, request: &Sent) -> Option<Value> {
        let first = self.stage.answers(request.id).into_iter().next();
        first.map(|answer| answer.json)
    }

    fn vendor_calls(&self) -> Vec<String> {
        let requests = self.stage.sandbox.requests();
        requests
            .iter()
            .map(|request| format!("{} {}", request.method, request.path))
            .collect()
    }
}
