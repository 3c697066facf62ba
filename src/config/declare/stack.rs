//! Reads the `leasehold` block.

use leasehold_provider::{Span as Duration, StackName};

use super::fields::BlockFields;
use super::{inner, providers};
use crate::config::declared::{Backend, BackendLocation, ObjectLockRetention, RetentionMode, S3Bucket};
use crate::config::origin::BlockOrigin;
use crate::config::schema::BACKEND;
use crate::hcl::diagnostic::Diagnostic;
use crate::hcl::value::show::quote_text;

/// The settings in a `leasehold` block.
pub struct StackSettings {
    pub stack: Option<StackName>,
    pub backend: Backend,
    /// The `backend` block. `None`: there is none.
    pub backend_origin: Option<BlockOrigin>,
    /// The default `ttl` of identities, from `defaults`.
    pub ttl: Option<Duration>,
    /// The default grace period of identities, from `defaults`.
    pub grace: Option<Duration>,
}

/// Reads the `leasehold` block. A setting that is not valid is reported and keeps its default, or is `None`.
pub fn read_settings(fields: &BlockFields<'_, '_>) -> StackSettings {
    let stack = fields.read_text("stack").and_then(|name| match StackName::new(name) {
        Ok(name) => Some(name),
        Err(invalid) => {
            let suggestion = suggest_name(&invalid.name);
            let finding = Diagnostic::error(
                "config::stack_name",
                format!("{} is not a valid stack name", quote_text(&invalid.name)),
            )
            .with_location(fields.attribute_span("stack"), invalid.rule);
            fields.report_finding(match suggestion {
                Some(name) => finding.with_help(format!("for example {}", quote_text(&name))),
                None => finding.with_help(
                    "the name is part of marks and paths in the cloud, so its length and characters are restricted",
                ),
            });
            None
        }
    });
    check_required_version(fields);
    let mut settings = StackSettings {
        stack,
        backend: Backend { place: BackendLocation::default(), lock_lease: None },
        backend_origin: None,
        ttl: None,
        grace: None,
    };
    for backend in inner::read_inner_blocks(fields, "backend") {
        settings.backend = Backend {
            place: read_backend_location(&backend).unwrap_or_default(),
            lock_lease: read_lock_lease(&backend),
        };
        settings.backend_origin = Some(backend.locate_block(&BACKEND));
    }
    for defaults in inner::read_inner_blocks(fields, "defaults") {
        settings.ttl = defaults.read_duration("ttl");
        for leaver in inner::read_inner_blocks(&defaults, "leaver") {
            settings.grace = leaver.read_duration("grace");
        }
    }
    settings
}

/// The location in a `backend` block. `None`: there is none, or it is not valid, which is reported elsewhere.
fn read_backend_location(backend: &BlockFields<'_, '_>) -> Option<BackendLocation> {
    let prefix = backend.read_filled_text("prefix").map(|prefix| prefix.trim_matches('/').to_owned());
    Some(match backend.block.label(0) {
        "s3" => BackendLocation::S3(S3Bucket {
            name: backend.read_filled_text("bucket")?,
            prefix,
            region: backend.read_filled_text("region"),
            endpoint: backend.read_filled_text("endpoint"),
            retention: inner::read_inner_blocks(backend, "retention").iter().find_map(read_retention),
            kms_key_id: backend.read_filled_text("kms_key_id"),
            profile: backend.read_filled_text("profile"),
            assume_role: providers::read_assume_role(backend),
        }),
        "azure" => BackendLocation::Azure {
            account: backend.read_filled_text("account")?,
            container: backend.read_filled_text("container")?,
            prefix,
        },
        "gcs" => BackendLocation::Gcs { bucket: backend.read_filled_text("bucket")?, prefix },
        _ => BackendLocation::Local { path: backend.read_filled_text("path")? },
    })
}

const MODES: &[(&str, RetentionMode)] =
    &[("governance", RetentionMode::Governance), ("compliance", RetentionMode::Compliance)];

fn read_retention(fields: &BlockFields<'_, '_>) -> Option<ObjectLockRetention> {
    let period = fields.read_duration("period");
    let mode = match fields.find_expr("mode") {
        Some(_) => fields.read_word("mode", MODES),
        None => Some(RetentionMode::Governance),
    };
    let period = period?;
    if period.as_seconds() == 0 {
        let finding = Diagnostic::error("config::retention", "the retention period must be longer than zero");
        fields.report_finding(
            finding.with_location(fields.attribute_span("period"), "zero").with_help("for example period = \"365d\""),
        );
        return None;
    }
    Some(ObjectLockRetention { mode: mode?, period })
}

