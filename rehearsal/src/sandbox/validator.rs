//! Who validates an app's role.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};

use super::model::{AppConfig, Validation};

/// The outcome of a validation, some time later.
pub type Validating = Pin<Box<dyn Future<Output = Validation> + Send>>;

/// Finds out whether the role of an app can be used.
pub trait Validator: Send + Sync {
    /// Starts a validation.
    fn validate(&self, config: &AppConfig) -> Validating;
}

/// The apps that a valid configuration connects.
pub fn connected_apps(config: &AppConfig) -> Vec<String> {
    let mut apps = vec!["AWS".to_owned()];
    if config.include_identity_center {
        apps.push("AWS SSO".to_owned());
    }
    apps
}

/// Finds every role good, at once.
#[derive(Clone, Copy, Debug)]
pub struct AlwaysEnabled;

impl Validator for AlwaysEnabled {
    fn validate(&self, config: &AppConfig) -> Validating {
        let connected_apps = connected_apps(config);
        Box::pin(async move { Validation::Enabled { connected_apps } })
    }
}

/// Finds fault a number of times, then every role good.
#[derive(Debug)]
pub struct Failing {
    left: Mutex<Option<u32>>,
    last_error: &'static str,
}

impl Failing {
    /// Fails so many times.
    pub fn times(times: u32, last_error: &'static str) -> Self {
        Self {
            left: Mutex::new(Some(times)),
            last_error,
        }
    }

    /// Fails for ever.
    pub fn always(last_error: &'static str) -> Self {
        Self {
            left: Mutex::new(None),
            last_error,
        }
    }

    fn fails_now(&self) -> bool {
        let mut left = self.left.lock().expect("nobody panics with the lock held");
        match &mut *left {
            None => true,
            Some(0) => false,
            Some(times) => {
                *times -= 1;
                true
            }
        }
    }
}

impl Validator for Failing {
    fn validate(&self, config: &AppConfig) -> Validating {
        if !self.fails_now() {
            return AlwaysEnabled.validate(config);
        }
        let last_error = self.last_error.to_owned();
        Box::pin(async move { Validation::Failed { last_error } })
    }
}

/// What a [`Wavering`] validator does before it asks the one behind it.
#[derive(Clone, Debug, Default)]
pub enum Waver {
    /// Nothing else.
    #[default]
    Steady,
    /// Finds fault with so many roles.
    Fail(u32),
    /// Finds fault with every role.
    FailAlways,
    /// Never comes to an end.
    NeverEnd,
}

/// The last error of a validation that was told to fail.
const WAVERS: &str = "the role cannot be assumed, says the sandbox";

/// A validator that can be told to err, and otherwise asks another one.
pub struct Wavering {
    behind: Arc<dyn Validator>,
    waver: Mutex<Waver>,
}

impl Wavering {
    /// Asks `behind` until it is told something else.
    pub fn before(behind: Arc<dyn Validator>) -> Self {
        Self {
            behind,
            waver: Mutex::default(),
        }
    }

    /// From the next validation on.
    pub fn set(&self, waver: Waver) {
        *self.waver.lock().expect("nobody panics with the lock held") = waver;
    }
}

/// Finds every role good until it is told something else.
impl Default for Wavering {
    fn default() -> Self {
        Self::before(Arc::new(AlwaysEnabled))
    }
}

impl Validator for Wavering {
    fn validate(&self, config: &AppConfig) -> Validating {
        let mut waver = self.waver.lock().expect("nobody panics with the lock held");
        match &mut *waver {
            Waver::Steady | Waver::Fail(0) => self.behind.validate(config),
            Waver::Fail(times) => {
                *times -= 1;
                Failing::always(WAVERS).validate(config)
            }
            Waver::FailAlways => Failing::always(WAVERS).validate(config),
            Waver::NeverEnd => NeverEnding.validate(config),
        }
    }
}

/// Never comes to an end.
#[derive(Clone, Copy, Debug)]
pub struct NeverEnding;

impl Validator for NeverEnding {
    fn validate(&self, _: &AppConfig) -> Validating {
        Box::pin(std::future::pending())
    }
}
