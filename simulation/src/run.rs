//! One history, from its beginning until all is at rest.

use std::cell::RefCell;
use std::panic;
use std::sync::{Arc, Once};
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};
use tracing::level_filters::LevelFilter;

use crate::coverage::Coverage;
use crate::schedule::History;
use crate::violation::{Promise, Unknowable, Violation};
use crate::world::World;
use crate::{bucket, cloudformation, log, stranger};

/// One history in so many is run at the log level TRACE, the others at WARN. The lines
/// of all are searched for secrets, and every request of those.
pub const TRACED: u64 = 50;

/// Within so long after the last fault everything is at rest.
const REST: Duration = Duration::from_secs(1800);

/// What became of a history.
#[derive(Debug)]
pub struct Outcome {
    /// The seed.
    pub seed: u64,
    /// Lives of stacks in it.
    pub lifecycles: u64,
    /// The hash of everything that happened.
    pub hash: String,
    /// Everything that happened, if it was to be told.
    pub story: Vec<String>,
    /// What was promised and not kept.
    pub violations: Vec<Violation>,
    /// What nobody can know.
    pub unknowable: Vec<(Unknowable, String)>,
    /// How often each thing happened.
    pub coverage: Coverage,
}

/// The collectors of log lines, made once for a thread.
#[derive(Debug)]
pub struct Collectors {
    quiet: tracing::Dispatch,
    traced: tracing::Dispatch,
}

impl Default for Collectors {
    fn default() -> Self {
        Self {
            quiet: log::collector(LevelFilter::WARN),
            traced: log::collector(LevelFilter::TRACE),
        }
    }
}

/// Runs a history. `told` keeps its story, and the log at the level TRACE.
///
/// # Panics
/// No runtime can be made.
pub fn run(history: &History, told: bool, collectors: &Collectors) -> Outcome {
    let traced = told || history.seed.is_multiple_of(TRACED);
    let dispatch = if traced {
        &collectors.traced
    } else {
        &collectors.quiet
    };
    notice_panics();
    tracing::dispatcher::with_default(dispatch, || run_collected(history, told))
}

thread_local! {
    /// What panicked on this thread. The handler answers its own panics, so nobody else
    /// sees them; those that the simulation asks for do not come here.
    static PANICS: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

fn notice_panics() {
    static NOTICED: Once = Once::new();
    NOTICED.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |panic| {
            before(panic);
            PANICS.with(|panics| panics.borrow_mut().push(panic.to_string()));
        }));
    });
}

fn run_collected(history: &History, told: bool) -> Outcome {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime without sockets needs nothing that could lack");
    let history = Arc::new(history.clone());
    let (world, lines) = runtime.block_on(live(&history, told));
    drop(runtime);
    let mut state = world.end();
    state.check_secrets(&lines);
    state.check_the_end(&lines);
    for panic in PANICS.with(RefCell::take) {
        state.violated(Promise::NoPanic, panic);
    }
    for line in &lines {
        state.trace.quote(line.at, &line.text);
    }
    let (hash, story) = state.trace.end();
    Outcome {
        seed: history.seed,
        lifecycles: history.stacks.len() as u64,
        hash,
        story,
        violations: state.violations,
        unknowable: state.unknowable,
        coverage: state.coverage,
    }
}

/// Everything that happens.
async fn live(history: &Arc<History>, told: bool) -> (World, Vec<log::Line>) {
    let start = Instant::now();
    let world = World::new(Arc::clone(history), told);
    let mut lives = JoinSet::new();
    for (stack, plan) in history.stacks.iter().enumerate() {
        if plan.after.is_none() {
            lives.spawn(cloudformation::live(world.clone(), stack));
        }
    }
    lives.spawn(stranger::act(world.clone()));
    while let Some(ended) = lives.join_next().await {
        if let Err(error) = ended {
            world.lock().violated(
                Promise::NoPanic,
                format!("the model itself failed: {error}"),
            );
        }
    }
    sleep(REST).await;
    (world, log::take(start))
}

impl crate::world::State {
    /// [`Promise::NoSecretLeaves`], for log lines.
    fn check_secrets(&mut self, lines: &[log::Line]) {
        let texts: Vec<&str> = lines.iter().map(|line| line.text.as_str()).collect();
        self.coverage
            .branch("checks", "log lines searched for secrets");
        for leak in bucket::leaks("log line", &texts) {
            self.violated(Promise::NoSecretLeaves, leak);
        }
    }
}
