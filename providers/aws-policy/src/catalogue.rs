//! What AWS's services offer: actions with their access level, resource types and condition keys. Embedded; the source
//! and its licence are in NOTICE, `scripts/refresh-catalogue.py` renews it. A catalogue is behind the services it
//! describes: no proof rests on it, only lint and words for people.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::OnceLock;

use serde::Serialize;

use crate::document::Version;
use crate::pattern::{Dialect, Pattern};

static PACKED: &[u8] = include_bytes!("../data/catalogue.bin");

/// What an action does, as AWS classifies it, in the order of what is at stake.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_understand-policy-summary-access-level-summaries.html>
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AccessLevel {
    /// Sees that something exists.
    List,
    /// Sees what is in it.
    Read,
    /// Changes tags.
    Tagging,
    /// Creates, changes, deletes.
    Write,
    /// Decides who may do what.
    PermissionsManagement,
}

impl fmt::Display for AccessLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::List => "list",
            Self::Read => "read",
            Self::Tagging => "tagging",
            Self::Write => "write",
            Self::PermissionsManagement => "permissions management",
        })
    }
}

/// A kind of resource.
#[derive(Debug, Clone)]
pub struct ResourceType {
    /// Its name within the service.
    pub name: &'static str,
    /// The form of its ARN, `*` where something varies.
    pub arn: Pattern,
}

/// A condition key of a service.
#[derive(Debug, Clone, Copy)]
pub struct ConditionKey {
    /// Its name; `${}` where something varies.
    pub name: &'static str,
    /// Whether one request may hold several values for it.
    pub multivalued: bool,
}

/// An action.
#[derive(Debug, Clone)]
pub struct Action {
    /// The service's prefix.
    pub service: &'static str,
    /// The name, in AWS's spelling.
    pub name: &'static str,
    /// What it does.
    pub level: AccessLevel,
    /// The resource types it takes, by place in its service's list. Empty: it can only be granted on `*`.
    pub resources: Vec<usize>,
    /// Whether one of them is required.
    pub needs_resource: bool,
    /// The condition keys it knows, by place in its service's list.
    pub keys: Vec<usize>,
}

impl Action {
    /// `service:Name`.
    pub fn full_name(&self) -> String {
        format!("{}:{}", self.service, self.name)
    }
}

/// A service.
#[derive(Debug, Clone)]
pub struct Service {
    /// The prefix of its actions.
    pub prefix: &'static str,
    /// What AWS calls it.
    pub name: &'static str,
    /// By name.
    pub resources: Vec<ResourceType>,
    /// By name.
    pub keys: Vec<ConditionKey>,
    /// By name in lower case.
    pub actions: BTreeMap<String, Action>,
}

/// All services.
#[derive(Debug, Clone, Default)]
pub struct Catalogue {
    services: BTreeMap<&'static str, Service>,
}

/// The embedded catalogue; unpacked on first use, some milliseconds.
pub fn catalogue() -> &'static Catalogue {
    static TEXT: OnceLock<String> = OnceLock::new();
    static READ: OnceLock<Catalogue> = OnceLock::new();
    let text = TEXT.get_or_init(|| {
        let bytes = miniz_oxide::inflate::decompress_to_vec_zlib(PACKED).unwrap_or_default();
        String::from_utf8(bytes).unwrap_or_default()
    });
    READ.get_or_init(|| Catalogue::read(text))
}

impl Catalogue {
    fn read(text: &'static str) -> Self {
        let mut out = Self::default();
        let mut current: Option<Service> = None;
        for line in text.lines() {
            let mut fields = line.split('\t');
            let mut next = || fields.next().unwrap_or_default();
            match (next(), &mut current) {
                ("S", _) => {
                    let (prefix, name) = (next(), next());
                    let (resources, keys, actions) = (Vec::new(), Vec::new(), BTreeMap::new());
                    let fresh = Service { prefix, name, resources, keys, actions };
                    out.services.extend(current.replace(fresh).map(|done| (done.prefix, done)));
                }
                ("R", Some(service)) => {
                    let (name, arn) = (next(), Pattern::read(next(), Version::V2008, Dialect::Full));
                    service.resources.push(ResourceType { name, arn });
                }
                ("K", Some(service)) => {
                    service.keys.push(ConditionKey { name: next(), multivalued: next() == "A" });
                }
                ("A", Some(service)) => {
                    let name = next();
                    let level = match next() {
                        "L" => AccessLevel::List,
                        "R" => AccessLevel::Read,
                        "T" => AccessLevel::Tagging,
                        "P" => AccessLevel::PermissionsManagement,
                        _ => AccessLevel::Write,
                    };
                    let (resources, keys) = (next(), next());
                    let places =
                        |list: &str| list.split(',').filter_map(|n| n.trim_end_matches('!').parse().ok()).collect();
                    let action = Action {
                        service: service.prefix,
                        name,
                        level,
                        resources: places(resources),
                        needs_resource: resources.contains('!'),
                        keys: places(keys),
                    };
                    service.actions.insert(name.to_lowercase(), action);
                }
                _ => {}
            }
        }
        out.services.extend(current.map(|done| (done.prefix, done)));
        out
    }

