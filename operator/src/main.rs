//! The binary `pillion`: reads the command line and the files it names; everything else is the library's.

mod commands;

use std::process::ExitCode;

fn main() -> ExitCode {
    commands::run()
}
