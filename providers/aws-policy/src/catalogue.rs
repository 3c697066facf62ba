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
#[expect(clippy::expect_used, reason = "the bytes are a constant, which the tests of this module unpack and parse")]
pub fn embedded_catalogue() -> &'static Catalogue {
    static TEXT: OnceLock<String> = OnceLock::new();
    static CATALOGUE: OnceLock<Catalogue> = OnceLock::new();
    let text = TEXT.get_or_init(|| {
        let bytes = miniz_oxide::inflate::decompress_to_vec_zlib(PACKED).ok();
        bytes
            .and_then(|bytes| String::from_utf8(bytes).ok())
            .expect("bug in Leasehold: the catalogue is not packed text")
    });
    CATALOGUE.get_or_init(|| Catalogue::parse_packed_text(text).expect("bug in Leasehold"))
}

/// A line of the catalogue that is not in the format of `scripts/refresh-catalogue.py`.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("the catalogue's line {0} is not valid")]
struct CatalogueLineError(usize);

impl Catalogue {
    /// Parses lines of tab-separated fields; `scripts/refresh-catalogue.py` documents the format.
    fn parse_packed_text(text: &'static str) -> Result<Self, CatalogueLineError> {
        let mut services: Vec<CatalogueService> = Vec::new();
        for (index, line) in text.lines().enumerate() {
            Self::parse_line(line, &mut services).ok_or(CatalogueLineError(index + 1))?;
        }
        Ok(Self { services: services.into_iter().map(|service| (service.prefix, service)).collect() })
    }

    /// Adds one line: a service, or a part of the last service. `None`: the line is not valid.
    fn parse_line(line: &'static str, services: &mut Vec<CatalogueService>) -> Option<()> {
        let mut fields = line.split('\t');
        let mut next = || fields.next();
        match (next()?, services.last_mut()) {
            ("S", _) => {
                let (prefix, name) = (next()?, next()?);
                let (resources, keys, actions) = (Vec::new(), Vec::new(), BTreeMap::new());
                services.push(CatalogueService { prefix, name, resources, keys, actions });
            }
            ("R", Some(service)) => {
                let (name, arn) = (next()?, Pattern::parse(next()?, LanguageVersion::V2008, PatternDialect::Full));
                service.resources.push(ResourceType { name, arn });
            }
            ("K", Some(service)) => {
                service.keys.push(ConditionKey { name: next()?, multivalued: next()? == "A" });
            }
            ("A", Some(service)) => {
                let name = next()?;
                let level = match next()? {
                    "L" => ActionAccessLevel::List,
                    "R" => ActionAccessLevel::Read,
                    "T" => ActionAccessLevel::Tagging,
                    "W" => ActionAccessLevel::Write,
                    "P" => ActionAccessLevel::PermissionsManagement,
                    _ => return None,
                };
                let (resources, keys) = (next()?, next()?);
                let action = CatalogueAction {
                    service: service.prefix,
                    name,
                    level,
                    resources: parse_indices(resources, service.resources.len())?,
                    needs_resource: resources.contains('!'),
                    keys: parse_indices(keys, service.keys.len())?,
                };
                service.actions.insert(name.to_lowercase(), action);
            }
            _ => return None,
        }
        Some(())
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

/// Parses indices such as `0,3!`, each below `count`; `!` marks a required resource type. `None`: one is not valid.
fn parse_indices(list: &str, count: usize) -> Option<Vec<usize>> {
    let items = list.split(',').filter(|item| !item.is_empty());
    items.map(|item| item.trim_end_matches('!').parse().ok().filter(|index| *index < count)).collect()
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
    fn invalid_line_is_reported() {
        let parse = |text| Catalogue::parse_packed_text(text).map(|all| all.services().count());
        assert_eq!(parse("S\ts3\tAmazon S3\nR\tbucket\tarn:*\nA\tGetObject\tR\t0!\t"), Ok(1));
        assert_eq!(parse("R\tbucket\tarn:*"), Err(CatalogueLineError(1)));
        assert_eq!(parse("S\ts3\tAmazon S3\nA\tGetObject\tR\t0\t"), Err(CatalogueLineError(2)));
        assert_eq!(parse("S\ts3\tAmazon S3\nA\tGetObject\tX\t\t"), Err(CatalogueLineError(2)));
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
