//! What cargo says while it builds, in a few words.
//!
//! Cargo draws its bar for people; here it is asked to draw it into a pipe
//! (<https://doc.rust-lang.org/cargo/reference/config.html#termprogresswhen>). A line that
//! is not understood costs a figure on the screen and nothing else.

/// The words that cargo begins a line with which tells of no problem.
const ROUTINE: [&str; 14] = [
    "Adding",
    "Blocking",
    "Building",
    "Checking",
    "Compiling",
    "Downloaded",
    "Downloading",
    "Fetch",
    "Finished",
    "Fresh",
    "Locking",
    "Running",
    "Unpacking",
    "Updating",
];

/// One piece of what cargo wrote, between two ends of line or carriage returns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// So many of so many steps of the build are done.
    Built(u32, u32),
    /// Packages or their list are on their way.
    Downloading,
    /// Another cargo builds in the same folder.
    Waiting,
    /// A line of no importance.
    Routine,
    /// A warning, an error, or a part of one.
    Told(String),
}

impl Said {
    /// What a piece means.
    #[must_use]
    pub fn of(piece: &str) -> Self {
        let text = piece.trim();
        let first = text.split([' ', '[']).next().unwrap_or_default();
        match first {
            "Building" => counted(text).map_or(Self::Routine, |(done, all)| Self::Built(done, all)),
            "Blocking" => Self::Waiting,
            "Downloading" | "Fetch" | "Updating" => Self::Downloading,
            // What a compiler says of a line of ours begins elsewhere or with other words.
            _ if piece.starts_with(' ') && ROUTINE.contains(&first) => Self::Routine,
            _ if text.is_empty() => Self::Routine,
            _ => Self::Told(piece.trim_end().to_owned()),
        }
    }
}

/// The two figures in `Building [===>   ] 37/412: names`.
fn counted(text: &str) -> Option<(u32, u32)> {
    let figures = text.split("] ").nth(1)?.split([':', ' ']).next()?;
    let (done, all) = figures.split_once('/')?;
    Some((done.parse().ok()?, all.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_cargos_bar() {
        let bar = "    Building [=====>                   ] 37/412: aws-sdk-iam, syn(build.rs)";
        assert_eq!(Said::of(bar), Said::Built(37, 412));
        assert_eq!(Said::of("    Building [>  ] 0/1"), Said::Built(0, 1));
        assert_eq!(Said::of("    Building in some other way"), Said::Routine);
    }

    #[test]
    fn tells_what_is_routine_from_what_is_not() {
        for (piece, said) in [
            (
                " Downloading [====>  ] 3 crates, remaining bytes: 1.2MB",
                Said::Downloading,
            ),
            ("    Updating crates.io index", Said::Downloading),
            (
                "    Blocking waiting for file lock on build directory",
                Said::Waiting,
            ),
            ("   Compiling serde v1.0.229", Said::Routine),
            ("", Said::Routine),
            (
                "error: linker `cc` not found",
                Said::Told("error: linker `cc` not found".to_owned()),
            ),
            (
                "  --> src/lib.rs:1:1",
                Said::Told("  --> src/lib.rs:1:1".to_owned()),
            ),
        ] {
            assert_eq!(Said::of(piece), said, "{piece}");
        }
    }
}
