//! A plan for people (text, markdown) and for machines (JSON).

pub mod attributes;
pub mod human;
pub mod interim;
pub mod json;
pub mod markdown;
pub mod order;
mod ownership;
pub mod risk;
pub mod settings;
pub mod summary;

pub use human::render_plan_text;
pub use json::render_plan_json;
pub use markdown::render_plan_markdown;
pub use order::render_order;
pub use summary::PlanSummary;
