//! The principals that a stack's runs act as, and what each needs. Pure.
//!
//! In: the declared stack. Out: each principal with its needs. A run starts with the credentials of its environment or of a profile. From
//! there, a `provider` block or the backend may assume a role; it may also use its own profile.
//!
//! ```text
//! environment ──▶ sts:AssumeRole on A ──▶ A: IAM of its account ──▶ the bucket, unless the backend says otherwise
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use leasehold_aws::AwsSettings;
use leasehold_provider::Alias;

use crate::config::declared::{BackendLocation, DeclaredStack, S3Bucket};
use crate::workflow::{WorkflowError, build_aws_settings};

/// The credentials that a request is made with.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum RunPrincipal {
    /// The credentials of the environment: those of a CI job's role or of a person's session.
    Environment,
    /// The credentials of a profile in the AWS shared configuration files.
    Profile(String),
    /// The credentials of an assumed role, given by its ARN.
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

/// What a principal needs.
#[derive(Debug, Clone, Default)]
pub struct PrincipalNeeds {
    /// The accounts whose identities it reads or writes, by the alias of their `provider` block. `None`: the first account.
    pub accounts: BTreeSet<Option<Alias>>,
    /// The numbers of these accounts. `None`: the configuration does not give the number.
    pub numbers: BTreeSet<Option<String>>,
    /// The region of the first of these accounts.
    pub region: Option<String>,
    /// Whether it reads and writes the stack's records.
    pub records: bool,
    /// The roles that it assumes, by ARN.
    pub roles: BTreeSet<String>,
}

impl PrincipalNeeds {
    /// The account number if there is exactly one and it is known, otherwise `*`.
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
    /// The principal that a run starts as: the environment, unless every block names a profile. `None`: nothing is needed in AWS.
    pub first: Option<RunPrincipal>,
    /// The needs of each principal.
    pub needs: BTreeMap<RunPrincipal, PrincipalNeeds>,
}

impl RunPrincipals {
    /// Finds the principals of a stack.
    ///
    /// # Errors
    /// A bug in Leasehold: settings that were checked cannot be read.
    pub fn from_declared(declared: &DeclaredStack) -> Result<Self, WorkflowError> {
        let mut principals = Self::default();
        let mut of_records = None;
        for (number, block) in declared.providers.iter().enumerate() {
            let Some(AwsSettings { region, profile, allowed_account_ids, assume_role, .. }) =
                build_aws_settings(&block.settings)?
            else {
                continue;
            };
            let role_arn = assume_role.map(|role| role.role_arn);
            let (base, acting) = principals.resolve_principals(profile.as_ref(), role_arn.as_ref());
            if number == 0 {
                (principals.first, of_records) = (Some(base), Some(acting.clone()));
            }
            let of_role = role_arn.as_deref().and_then(parse_role_account);
            let only = allowed_account_ids.first().filter(|_| allowed_account_ids.len() == 1).cloned();
            let needs = principals.needs.entry(acting).or_default();
            needs.accounts.insert(block.alias.clone().filter(|_| number > 0));
            needs.numbers.insert(of_role.or(only));
            needs.region = needs.region.take().or(region);
        }
        if let BackendLocation::S3(S3Bucket { profile, assume_role, .. }) = &declared.backend.place {
            let acting = match (profile, assume_role, of_records) {
                (None, None, Some(acting)) => acting,
                _ => {
                    let role_arn = assume_role.as_ref().map(|role| &role.role_arn);
                    let (base, acting) = principals.resolve_principals(profile.as_ref(), role_arn);
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
        Ok(principals)
    }

    /// The principal that a run starts as for a block, and the principal that it acts as for this block.
    fn resolve_principals(
        &mut self,
        profile: Option<&String>,
        role_arn: Option<&String>,
    ) -> (RunPrincipal, RunPrincipal) {
        let base = profile.map_or(RunPrincipal::Environment, |name| RunPrincipal::Profile(name.clone()));
        let Some(role_arn) = role_arn else { return (base.clone(), base) };
        self.needs.entry(base.clone()).or_default().roles.insert(role_arn.clone());
        (base, RunPrincipal::Role(role_arn.clone()))
    }
}

/// The account that the ARN of a role names: `arn:aws:iam::111122223333:role/NAME`.
fn parse_role_account(arn: &str) -> Option<String> {
    arn.split(':').nth(4).filter(|account| !account.is_empty()).map(str::to_owned)
}
