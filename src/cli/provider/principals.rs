//! Whose credentials a stack's runs use, and for what. Pure.
//!
//! In: the stack as it is declared. Out: each principal with what it is needed for. A run starts with the credentials of its environment or
//! of a profile; a `provider` block or the backend may assume a role from there, or use a profile of its own.
//!
//! ```text
//! environment ──▶ sts:AssumeRole on A ──▶ A: IAM of its account ──▶ the bucket, unless the backend says otherwise
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use leasehold_provider::Alias;

use crate::config::declared::{AssumeRoleBlock, BackendLocation, DeclaredStack, ProviderSettings, S3Bucket};

/// Whose credentials.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum RunPrincipal {
    /// Those that the environment has: a job's role, a person's session.
    Environment,
    /// Those of a profile of the shared configuration files.
    Profile(String),
    /// Those of a role that is assumed, by its ARN.
    Role(String),
}

impl fmt::Display for RunPrincipal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Environment => f.write_str("the environment"),
            Self::Profile(name) => write!(f, "profile {name}"),
            Self::Role(arn) => write!(f, "role {arn}"),
        }
    }
}

/// What a principal is needed for.
#[derive(Debug, Clone, Default)]
pub struct PrincipalNeeds {
    /// The accounts whose identities it works on, by alias of their `provider` block; `None`: the first.
    pub accounts: BTreeSet<Option<Alias>>,
    /// The number of each of these accounts; `None`: the configuration does not say.
    pub numbers: BTreeSet<Option<String>>,
    /// The region of the first of them.
    pub region: Option<String>,
    /// Whether it reads and writes the stack's records.
    pub records: bool,
    /// The roles that it assumes.
    pub roles: BTreeSet<String>,
}

impl PrincipalNeeds {
    /// The account's number, where it is one that is known; else `*`.
    #[must_use]
    pub fn account(&self) -> &str {
        match self.numbers.iter().collect::<Vec<_>>().as_slice() {
            [Some(number)] => number,
            _ => "*",
        }
    }
}

/// The principals of a stack's runs.
#[derive(Debug, Default)]
pub struct RunPrincipals {
    /// The one that a run starts with: the environment, unless every block names a profile. `None`: nothing is needed in AWS.
    pub first: Option<RunPrincipal>,
    /// What each is needed for.
    pub needs: BTreeMap<RunPrincipal, PrincipalNeeds>,
}

impl RunPrincipals {
    /// Those of a stack.
    #[must_use]
    pub fn from_declared(declared: &DeclaredStack) -> Self {
        let mut principals = Self::default();
        let mut of_records = None;
        for (number, block) in declared.providers.iter().enumerate() {
            let ProviderSettings::Aws { region, profile, allowed_account_ids, assume_role } = &block.settings else {
                continue;
            };
            let (base, acting) = principals.resolve_principals(profile.as_ref(), assume_role.as_ref());
            if number == 0 {
                (principals.first, of_records) = (Some(base), Some(acting.clone()));
            }
            let of_role = assume_role.as_ref().and_then(|role| parse_role_account(&role.role_arn));
            let only = allowed_account_ids.first().filter(|_| allowed_account_ids.len() == 1).cloned();
            let needs = principals.needs.entry(acting).or_default();
            needs.accounts.insert(block.alias.clone().filter(|_| number > 0));
            needs.numbers.insert(of_role.or(only));
            needs.region = needs.region.take().or_else(|| region.clone());
        }
        if let BackendLocation::S3(S3Bucket { profile, assume_role, .. }) = &declared.backend.place {
            let acting = match (profile, assume_role, of_records) {
                (None, None, Some(acting)) => acting,
                _ => {
                    let (base, acting) = principals.resolve_principals(profile.as_ref(), assume_role.as_ref());
                    principals.first.get_or_insert(base);
                    acting
                }
            };
            let needs = principals.needs.entry(acting).or_default();
            needs.records = true;
            needs.numbers.extend(assume_role.as_ref().map(|role| parse_role_account(&role.role_arn)));
        }
        if principals.needs.contains_key(&RunPrincipal::Environment) {
            principals.first = Some(RunPrincipal::Environment);
        }
        principals
    }

    /// Where a run starts for a block, and as whom it acts for it.
    fn resolve_principals(
        &mut self,
        profile: Option<&String>,
        role: Option<&AssumeRoleBlock>,
    ) -> (RunPrincipal, RunPrincipal) {
        let base = profile.map_or(RunPrincipal::Environment, |name| RunPrincipal::Profile(name.clone()));
        let Some(role) = role else { return (base.clone(), base) };
        self.needs.entry(base.clone()).or_default().roles.insert(role.role_arn.clone());
        (base, RunPrincipal::Role(role.role_arn.clone()))
    }
}

/// The account that a role's ARN names: `arn:aws:iam::111122223333:role/NAME`.
fn parse_role_account(arn: &str) -> Option<String> {
    arn.split(':').nth(4).filter(|account| !account.is_empty()).map(str::to_owned)
}
