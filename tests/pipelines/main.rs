//! What pipelines run and read, told by the real program: plans and drift in every form, the scheduled jobs, the emergency stop, the ready
//! pieces under `examples/pipelines`, and a team's week.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::disallowed_methods)]

mod rego;
#[path = "../support/mod.rs"]
mod support;
