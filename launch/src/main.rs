//! What the aliases in `.cargo/config.toml` run.

use std::env;
use std::process::ExitCode;

use launch::command::Command;
use launch::preparation;

/// As the commands themselves do where they could not begin.
const NOT_SET_UP: u8 = 2;

fn main() -> ExitCode {
    let mut words = env::args_os().skip(1);
    let name = words.next().unwrap_or_default();
    let Some(command) = name.to_str().and_then(Command::named) else {
        eprintln!("no command {name:?}: the aliases in .cargo/config.toml name those there are");
        return ExitCode::from(NOT_SET_UP);
    };
    let words: Vec<_> = words.collect();
    let prepared = preparation::prepare(command, &words);
    match prepared.and_then(|program| preparation::become_it(&program, &words)) {
        Ok(code) => code,
        Err(failure) => {
            eprintln!("cannot {}: {failure}", command.name());
            ExitCode::from(NOT_SET_UP)
        }
    }
}
