//! What a tool that is started here must not inherit.

use std::process::Command;

/// Keeps from a tool the user's AWS account, and what `cargo run` tells its program.
///
/// Of the latter, the build script of `ring` asks to be run again when it changes, and
/// with it most of the release would be built again.
pub fn disinherit(command: &mut Command) {
    for (name, _) in std::env::vars_os() {
        if is_kept_back(&name.to_string_lossy()) {
            command.env_remove(name);
        }
    }
}

fn is_kept_back(name: &str) -> bool {
    ["AWS_", "CARGO_MANIFEST_", "CARGO_PKG_"]
        .iter()
        .any(|prefix| name.starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_back_accounts_and_the_outer_package_and_nothing_else() {
        for name in ["AWS_PROFILE", "CARGO_MANIFEST_DIR", "CARGO_PKG_NAME"] {
            assert!(is_kept_back(name), "{name}");
        }
        for name in ["CARGO", "CARGO_HOME", "CARGO_TARGET_DIR", "PATH"] {
            assert!(!is_kept_back(name), "{name}");
        }
    }
}
