//! A plan for people and for machines.

pub mod attributes;
pub mod human;
pub mod interim;
pub mod json;
pub mod markdown;
pub mod risk;
pub mod summary;

pub use human::human;
pub use json::json;
pub use markdown::markdown;
pub use summary::Summary;
