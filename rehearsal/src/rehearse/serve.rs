//! `cargo rehearse serve`: the cloud and the sandbox stay up, and the screen
//! says what to try. Every command is ready to be copied into a shell.

use std::path::Path;

use crate::answer_bucket::{AnswerBucket, Verdict};
use crate::laptop::{ContainerHost, Desk, Laptop};

use super::parameters::Choice;
use super::rehearsal::Rehearsal;
use super::screen::Screen;
use super::setup_error::SetupError;
use super::template::Template;
use super::world::{REGION, STACK, World};

/// How many steps come before the commands.
pub(super) const STEPS: usize = 2;

/// Puts up what a function on a laptop needs, where containers reach it if
/// there is Docker, and writes the addresses beside the events.
pub(super) async fn open_desk(
    rehearsal: &Rehearsal<'_>,
    screen: &Screen,
) -> Result<Desk, SetupError> {
    let template = Template::read()?;
    let host = ContainerHost::find().await;
    if let Err(error) = &host {
        screen.line(&format!("Without containers: {error}\n"));
    }
    let laptop = Laptop::open(rehearsal.world(), &template, host.ok().as_ref()).await?;
    laptop.write_environment(&template.root().join("events"))?;
    Ok(Desk::open(laptop).await?)
}

/// Tells of every answer that arrives in the mailbox, for ever.
pub(super) async fn show_answers(mailbox: &AnswerBucket, screen: &Screen) {
    let mut shown = 0;
    loop {
        let answers = mailbox.more_than(shown).await;
        for answer in &answers[shown..] {
            let verdict = match &answer.verdict {
                Verdict::Accepted => "took",
                _ => "refused",
            };
            screen.line(&format!(
                "the mailbox {verdict}  {} {} {}",
                answer.text("Status"),
                answer.text("PhysicalResourceId"),
                answer.text("Reason")
            ));
        }
        shown = answers.len();
    }
}

/// Prints what to try while everything is up.
pub(super) fn show_what_to_try(rehearsal: &Rehearsal<'_>, laptop: &Laptop, screen: &Screen) {
    let world = rehearsal.world();
    let groups = [
        ("First, in the shell that you use", shell(world)),
        ("Create the stack", create(world, rehearsal.template())),
        ("Watch it", watch()),
        ("See what came of it", results()),
        ("Have Identity Center read as well", update(world)),
        ("Delete it", delete()),
        ("Ask the sandbox as the function does", ask(world)),
        (
            "Or run the function alone, with SAM in Docker",
            with_sam(laptop),
        ),
        ("Or without Docker", without_docker(laptop)),
    ];
    for (title, commands) in groups {
        screen.heading(title);
        for command in commands {
            screen.note(&command);
        }
        screen.line("");
    }
    screen.heading("Look at what the vendor has");
    screen.note(&format!("http://{}/", world.sandbox.address()));
    screen.line("");
    screen.line("Token and external id are made up for this run. Ctrl-C ends everything.");
}

/// The AWS CLI's way to the engine, and away from any real account.
fn shell(world: &World) -> Vec<String> {
    vec![
        "unset AWS_PROFILE AWS_SESSION_TOKEN".to_owned(),
        format!("export AWS_ENDPOINT_URL=http://{}", world.engine.address()),
        format!(
            "export AWS_ACCESS_KEY_ID={} AWS_SECRET_ACCESS_KEY=any",
            world.account.id()
        ),
        format!("export AWS_REGION={REGION} AWS_DEFAULT_REGION={REGION} AWS_PAGER=''"),
        "export NO_PROXY=127.0.0.1".to_owned(),
    ]
}

fn create(world: &World, template: &Path) -> Vec<String> {
    let template = quoted(&format!("file://{}", template.display()));
    let mut command = on_the_stack("create-stack");
    command.push(format!("--template-body {template}"));
    command.push("--capabilities CAPABILITY_NAMED_IAM".to_owned());
    command.extend(parameters(&Choice::default(), world));
    over_lines(&command)
}

