//! Builds and fetches what a command needs, all at once, and says how far it is.

use std::env;
use std::ffi::OsString;
use std::fmt::Write as _;
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ExitCode};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread;
use std::time::{Duration, Instant};

use crate::build::{self, Build, FUNCTION};
use crate::command::Command;
use crate::failure::Failure;
use crate::installation::{Installation, Tools};
use crate::progress::Said;

/// How often the line is drawn.
const TICK: Duration = Duration::from_millis(120);

/// What takes longer is told when it is over.
const WORTH_TELLING: Duration = Duration::from_secs(3);

/// How far a build is that cannot begin.
const WAITS: &str = "waits";

/// What one of the preparations has to say.
enum News {
    /// Cargo said something.
    Said(usize, Said),
    /// It is over.
    Over(usize, Result<(), Failure>),
}

/// One of the things that go on.
struct Part {
    what: &'static str,
    is_built: bool,
    how_far: String,
    over: bool,
    told: Vec<String>,
}

/// Everything that goes on, and where the line about it is drawn.
struct Board {
    parts: Vec<Part>,
    began: Instant,
    is_terminal: bool,
}

/// Prepares everything that the command needs when it is called with these words, and
/// tells where its program is.
///
/// # Errors
/// The first thing that fails; the others are ended.
pub fn prepare(command: Command, words: &[OsString]) -> Result<PathBuf, Failure> {
    let launcher = env::current_exe().unwrap_or_default();
    let program = command.program(&launcher);
    let needs = command.needs(words);
    // The function needs fewer packages: while it is compiled the others are downloaded,
    // and only one cargo at a time downloads.
    let mut builds = Vec::from_iter(needs.function.then_some(FUNCTION));
    builds.push(command.build());
    let fetches = needs.engine && !Installation::is_present(Tools::Engine);
    let mut board = Board::new(&builds, fetches);
    if !program.exists() {
        board.say(&first_time(&builds, fetches));
    }
    board.draw();

    let (news, arriving) = mpsc::channel();
    let mut children = Vec::new();
    if fetches {
        let (news, place) = (news.clone(), builds.len());
        // Not waited for where something else fails: it ends with this process.
        thread::spawn(move || {
            let fetched = Installation::ensure(Tools::Engine);
            let over = fetched.map(drop).map_err(Failure::Installation);
            // Nobody listens any more when something else has failed.
            let _ = news.send(News::Over(place, over));
        });
    }
    for (place, build) in builds.iter().enumerate() {
        children.push(start(place, build, news.clone())?);
    }
    drop(news);
    let done = board.follow(&arriving, &mut children);
    board.clear();
    if done.is_err() {
        for child in &mut children {
            // It may have ended by itself.
            let _ = child.kill().and_then(|()| child.wait());
        }
    }
    done?;
    board.conclude();
    Ok(program)
}

/// Becomes the program, or runs it to its end where no process can become another one.
///
/// # Errors
/// It cannot be run.
pub fn become_it(program: &Path, words: &[OsString]) -> Result<ExitCode, Failure> {
    let mut command = std::process::Command::new(program);
    command.args(words);
    #[cfg(unix)]
    let ended = Err(std::os::unix::process::CommandExt::exec(&mut command));
    #[cfg(not(unix))]
    let ended = command.status().map(|status| {
        let code = status.code().and_then(|code| u8::try_from(code).ok());
        code.map_or(ExitCode::FAILURE, ExitCode::from)
    });
    ended.map_err(|source| Failure::Program {
        path: program.to_owned(),
        source,
    })
}

/// Starts a build, whose news arrive until it is over.
fn start(place: usize, build: &Build, news: Sender<News>) -> Result<Child, Failure> {
    let mut child = build.start(root()).map_err(|source| Failure::NoCargo {
        cargo: build::cargo(),
        source,
    })?;
    let written = child.stderr.take();
    thread::spawn(move || {
        if let Some(written) = written {
            build::follow(written, |said| {
                let _ = news.send(News::Said(place, said));
            });
        }
        let _ = news.send(News::Over(place, Ok(())));
    });
    Ok(child)
}

/// What somebody wants to know who has never run this.
fn first_time(builds: &[Build], fetches: bool) -> String {
    let time = if builds.contains(&FUNCTION) {
        "4 minutes on two cores"
    } else {
        "some minutes"
    };
    let from = if fetches { ", 40 MB from PyPI" } else { "" };
    format!("The first time all is built: {time}{from}, 3 GB here.")
}

impl Board {
    fn new(builds: &[Build], fetches: bool) -> Self {
        let fetched = fetches.then_some(("local cloud", false));
        let built = builds.iter().map(|build| (build.what, true));
        let parts = built.chain(fetched);
        let part = |(what, is_built)| Part {
            what,
            is_built,
            how_far: String::new(),
            over: false,
            told: Vec::new(),
        };
        Self {
            parts: parts.map(part).collect(),
            began: Instant::now(),
            is_terminal: io::stderr().is_terminal(),
        }
    }

