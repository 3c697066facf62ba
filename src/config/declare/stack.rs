//! The `leasehold` block.

use leasehold_provider::{Span as Duration, StackName};

use super::fields::Fields;
use super::{inner, providers};
use crate::config::declared::{Backend, Bucket, Place, Retention, RetentionMode};
use crate::config::diagnostic::Diagnostic;
use crate::config::value::show::quoted;

/// What a `leasehold` block says.
pub struct Settings {
    pub stack: Option<StackName>,
    pub backend: Backend,
    pub ttl: Option<Duration>,
    pub grace: Option<Duration>,
}

pub fn settings(fields: &Fields<'_, '_>) -> Settings {
    let stack = fields.text("stack").and_then(|name| match StackName::new(name) {
        Ok(name) => Some(name),
        Err(invalid) => {
            let suggestion = suggest_name(&invalid.name);
            let finding =
                Diagnostic::error("config::stack_name", format!("{} cannot be a stack's name", quoted(&invalid.name)))
                    .at(fields.place("stack"), invalid.rule);
            fields.find(match suggestion {
                Some(name) => finding.help(format!("for example {}", quoted(&name))),
                None => finding.help("it is part of marks and paths in the cloud, so it is short and plain"),
            });
            None
        }
    });
    version(fields);
    let mut settings =
        Settings { stack, backend: Backend { place: Place::default(), lock_lease: None }, ttl: None, grace: None };
    for backend in inner::blocks(fields, "backend") {
        settings.backend = Backend { place: place(&backend).unwrap_or_default(), lock_lease: lock_lease(&backend) };
    }
    for defaults in inner::blocks(fields, "defaults") {
        settings.ttl = defaults.duration("ttl");
        for leaver in inner::blocks(&defaults, "leaver") {
            settings.grace = leaver.duration("grace");
        }
    }
    settings
}

/// What a `backend` block says; `None`: nothing, or nothing that can be used, which is found elsewhere.
fn place(backend: &Fields<'_, '_>) -> Option<Place> {
    let prefix = backend.filled_text("prefix").map(|prefix| prefix.trim_matches('/').to_owned());
    Some(match backend.block.label(0) {
        "s3" => Place::S3(Bucket {
            name: backend.filled_text("bucket")?,
            prefix,
            region: backend.filled_text("region"),
            endpoint: backend.filled_text("endpoint"),
            retention: inner::blocks(backend, "retention").iter().find_map(retention),
            kms_key_id: backend.filled_text("kms_key_id"),
            profile: backend.filled_text("profile"),
            assume_role: providers::assume_role(backend),
        }),
        "azure" => Place::Azure {
            account: backend.filled_text("account")?,
            container: backend.filled_text("container")?,
            prefix,
        },
        "gcs" => Place::Gcs { bucket: backend.filled_text("bucket")?, prefix },
        _ => Place::Local { path: backend.filled_text("path")? },
    })
}

const MODES: &[(&str, RetentionMode)] =
    &[("governance", RetentionMode::Governance), ("compliance", RetentionMode::Compliance)];

fn retention(fields: &Fields<'_, '_>) -> Option<Retention> {
    let period = fields.duration("period");
    let mode = match fields.expr("mode") {
        Some(_) => fields.word("mode", MODES),
        None => Some(RetentionMode::Governance),
    };
    let period = period?;
    if period.seconds() == 0 {
        let finding = Diagnostic::error("config::retention", "a retention of no time keeps nothing");
        fields.find(finding.at(fields.place("period"), "nothing").help("for example period = \"365d\""));
        return None;
    }
    Some(Retention { mode: mode?, period })
}

/// The shortest lock that a slow store lets its holder renew in time.
const SHORTEST_LOCK: u32 = 2;

fn lock_lease(backend: &Fields<'_, '_>) -> Option<Duration> {
    let lease = backend.duration("lock_lease")?;
    if lease.seconds() < SHORTEST_LOCK {
        backend.find(
            Diagnostic::error("config::lock_lease", "a lock of less than two seconds cannot be renewed in time")
                .at(backend.place("lock_lease"), "too short")
                .help("a minute is the default: lock_lease = \"60s\""),
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

/// `required_version` against this program's.
fn version(fields: &Fields<'_, '_>) {
    let Some(text) = fields.text("required_version") else { return };
    let own = env!("CARGO_PKG_VERSION");
    match (satisfies(&text, own), fields.expr("required_version")) {
        (Some(true), _) | (_, None) => {}
        (Some(false), Some(expr)) => fields.find(
            Diagnostic::error("config::version", format!("this is leasehold {own}, and the stack requires {text}"))
                .at(fields.span(expr), "not met")
                .help("install a version that meets it, or change the requirement"),
        ),
        (None, Some(expr)) => fields.find(
            Diagnostic::error("config::version", format!("{} is not a requirement on versions", quoted(&text)))
                .at(fields.span(expr), "cannot be read")
                .help("write it as in \">= 0.1.0\", \"~> 1.2\" or \">= 0.1.0, < 2.0.0\""),
        ),
    }
}

/// Whether a version meets every comma-separated constraint. `None`: a constraint cannot be read.
fn satisfies(constraints: &str, version: &str) -> Option<bool> {
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
        let wanted = semver::Version::parse(&whole).ok()?;
        met &= match operator.trim() {
            "" | "=" => version == wanted,
            "!=" => version != wanted,
            ">" => version > wanted,
            ">=" => version >= wanted,
            "<" => version < wanted,
            "<=" => version <= wanted,
            // The last part that is written may grow.
            "~>" => {
                version >= wanted
                    && match parts {
                        1 => true,
                        2 => version.major == wanted.major,
                        _ => (version.major, version.minor) == (wanted.major, wanted.minor),
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
            assert_eq!(satisfies(constraint, "0.1.0"), Some(met), "{constraint}");
        }
        assert_eq!(satisfies("latest", "0.1.0"), None);
        assert_eq!(satisfies("=> 1.0", "0.1.0"), None);
        assert_eq!(satisfies("", "0.1.0"), None);
    }
}
