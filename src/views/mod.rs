//! Views turn values into text for people and data for machines.
//!
//! In: plans, outcomes, reports and findings. Out: strings and JSON. Views decide nothing and print nothing.

pub mod alerts;
pub mod audit;
pub mod diagnostics;
pub mod drift;
pub mod inert;
pub mod job;
pub mod markdown;
pub mod outcome;
pub mod plan;
pub mod policy;
pub mod sarif;
pub mod style;
pub mod throttling;
pub mod who_can;