    /// The services, by prefix.
    pub fn services(&self) -> impl Iterator<Item = &Service> {
        self.services.values()
    }

    /// A service by the prefix of its actions, in any case.
    pub fn service(&self, prefix: &str) -> Option<&Service> {
        self.services.get(prefix.to_lowercase().as_str())
    }

    /// An action by its full name, in any case.
    pub fn action(&self, full_name: &str) -> Option<&Action> {
        let (service, name) = full_name.split_once(':')?;
        self.service(service)?.actions.get(&name.to_lowercase())
    }

    /// The actions that a pattern of a policy names.
    pub fn matching<'a>(&'static self, pattern: &'a Pattern) -> Box<dyn Iterator<Item = &'static Action> + 'a> {
        let text = pattern.text().to_lowercase();
        let prefix: String = text.split(':').next().unwrap_or_default().to_owned();
        if !pattern.has_wildcard() {
            return Box::new(self.action(&text).into_iter());
        }
        let whole_prefix = text.contains(':') && !prefix.contains(['*', '?']);
        let services = self.services.values().filter(move |service| !whole_prefix || service.prefix == prefix);
        let named = |action: &&Action| crate::evaluate::action_is(pattern, &action.full_name());
        Box::new(services.flat_map(|service| service.actions.values()).filter(named))
    }

    /// The services whose prefix begins the key, and the keys they know by that name.
    pub fn key(&self, key: &str) -> Option<&ConditionKey> {
        let folded = key.to_lowercase();
        let same = |known: &&ConditionKey| {
            let name = known.name.to_lowercase();
            match name.split_once("${}") {
                None => name == folded,
                Some((before, after)) => {
                    folded.strip_prefix(before).is_some_and(|rest| after.is_empty() || rest.contains(after))
                }
            }
        };
        let prefix = folded.split(':').next()?;
        match self.services.get(prefix) {
            Some(service) => service.keys.iter().find(same),
            None => self.services.values().flat_map(|service| &service.keys).find(same),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(text: &str) -> Pattern {
        Pattern::read(&text.to_lowercase(), Version::V2012, Dialect::Wildcards)
    }

    #[test]
    fn the_catalogue_is_whole() {
        let all = catalogue();
        assert!(all.services().count() > 400);
        assert!(all.services().map(|service| service.actions.len()).sum::<usize>() > 20_000);
        assert!(PACKED.len() <= 400 * 1024);
    }

    #[test]
    fn an_action_has_level_resources_and_keys() {
        let action = catalogue().action("S3:getobject").unwrap();
        assert_eq!((action.full_name().as_str(), action.level), ("s3:GetObject", AccessLevel::Read));
        let s3 = catalogue().service("s3").unwrap();
        assert!(action.resources.iter().any(|place| s3.resources[*place].name == "object"));
        assert_eq!(catalogue().action("iam:PutRolePolicy").unwrap().level, AccessLevel::PermissionsManagement);
        assert!(catalogue().action("s3:GetObjekt").is_none());
    }

    #[test]
    fn patterns_name_actions() {
        let names: Vec<String> = catalogue().matching(&pattern("iam:*LoginProfile")).map(Action::full_name).collect();
        assert_eq!(
            names,
            ["iam:CreateLoginProfile", "iam:DeleteLoginProfile", "iam:GetLoginProfile", "iam:UpdateLoginProfile"]
        );
        assert_eq!(catalogue().matching(&pattern("iam:Nothing*")).count(), 0);
        assert!(catalogue().matching(&pattern("*")).count() > 20_000);
    }

    #[test]
    fn keys_are_found_in_any_case() {
        assert!(catalogue().key("S3:Max-Keys").is_some());
        assert!(catalogue().key("s3:ExistingObjectTag/team").is_some());
        assert!(catalogue().key("s3:Nothing").is_none());
        assert!(catalogue().key("dynamodb:Attributes").unwrap().multivalued);
    }
}
