//! The binary `truetape`; all of its code is in the library beside it, where tests can reach it.

fn main() -> std::process::ExitCode {
    server::cli::run()
}
