//! A small configuration that changes: up to four identities, a scope and a group.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use jiff::{SignedDuration, Timestamp};

/// How the lease of an identity ends.
#[derive(Debug, Clone)]
pub enum LeaseText {
    /// So many days after the creation, or after `renewed_at`.
    Days(i64, Option<Timestamp>),
    /// At an instant.
    At(Timestamp),
}

/// One `identity` block.
#[derive(Debug, Clone)]
pub struct IdentityBlock {
    /// The name of its principal. Set only if it is not the label that it began with.
    pub principal: String,
    pub kind: &'static str,
    pub owner: &'static str,
    pub lease: LeaseText,
    pub action: &'static str,
    pub has_scope: bool,
    pub is_member: bool,
    pub is_import: bool,
}

impl IdentityBlock {
    /// The deadline for a principal that was created at `created`.
    pub fn compute_deadline(&self, created: Timestamp) -> Timestamp {
        match self.lease {
            LeaseText::At(at) => at,
            LeaseText::Days(days, renewed) => {
                let from = renewed.filter(|renewed| *renewed > created).unwrap_or(created);
                from + SignedDuration::from_hours(24 * days)
            }
        }
    }
}

/// A configuration.
#[derive(Debug, Clone, Default)]
pub struct Configuration {
    /// By label.
    pub identities: BTreeMap<String, IdentityBlock>,
    /// From label, to label.
    pub moves: Vec<(String, String)>,
    pub has_scope: bool,
    pub has_group: bool,
}

impl Configuration {
    pub fn to_hcl(&self) -> String {
        let mut text = "leasehold {\n  stack = \"laws\"\n}\nowner \"jane\" {}\nowner \"omar\" {}\n".to_owned();
        let statement =
            |action: &str| format!("  statement {{\n    actions = [\"{action}\"]\n    resources = [\"*\"]\n  }}\n");
        if self.has_scope {
            write!(text, "scope \"shared\" {{\n{}}}\n", statement("s3:ListBucket")).unwrap();
        }
        if self.has_group {
            let members = self.identities.iter().filter(|(_, block)| block.is_member && block.kind == "service");
            let members: Vec<String> = members.map(|(label, _)| format!("identity.{label}")).collect();
            let members = format!("  members = [{}]\n", members.join(", "));
            write!(text, "group \"team\" {{\n{members}{}}}\n", statement("sqs:SendMessage")).unwrap();
        }
        for (label, block) in &self.identities {
            write!(text, "identity \"{label}\" {{\n  kind = \"{}\"\n  owner = owner.{}\n", block.kind, block.owner)
                .unwrap();
            match &block.lease {
                LeaseText::At(at) => writeln!(text, "  expires_at = \"{at}\"").unwrap(),
                LeaseText::Days(days, renewed) => {
                    writeln!(text, "  ttl = \"{days}d\"").unwrap();
                    if let Some(at) = renewed {
                        writeln!(text, "  renewed_at = \"{at}\"").unwrap();
                    }
                }
            }
            if block.has_scope && self.has_scope {
                text.push_str("  scopes = [scope.shared]\n");
            }
            writeln!(text, "{}}}", statement(block.action)).unwrap();
            if block.is_import {
                let form = if block.kind == "service" { "user" } else { "role" };
                write!(text, "import {{\n  to = identity.{label}\n  id = \"{form}/{}\"\n}}\n", block.principal)
                    .unwrap();
            }
        }
        for (from, to) in &self.moves {
            write!(text, "moved {{\n  from = identity.{from}\n  to = identity.{to}\n}}\n").unwrap();
        }
        text
    }

    /// The block whose principal has this name, with its label.
    pub fn find_by_principal(&self, name: &str) -> Option<(&String, &IdentityBlock)> {
        self.identities.iter().find(|(_, block)| block.principal.eq_ignore_ascii_case(name))
    }
}
