//! Leasehold reconciles declared identities with the IAM of a cloud.
//!
//! The modules are the stages of a run, in order. Data flows in one direction:
//!
//! ```text
//! files ─hcl, config→ DeclaredStack ─lifecycle(now)→ desired ─realize→ resources ┐
//!                                                                                ├─diff→ deltas ─plan→ Plan
//! cloud ──────────────────observe (read only)────────────────────→ Snapshot ─────┘          │
//!                                                           rules + approvals → ApprovedPlan ─apply→ cloud, ledger
//! ```
//!
//! Example: `hcl` and `config` read `identity "ci"` with `ttl = "90d"`. `lifecycle` compares its deadline with `now` and decides that it is
//! active, `realize` lists the IAM objects it needs, `diff` finds that its role does not exist, `plan` orders the writes, `apply` performs them.
//!
//! Modules outside this sequence:
//!
//! - [`providers`] is the table of providers: the schema of each `provider` block, its pure half, and its connection.
//! - [`drift`] compares a snapshot with what was last applied.
//! - [`generate`] writes blocks for objects that exist but have no block.
//! - [`who_can`] finds the identities of a snapshot that are allowed an action on a resource.
//! - [`store`] and [`ledger`] keep the records of what was written.
//! - [`secret_store`] keeps the secrets of issued keys, in the places that a stack's `store` blocks declare.
//! - [`multi_account`] combines the providers of several accounts into one.
//! - [`workflow`] is the whole sequence as a library: `cli` calls it, renders its events, and answers its questions.
//! - The `policy` commands of `cli` answer questions about policy documents.
//!
//! The stages are usable on their own. To read the text of a stack:
//!
//! ```
//! use leasehold::config::{ConfigInputs, NoFiles, SourceFile, Sources, StackLimits, load_config};
//!
//! let text = br#"
//! leasehold { stack = "payments" }
//! owner "jane" { email = "jane@example.com" }
//! identity "ci" {
//!   kind  = "service"
//!   owner = owner.jane
//!   ttl   = "90d"
//! }
//! "#;
//! let sources = Sources::new(vec![SourceFile { name: "main.hcl".to_owned(), bytes: text.as_slice().into() }]);
//! let now = "2026-11-30T12:00:00Z".parse()?;
//! let inputs = ConfigInputs { variables: Vec::new(), now, files: &NoFiles, limits: StackLimits::default() };
//! let declared = load_config(&sources, &inputs).declared.ok_or("the text has errors")?;
//! assert_eq!(declared.identities.keys().next().map(|address| address.as_str()), Some("identity.ci"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Everything from [`hcl`] to [`plan`] is a function of its arguments. Only `cli`, `store`, `secret_store`, the provider
//! crates, and the parts of `workflow` that read a stack's directory and connect read the clock, files, the environment or the network.

// The modules are in the order of the stages: a module may use the modules above it and none below it. `tests/engine/architecture.rs`
// enforces this. The blank lines keep rustfmt from sorting the modules.

pub mod shell;

pub mod hidden_characters;

pub mod hcl;

pub mod providers;

pub mod config;

pub mod graph;

pub mod ownership;

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

pub mod workflow;

pub mod views;

pub mod cli;
