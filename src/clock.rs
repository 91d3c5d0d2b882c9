//! The wall clock, read once and carried on by `tokio`'s.

use std::time::{Duration, SystemTime};

use aws_smithy_async::time::TimeSource;
use tokio::time::Instant;

/// The time of day, as far as this invocation is concerned.
///
/// Wall clocks jump and a simulation has none, so it is read once, at the rim;
/// from there on time passes as `tokio` says.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    wall: SystemTime,
    anchor: Instant,
}

impl Clock {
    /// A clock that reads `wall` now.
    pub fn set(wall: SystemTime) -> Self {
        Self {
            wall,
            anchor: Instant::now(),
        }
    }

    /// The time of day.
    pub fn now(&self) -> SystemTime {
        self.wall + self.anchor.elapsed()
    }

    /// The moment on `tokio`'s clock at which it will be `wall`; now, if that
    /// is past.
    pub fn instant_at(&self, wall: SystemTime) -> Instant {
        self.anchor + wall.duration_since(self.wall).unwrap_or(Duration::ZERO)
    }
}

impl TimeSource for Clock {
    fn now(&self) -> SystemTime {
        Self::now(self)
    }
}
