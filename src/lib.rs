//! Leasehold reconciles declared identities with a cloud's IAM.
//!
//! The modules are the stages, in order; data goes one way:
//!
//! ```text
//! files ─config→ Declared ─lifecycle(now)→ Desired ─realize→ resources ┐
//!                                                                      ├─diff→ deltas ─plan→ Plan
//! cloud ─────────────observe (read only)────────────────→ Snapshot ────┘          │
//!                                                 rules + approvals → ApprovedPlan ─apply→ cloud, ledger
//! ```
//!
//! Beside them, [`drift`] holds a snapshot against what was last applied, [`generate`] writes blocks for what lives, [`who_can`] asks a
//! snapshot a question, and `policy` commands ask policy documents. [`store`] and [`ledger`] keep the records of what is written;
//! [`secret_store`] keeps the secrets of issued keys, where a stack's `store` blocks say. [`multi_account`] makes one provider of several accounts.
//!
//! Everything from [`config`] to [`plan`] is a function of its arguments. The clock, files, the environment and the network are
//! read in `cli`, in `store`, in `vault` and in the provider crates.

// The order of the stages: a module uses those above it and none below. `tests/engine/architecture.rs` enforces it. Blank lines keep the
// formatter from sorting them.

pub mod shell;

pub mod config;

pub mod graph;

pub mod lifecycle;

pub mod realize;

pub mod multi_account;

pub mod generate;

pub mod diff;

pub mod who_can;

pub mod plan;

pub mod drift;

pub mod rules;

pub mod apply;

pub mod secret_store;

pub mod store;

pub mod ledger;

pub mod views;

pub mod cli;
