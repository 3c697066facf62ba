//! Runs recursive work on a thread whose stack has a known size. The nesting depth of a configuration is bounded, but the bound is too high
//! for the stack of an arbitrary thread.

use super::diagnostic::Diagnostic;

/// The stack size, in bytes, of a thread that parses or evaluates. It is many times what the bounded nesting depth needs.
pub const STACK_SIZE: usize = 64 * 1024 * 1024;

/// Runs `work` on such a thread.
///
/// # Errors
///
/// A finding that says that this is a defect of the program: the work panicked, or the thread could not start.
pub fn run_on_deep_stack<T: Send>(work: impl FnOnce() -> T + Send) -> Result<T, Box<Diagnostic>> {
    let done = std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().name("config".to_owned()).stack_size(STACK_SIZE);
        thread.spawn_scoped(scope, work).ok().and_then(|thread| thread.join().ok())
    });
    done.ok_or_else(|| {
        Box::new(
            Diagnostic::error("config::internal", "internal error while reading the configuration")
                .with_help("this is a bug in Leasehold: please report it with your configuration"),
        )
    })
}
