//! What a shell needs to complete a command that is an alias of cargo's.
//!
//! A shell asks for one word only, `cargo`, and whoever completes that knows nothing of the
//! alias. Each shell has another way in:
//!
//! - zsh's completion of cargo calls a function `_cargo-NAME` for a command that it does not
//!   know: <https://github.com/rust-lang/cargo/blob/master/src/etc/_cargo>;
//! - fish adds up what it is told of `cargo`, whoever tells it;
//! - bash has one function for `cargo`. Ours asks the one that was there before for
//!   everything that is not ours.

use std::io::{self, Write};

use clap::{Command, ValueEnum};
use clap_complete::aot::{Bash, Fish, Zsh, generate};

/// A shell that can complete the command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Shell {
    /// Also 3.2, as macOS has it
    Bash,
    /// With cargo's own completion, which rustup installs
    Zsh,
    /// From 3.0 on
    Fish,
}

/// Where what [`print()`] writes belongs: the end of a help.
pub const HELP: &str = "\
Examples, the same for rehearse, simulate and xtask:
  cargo rehearse completions bash > ~/.cargo-rehearse.bash    and `. ~/.cargo-rehearse.bash` in ~/.bashrc
  cargo rehearse completions zsh > ~/.zfunc/_cargo-rehearse   a folder of $fpath
  cargo rehearse completions fish > ~/.config/fish/conf.d/cargo-rehearse.fish

Write it once, and again when the options have changed. It completes what comes behind the
alias after `cargo`.

Exit status: 0 printed, 2 there is no such shell.";

/// Writes what `shell` needs to complete `cargo NAME`, whose options `command` has.
///
/// # Errors
/// It cannot be written.
pub fn write(
    to: &mut impl Write,
    shell: Shell,
    name: &'static str,
    mut command: Command,
) -> io::Result<()> {
    let program = format!("cargo-{name}");
    let mut text = Vec::new();
    match shell {
        Shell::Bash => {
            // Clap's script does not find the options of a subcommand of a name with a
            // hyphen.
            generate(Bash, &mut command, program.replace('-', "_"), &mut text);
            text.extend(beside_cargo(name).into_bytes());
        }
        Shell::Zsh => generate(Zsh, &mut command, &program, &mut text),
        Shell::Fish => {
            let mut cargo = Command::new("cargo").subcommand(command.name(name));
            generate(Fish, &mut cargo, "cargo", &mut text);
        }
    }
    to.write_all(&text)
}

/// The same on standard output.
pub fn print(shell: Shell, name: &'static str, command: Command) {
    // Whoever closed the pipe does not want to read on.
    let _ = write(&mut io::stdout(), shell, name, command);
}

/// Has bash ask for `cargo NAME` what clap wrote for `cargo_NAME`.
fn beside_cargo(name: &str) -> String {
    BESIDE_CARGO.replace("NAME", name)
}

const BESIDE_CARGO: &str = r#"
_cargo_alias_NAME() {
    if [[ ${COMP_WORDS[1]} == NAME && $COMP_CWORD -gt 1 ]]; then
        local words=(cargo_NAME "${COMP_WORDS[@]:2}")
        local COMP_WORDS=("${words[@]}") COMP_CWORD=$((COMP_CWORD - 1))
        _cargo_NAME cargo_NAME "$2" "$3"
    elif [[ -n $_cargo_before_NAME ]]; then
        "$_cargo_before_NAME" "$@"
    fi
}

# Whoever completes cargo may not have been loaded yet.
if ! complete -p cargo >/dev/null 2>&1; then
    for _cargo_loader in _comp_load _completion_loader; do
        declare -F "$_cargo_loader" >/dev/null && "$_cargo_loader" cargo && break
    done
    unset _cargo_loader
fi >/dev/null 2>&1
_cargo_found=$(complete -p cargo 2>/dev/null)
_cargo_found=${_cargo_found##*-F }
_cargo_found=${_cargo_found%% *}
[[ $_cargo_found == _cargo_alias_NAME ]] || _cargo_before_NAME=$_cargo_found
unset _cargo_found
complete -F _cargo_alias_NAME -o bashdefault -o default cargo
"#;

#[cfg(test)]
mod tests {
    use std::process::{Command as Process, Stdio};

    use clap::Arg;

    use super::*;

    fn command() -> Command {
        let fault = Arg::new("fault").long("fault");
        let sam = Command::new("sam").arg(Arg::new("way").long("way"));
        Command::new("rehearse").arg(fault).subcommand(sam)
    }

    fn written(shell: Shell) -> String {
        let mut text = Vec::new();
        write(&mut text, shell, "rehearse", command()).expect("memory takes everything");
        String::from_utf8(text).expect("it is text")
    }

    /// What bash proposes for the last of these words, after a script.
    fn proposed(script: &str, words: &[&str]) -> Vec<String> {
        let [.., before, last] = words else {
            panic!("too few words");
        };
        let quoted: Vec<_> = words.iter().map(|word| format!("'{word}'")).collect();
        let ask = format!(
            "COMP_WORDS=({}); COMP_CWORD={}; f=$(complete -p cargo); f=${{f##*-F }}; \
             ${{f%% *}} cargo '{last}' '{before}'; printf '%s\\n' \"${{COMPREPLY[@]}}\"",
            quoted.join(" "),
            words.len() - 1,
        );
        let mut bash = Process::new("bash");
        bash.args(["--norc", "-c", &format!("{script}\n{ask}")]);
        let output = bash.stdin(Stdio::null()).output().expect("there is a bash");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        text.lines()
            .filter(|line| !line.is_empty())
            .map(str::to_owned)
            .collect()
    }

    #[test]
    fn bash_completes_the_alias_and_leaves_the_rest_to_who_completed_before() {
        let before = "_cargo() { COMPREPLY=(of-cargo); }; complete -F _cargo cargo\n";
        let ours = written(Shell::Bash);
        // Read twice, as a shell does whose settings are read again.
        let script = format!("{before}{ours}{ours}");
        for (words, proposals) in [
            (&["cargo", "rehearse", "--fa"][..], &["--fault"][..]),
            (&["cargo", "rehearse", "sa"], &["sam"]),
            (&["cargo", "rehearse", "sam", "--w"], &["--way"]),
            (&["cargo", "bui"], &["of-cargo"]),
            (&["cargo", "build", "--re"], &["of-cargo"]),
        ] {
            assert_eq!(proposed(&script, words), proposals, "{words:?}");
        }
        assert_eq!(proposed(&ours, &["cargo", "build", "--re"]), [""; 0]);
    }

    #[test]
    fn zsh_finds_the_function_that_cargos_own_completion_calls() {
        let script = written(Shell::Zsh);
        assert!(script.starts_with("#compdef cargo-rehearse\n"), "{script}");
        assert!(script.contains("\n_cargo-rehearse() {"), "{script}");
    }

    #[test]
    fn fish_is_told_of_cargo() {
        let script = written(Shell::Fish);
        let line = "complete -c cargo -n \"__fish_cargo_using_subcommand rehearse; and not \
                    __fish_seen_subcommand_from sam";
        assert!(script.contains(line), "{script}");
    }
}
