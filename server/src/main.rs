//! The binary `truetape`; all of its code is in the library beside it, where tests can reach it.

/// The system's own keeps the memory of thousands of clients after they have left.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    server::cli::run()
}