    /// Takes the news in until all is over, or the first thing fails.
    fn follow(
        &mut self,
        arriving: &mpsc::Receiver<News>,
        children: &mut [Child],
    ) -> Result<(), Failure> {
        while self.parts.iter().any(|part| !part.over) {
            match arriving.recv_timeout(TICK) {
                Ok(News::Said(place, said)) => self.parts[place].takes_in(said),
                Ok(News::Over(place, over)) => {
                    let part = &mut self.parts[place];
                    part.over = true;
                    over?;
                    if let Some(child) = children.get_mut(place)
                        && !child.wait().is_ok_and(|status| status.success())
                    {
                        return Err(Failure::Build {
                            what: part.what,
                            said: std::mem::take(&mut part.told),
                        });
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            self.draw();
        }
        Ok(())
    }

    /// The line as it is now, short enough for a narrow terminal.
    fn text(&self) -> String {
        // One of ours waits for the other one's downloads: that is no other cargo.
        let mut builds = self.parts.iter().filter(|part| part.is_built && !part.over);
        let all_wait = builds.clone().next().is_some() && builds.all(|part| part.how_far == WAITS);
        let mut text = if all_wait {
            "    another cargo builds:".to_owned()
        } else {
            "    getting ready:".to_owned()
        };
        for part in self.parts.iter().filter(|part| !part.over) {
            write!(text, " {} {},", part.what, part.how_far).expect("a text takes everything");
        }
        let text = text.replace(" ,", ",");
        let seconds = self.began.elapsed().as_secs();
        format!("{text} {}:{:02}", seconds / 60, seconds % 60)
    }

    fn draw(&self) {
        if self.is_terminal {
            // A terminal that went away is not written to any more.
            let _ = write!(io::stderr(), "\r\x1b[K{}", self.text());
        }
    }

    fn clear(&self) {
        if self.is_terminal {
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }

    fn say(&self, line: &str) {
        self.clear();
        let _ = writeln!(io::stderr(), "{line}");
    }

    /// What compilers warned of and, for who did not see the line, how long it took.
    fn conclude(&self) {
        for line in self.parts.iter().flat_map(|part| &part.told) {
            self.say(line);
        }
        let took = self.began.elapsed();
        if took > WORTH_TELLING && !self.is_terminal {
            let seconds = took.as_secs();
            self.say(&format!("Ready in {}:{:02}.", seconds / 60, seconds % 60));
        }
    }
}

impl Part {
    fn takes_in(&mut self, said: Said) {
        match said {
            Said::Built(done, all) => self.how_far = format!("{done}/{all}"),
            Said::Downloading => "downloads".clone_into(&mut self.how_far),
            Said::Waiting => WAITS.clone_into(&mut self.how_far),
            Said::Told(line) => self.told.push(line),
            Said::Routine => {}
        }
    }
}

/// The workspace that this was built in.
fn root() -> &'static Path {
    let member = Path::new(env!("CARGO_MANIFEST_DIR"));
    member.parent().unwrap_or(member)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_how_far_each_part_is() {
        let builds = [Command::Rehearse.build(), FUNCTION];
        let mut board = Board::new(&builds, true);
        assert_eq!(
            board.text(),
            "    getting ready: rehearse, function, local cloud, 0:00"
        );
        board.parts[0].takes_in(Said::Downloading);
        board.parts[1].takes_in(Said::Waiting);
        assert_eq!(
            board.text(),
            "    getting ready: rehearse downloads, function waits, local cloud, 0:00"
        );
        board.parts[0].takes_in(Said::Built(37, 412));
        board.parts[2].over = true;
        assert_eq!(
            board.text(),
            "    getting ready: rehearse 37/412, function waits, 0:00"
        );
        board.parts[0].takes_in(Said::Waiting);
        assert_eq!(
            board.text(),
            "    another cargo builds: rehearse waits, function waits, 0:00"
        );
    }

    /// A line that is longer than the terminal is wide stays when it is drawn anew.
    #[test]
    fn fits_into_a_terminal_of_eighty_columns_whatever_goes_on() {
        let said = [Said::Downloading, Said::Waiting, Said::Built(1000, 1000)];
        for command in [Command::Rehearse, Command::Simulate, Command::Xtask] {
            let mut board = Board::new(&[FUNCTION, command.build()], true);
            board.began -= Duration::from_secs(59 * 60);
            for (one, other) in said
                .iter()
                .flat_map(|one| said.iter().map(move |it| (one, it)))
            {
                board.parts[0].takes_in(one.clone());
                board.parts[1].takes_in(other.clone());
                assert!(board.text().len() < 80, "{}", board.text());
            }
        }
    }

    #[test]
    fn tells_a_newcomer_how_long_it_takes_and_what_it_needs() {
        let builds = [Command::Rehearse.build(), FUNCTION];
        let told = first_time(&builds, true);
        for part in ["4 minutes on two cores", "PyPI", "3 GB"] {
            assert!(told.contains(part), "{told}");
        }
        assert!(told.len() <= 80, "{told}");
        assert!(!first_time(&builds[..1], false).contains("PyPI"));
    }
}