fn update(world: &World) -> Vec<String> {
    let choice = Choice {
        owner: "owner@example.com",
        identity_center: true,
        ..Choice::default()
    };
    let mut command = on_the_stack("update-stack");
    command.push("--use-previous-template".to_owned());
    command.push("--capabilities CAPABILITY_NAMED_IAM".to_owned());
    command.extend(parameters(&choice, world));
    over_lines(&command)
}

fn watch() -> Vec<String> {
    let mut events = on_the_stack("describe-stack-events");
    let columns = "[Timestamp,ResourceStatus,LogicalResourceId,ResourceStatusReason]";
    events.push(format!("--output text --query 'StackEvents[].{columns}'"));
    over_lines(&events)
}

fn results() -> Vec<String> {
    let mut outputs = on_the_stack("describe-stacks");
    outputs.push("--output table --query 'Stacks[0].Outputs'".to_owned());
    let log = [
        format!("aws logs filter-log-events --log-group-name /aws/lambda/{STACK}-registrar"),
        "--output text --query 'events[].[message]'".to_owned(),
    ];
    let mut commands = over_lines(&outputs);
    commands.extend(over_lines(&log));
    commands
}

fn delete() -> Vec<String> {
    over_lines(&on_the_stack("delete-stack"))
}

fn ask(world: &World) -> Vec<String> {
    let sandbox = world.sandbox.address();
    let token = quoted(&format!("Authorization: {}", world.token()));
    vec![
        format!("curl http://{sandbox}/is_alive"),
        format!("curl -H {token} http://{sandbox}/me"),
        format!("curl -H {token} http://{sandbox}/v2/apps"),
    ]
}

fn with_sam(laptop: &Laptop) -> Vec<String> {
    let mut commands = for_sam(laptop);
    commands.push("sam build".to_owned());
    commands.push("cargo rehearse event create > event.json".to_owned());
    commands.extend(over_lines(&[
        "sam local invoke RegistrarFunction --event event.json".to_owned(),
        "--env-vars events/env.json".to_owned(),
    ]));
    commands
}

fn without_docker(laptop: &Laptop) -> Vec<String> {
    let mut commands = for_sam(laptop);
    commands.extend(over_lines(&[
        "cargo lambda watch --bin bootstrap --ignore-changes".to_owned(),
        "--invoke-address 127.0.0.1 --env-file events/local.env &".to_owned(),
    ]));
    commands.push("cargo rehearse event create > event.json".to_owned());
    commands.push("cargo lambda invoke bootstrap --data-file event.json".to_owned());
    commands
}

/// The account that SAM plays, and that the events name.
fn for_sam(laptop: &Laptop) -> Vec<String> {
    let words = laptop
        .account()
        .map(|(name, value)| format!("{name}={value}"));
    vec![format!("export {}", words.join(" "))]
}

fn on_the_stack(operation: &str) -> Vec<String> {
    vec![format!(
        "aws cloudformation {operation} --stack-name {STACK}"
    )]
}

/// The parameters of a choice that are not the template's own.
fn parameters(choice: &Choice, world: &World) -> Vec<String> {
    let stack = choice.stack(world, "");
    let given = stack
        .parameters
        .iter()
        .filter(|(_, value)| !value.is_empty());
    let mut parts = vec!["--parameters".to_owned()];
    parts.extend(given.map(|(name, value)| {
        let parameter = format!("ParameterKey={name},ParameterValue={value}");
        format!("  {}", quoted(&parameter))
    }));
    parts
}

/// One command over several lines, as a shell reads them.
fn over_lines(parts: &[String]) -> Vec<String> {
    let last = parts.len().saturating_sub(1);
    parts
        .iter()
        .enumerate()
        .map(|(index, part)| {
            let indent = if index == 0 { "" } else { "  " };
            let end = if index == last { "" } else { " \\" };
            format!("{indent}{part}{end}")
        })
        .collect()
}

/// A word that a shell takes as it is.
fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_whatever_a_path_may_hold() {
        assert_eq!(quoted("file:///it's a $PATH"), r"'file:///it'\''s a $PATH'");
    }

    #[test]
    fn ends_every_line_of_a_command_but_the_last_with_a_backslash() {
        let parts = ["aws a".to_owned(), "--b".to_owned(), "--c".to_owned()];
        assert_eq!(over_lines(&parts), ["aws a \\", "  --b \\", "  --c"]);
    }
}
