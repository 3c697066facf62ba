//! The embedded catalogue of AWS services: their actions with access level, resource types and condition keys. NOTICE
//! names the source and its licence; `scripts/refresh-catalogue.py` updates it.
//!
//! The catalogue is always older than the services. Only lint, sample requests and descriptions use it; no proof
//! depends on it.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::OnceLock;

use serde::Serialize;

use crate::document::LanguageVersion;
use crate::pattern::{Pattern, PatternDialect};

static PACKED: &[u8] = include_bytes!("../data/catalogue.bin");

/// The access level of an action as AWS classifies it, from the least to the most sensitive.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_understand-policy-summary-access-level-summaries.html>
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ActionAccessLevel {
    /// Lists resources without their content.
    List,
    /// Reads the content of resources.
    Read,
    /// Creates, changes or deletes tags only.
    Tagging,
    /// Creates, changes or deletes resources.
    Write,
    /// Grants or changes permissions.
    PermissionsManagement,
}

impl fmt::Display for ActionAccessLevel {
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

/// A resource type of a service.
#[derive(Debug, Clone)]
pub struct ResourceType {
    /// The name within the service.
    pub name: &'static str,
    /// The ARN pattern, with `*` for each variable part.
    pub arn: Pattern,
}

/// A condition key of a service.
#[derive(Debug, Clone, Copy)]
pub struct ConditionKey {
    /// The name, with `${}` for a variable part.
    pub name: &'static str,
    /// Whether one request may have several values for the key.
    pub multivalued: bool,
}

/// An action of a service.
#[derive(Debug, Clone)]
pub struct CatalogueAction {
    /// The prefix of the service, such as `s3`.
    pub service: &'static str,
    /// The name in AWS's spelling, such as `GetObject`.
    pub name: &'static str,
    /// The access level.
    pub level: ActionAccessLevel,
    /// The resource types, as indices into the service's `resources`. Empty: the action only supports `*`.
    pub resources: Vec<usize>,
    /// Whether one of the resource types is required.
    pub needs_resource: bool,
    /// The supported condition keys, as indices into the service's `keys`.
    pub keys: Vec<usize>,
}

impl CatalogueAction {
    /// `service:Name`.
    pub fn full_name(&self) -> String {
        format!("{}:{}", self.service, self.name)
    }
}

/// A service of AWS.
#[derive(Debug, Clone)]
pub struct CatalogueService {
    /// The prefix of its actions, such as `s3`.
    pub prefix: &'static str,
    /// AWS's name for the service.
    pub name: &'static str,
    /// The resource types, sorted by name.
    pub resources: Vec<ResourceType>,
    /// The condition keys, sorted by name.
    pub keys: Vec<ConditionKey>,
    /// The actions by name in lower case.
    pub actions: BTreeMap<String, CatalogueAction>,
}

/// The services of AWS by prefix.
#[derive(Debug, Clone, Default)]
pub struct Catalogue {
    services: BTreeMap<&'static str, CatalogueService>,
}

/// The embedded catalogue. The first call unpacks it, which takes some milliseconds.
pub fn embedded_catalogue() -> &'static Catalogue {
    static TEXT: OnceLock<String> = OnceLock::new();
    static CATALOGUE: OnceLock<Catalogue> = OnceLock::new();
    let text = TEXT.get_or_init(|| {
        let bytes = miniz_oxide::inflate::decompress_to_vec_zlib(PACKED).unwrap_or_default();
        String::from_utf8(bytes).unwrap_or_default()
    });
    CATALOGUE.get_or_init(|| Catalogue::parse_packed_text(text))
}