/// The shortest lock lease, in seconds, that can be renewed in time on a slow store.
const SHORTEST_LOCK: u32 = 2;

fn read_lock_lease(backend: &BlockFields<'_, '_>) -> Option<Duration> {
    let lease = backend.read_duration("lock_lease")?;
    if lease.as_seconds() < SHORTEST_LOCK {
        backend.report_finding(
            Diagnostic::error(
                "config::lock_lease",
                "`lock_lease` must be at least 2 seconds, so that the lock can be renewed in time",
            )
            .with_location(backend.attribute_span("lock_lease"), "too short")
            .with_help("the default is lock_lease = \"60s\""),
        );
        return None;
    }
    Some(lease)
}

fn suggest_name(name: &str) -> Option<String> {
    let plain: String = name
        .to_ascii_lowercase()
        .chars()
        .map(|c| if c.is_ascii_lowercase() || c.is_ascii_digit() { c } else { '-' })
        .take(32)
        .collect();
    let plain = plain.trim_matches('-');
    StackName::new(plain).is_ok().then(|| plain.to_owned())
}

/// Checks `required_version` against the version of this program.
fn check_required_version(fields: &BlockFields<'_, '_>) {
    let Some(text) = fields.read_text("required_version") else { return };
    let own = env!("CARGO_PKG_VERSION");
    match (satisfies_constraints(&text, own), fields.find_expr("required_version")) {
        (Some(true), _) | (_, None) => {}
        (Some(false), Some(expr)) => fields.report_finding(
            Diagnostic::error("config::version", format!("this is Leasehold {own}, but the stack requires {text}"))
                .with_location(fields.expr_span(expr), "not satisfied by this version")
                .with_help("install a version that satisfies the requirement, or change the requirement"),
        ),
        (None, Some(expr)) => fields.report_finding(
            Diagnostic::error("config::version", format!("{} is not a valid version requirement", quote_text(&text)))
                .with_location(fields.expr_span(expr), "invalid requirement")
                .with_help("use a requirement such as \">= 0.1.0\", \"~> 1.2\" or \">= 0.1.0, < 2.0.0\""),
        ),
    }
}

/// Whether a version satisfies every comma-separated constraint. `None`: a constraint cannot be parsed.
fn satisfies_constraints(constraints: &str, version: &str) -> Option<bool> {
    let version = semver::Version::parse(version).ok()?;
    let mut met = true;
    for constraint in constraints.split(',') {
        let constraint = constraint.trim();
        let digits = constraint.find(|c: char| c.is_ascii_digit())?;
        let (operator, number) = constraint.split_at(digits);
        let parts = number.trim().split('.').count();
        let mut whole = number.trim().to_owned();
        for _ in parts..3 {
            whole.push_str(".0");
        }
        let desired = semver::Version::parse(&whole).ok()?;
        met &= match operator.trim() {
            "" | "=" => version == desired,
            "!=" => version != desired,
            ">" => version > desired,
            ">=" => version >= desired,
            "<" => version < desired,
            "<=" => version <= desired,
            // The last written part may increase: `~> 1.2` allows 1.3 but not 2.0.
            "~>" => {
                version >= desired
                    && match parts {
                        1 => true,
                        2 => version.major == desired.major,
                        _ => (version.major, version.minor) == (desired.major, desired.minor),
                    }
            }
            _ => return None,
        };
    }
    Some(met)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn version_constraints_are_terraforms() {
        for (constraint, met) in [
            (">= 0.1.0", true),
            (">= 0.1", true),
            ("~> 0.1", true),
            ("~> 0.1.0", true),
            ("~> 0.0.9", false),
            ("0.1.0", true),
            ("= 0.2.0", false),
            ("!= 0.1.0", false),
            (">= 0.1.0, < 0.1.0", false),
            ("> 1", false),
        ] {
            assert_eq!(satisfies_constraints(constraint, "0.1.0"), Some(met), "{constraint}");
        }
        assert_eq!(satisfies_constraints("latest", "0.1.0"), None);
        assert_eq!(satisfies_constraints("=> 1.0", "0.1.0"), None);
        assert_eq!(satisfies_constraints("", "0.1.0"), None);
    }
}