impl Catalogue {
    /// Parses lines of tab-separated fields; `scripts/refresh-catalogue.py` documents the format.
    fn parse_packed_text(text: &'static str) -> Self {
        let mut out = Self::default();
        let mut current: Option<CatalogueService> = None;
        for line in text.lines() {
            let mut fields = line.split('\t');
            let mut next = || fields.next().unwrap_or_default();
            match (next(), &mut current) {
                ("S", _) => {
                    let (prefix, name) = (next(), next());
                    let (resources, keys, actions) = (Vec::new(), Vec::new(), BTreeMap::new());
                    let fresh = CatalogueService { prefix, name, resources, keys, actions };
                    out.services.extend(current.replace(fresh).map(|done| (done.prefix, done)));
                }
                ("R", Some(service)) => {
                    let (name, arn) = (next(), Pattern::parse(next(), LanguageVersion::V2008, PatternDialect::Full));
                    service.resources.push(ResourceType { name, arn });
                }
                ("K", Some(service)) => {
                    service.keys.push(ConditionKey { name: next(), multivalued: next() == "A" });
                }
                ("A", Some(service)) => {
                    let name = next();
                    let level = match next() {
                        "L" => ActionAccessLevel::List,
                        "R" => ActionAccessLevel::Read,
                        "T" => ActionAccessLevel::Tagging,
                        "P" => ActionAccessLevel::PermissionsManagement,
                        _ => ActionAccessLevel::Write,
                    };
                    let (resources, keys) = (next(), next());
                    let places =
                        |list: &str| list.split(',').filter_map(|n| n.trim_end_matches('!').parse().ok()).collect();
                    let action = CatalogueAction {
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

    /// All services, sorted by prefix.
    pub fn services(&self) -> impl Iterator<Item = &CatalogueService> {
        self.services.values()
    }

    /// The service with this prefix, in any case.
    pub fn find_service(&self, prefix: &str) -> Option<&CatalogueService> {
        self.services.get(prefix.to_lowercase().as_str())
    }

    /// The action with this full name, in any case.
    pub fn find_action(&self, full_name: &str) -> Option<&CatalogueAction> {
        let (service, name) = full_name.split_once(':')?;
        self.find_service(service)?.actions.get(&name.to_lowercase())
    }

    /// The actions that match an action pattern of a policy.
    pub fn matching_actions<'a>(
        &'static self,
        pattern: &'a Pattern,
    ) -> Box<dyn Iterator<Item = &'static CatalogueAction> + 'a> {
        let text = pattern.text().to_lowercase();
        let prefix: String = text.split(':').next().unwrap_or_default().to_owned();
        if !pattern.has_wildcard() {
            return Box::new(self.find_action(&text).into_iter());
        }
        let whole_prefix = text.contains(':') && !prefix.contains(['*', '?']);
        let services = self.services.values().filter(move |service| !whole_prefix || service.prefix == prefix);
        let named = |action: &&CatalogueAction| crate::evaluate::action_pattern_matches(pattern, &action.full_name());
        Box::new(services.flat_map(|service| service.actions.values()).filter(named))
    }

    /// The condition key with this name, in any case. Looks in the service that the key's prefix names, or in all
    /// services if there is none.
    pub fn find_condition_key(&self, key: &str) -> Option<&ConditionKey> {
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
        Pattern::parse(&text.to_lowercase(), LanguageVersion::V2012, PatternDialect::Wildcards)
    }

    #[test]
    fn catalogue_is_complete_and_small() {
        let all = embedded_catalogue();
        assert!(all.services().count() > 400);
        assert!(all.services().map(|service| service.actions.len()).sum::<usize>() > 20_000);
        assert!(PACKED.len() <= 400 * 1024);
    }

    #[test]
    fn action_has_level_and_resources() {
        let action = embedded_catalogue().find_action("S3:getobject").unwrap();
        assert_eq!((action.full_name().as_str(), action.level), ("s3:GetObject", ActionAccessLevel::Read));
        let s3 = embedded_catalogue().find_service("s3").unwrap();
        assert!(action.resources.iter().any(|place| s3.resources[*place].name == "object"));
        assert_eq!(
            embedded_catalogue().find_action("iam:PutRolePolicy").unwrap().level,
            ActionAccessLevel::PermissionsManagement
        );
        assert!(embedded_catalogue().find_action("s3:GetObjekt").is_none());
    }

    #[test]
    fn patterns_match_actions() {
        let names: Vec<String> = embedded_catalogue()
            .matching_actions(&pattern("iam:*LoginProfile"))
            .map(CatalogueAction::full_name)
            .collect();
        assert_eq!(
            names,
            ["iam:CreateLoginProfile", "iam:DeleteLoginProfile", "iam:GetLoginProfile", "iam:UpdateLoginProfile"]
        );
        assert_eq!(embedded_catalogue().matching_actions(&pattern("iam:Nothing*")).count(), 0);
        assert!(embedded_catalogue().matching_actions(&pattern("*")).count() > 20_000);
    }

    #[test]
    fn keys_are_found_in_any_case() {
        assert!(embedded_catalogue().find_condition_key("S3:Max-Keys").is_some());
        assert!(embedded_catalogue().find_condition_key("s3:ExistingObjectTag/team").is_some());
        assert!(embedded_catalogue().find_condition_key("s3:Nothing").is_none());
        assert!(embedded_catalogue().find_condition_key("dynamodb:Attributes").unwrap().multivalued);
    }
}
