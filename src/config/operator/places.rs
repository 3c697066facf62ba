//! Checks where a stack sends requests and writes records and secrets, against the operator's bounds.

use leasehold_provider::{Alias, EndpointRule, StackName};
use serde_json::Value as Json;

use super::{BoundSubject, BoundViolation, OperatorBounds, PatternList};
use crate::config::declared::{Backend, BackendLocation, Providers, S3Bucket, SecretStore};
use crate::hcl::value::show::quote_text;
use crate::providers::ProviderSettings;

/// The name of the place of a stack's records, as the operator's `backends` writes it.
#[must_use]
pub fn name_backend(backend: &Backend, stack: &StackName) -> String {
    let prefix = |prefix: &Option<String>| prefix.clone().unwrap_or_else(|| format!("leasehold/{stack}"));
    match &backend.place {
        BackendLocation::Local { path } => format!("local:{path}"),
        BackendLocation::S3(bucket) => format!("s3://{}/{}", bucket.name, prefix(&bucket.prefix)),
        BackendLocation::Azure { account, container, prefix: own } => {
            format!("azure://{account}/{container}/{}", prefix(own))
        }
        BackendLocation::Gcs { bucket, prefix: own } => format!("gs://{bucket}/{}", prefix(own)),
    }
}

/// The name of a secret store, as the operator's `secret_stores` writes it.
#[must_use]
pub fn name_secret_store(store: &SecretStore) -> String {
    match store {
        SecretStore::File { path } => format!("file:{path}"),
    }
}

/// A block of the stack, with the name that messages use.
struct CheckedBlock<'a> {
    subject: BoundSubject,
    name: &'a str,
}

impl CheckedBlock<'_> {
    fn violation(&self, attribute: &'static str, what: &str, bound: String, help: &str) -> BoundViolation {
        BoundViolation {
            subject: self.subject.clone(),
            attribute,
            summary: format!("{} {what}", self.name),
            bound: Some(bound),
            help: help.to_owned(),
        }
    }

    /// What is not in a list. `None`: the name is in it, or there is no list.
    fn check_list(
        &self,
        list: Option<&PatternList>,
        (list_name, attribute): (&str, &'static str),
        name: &str,
    ) -> Option<BoundViolation> {
        let list = list.filter(|list| !list.value.iter().any(|pattern| pattern.matches_name(name)))?;
        let what = format!("uses {}, which the operator does not allow", quote_text(name));
        let bound = format!("`{list_name}` at {} does not contain it", list.place);
        Some(self.violation(attribute, &what, bound, "use what the operator allows, or ask the operator to add this"))
    }

    /// The role to assume: the role itself, and its account.
    fn check_role(&self, bounds: &OperatorBounds, arn: &str) -> impl Iterator<Item = BoundViolation> {
        let account = arn.split(':').nth(4).unwrap_or_default();
        [
            self.check_list(bounds.assume_roles.as_ref(), ("assume_roles", "assume_role"), arn),
            self.check_list(bounds.accounts.as_ref(), ("accounts", "assume_role"), account),
        ]
        .into_iter()
        .flatten()
    }

    /// A name that becomes part of a host name, such as a region. With `/`, `@` or `#` in it, it would choose another host.
    fn check_host_part(
        &self,
        attribute: &'static str,
        value: Option<&str>,
        is_valid: fn(&str) -> bool,
    ) -> Option<BoundViolation> {
        let value = value.filter(|value| !is_valid(value))?;
        Some(BoundViolation {
            subject: self.subject.clone(),
            attribute,
            summary: format!("{}: {} is not a valid `{attribute}`", self.name, quote_text(value)),
            bound: None,
            help: "use a name of letters, digits and `-`: it becomes part of the host that receives the requests"
                .to_owned(),
        })
    }

    fn check_endpoint(&self, bounds: &OperatorBounds, url: &str) -> Option<BoundViolation> {
        let error = bounds.endpoints.check_endpoint(url).err()?;
        Some(BoundViolation {
            subject: self.subject.clone(),
            attribute: "endpoint",
            summary: format!("{} names the endpoint {}: {error}", self.name, quote_text(url)),
            bound: None,
            help: error.help().to_owned(),
        })
    }
}

/// The longest name that becomes part of a host name: one label (RFC 1035), or a bucket, whose name may have several.
const LONGEST_LABEL: usize = 63;
const LONGEST_BUCKET: usize = 255;

/// Whether a region or a storage account is one label of a host name.
fn is_host_label(text: &str) -> bool {
    text.len() <= LONGEST_LABEL && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

/// Whether a bucket can be part of a host name. Older buckets may have upper-case letters and `_`.
fn is_bucket_name(text: &str) -> bool {
    text.len() <= LONGEST_BUCKET && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte))
}

impl OperatorBounds {
    /// Checks the providers of a stack: their accounts, roles and endpoints.
    #[must_use]
    pub fn check_providers(&self, providers: &Providers) -> Vec<BoundViolation> {
        let others = providers.others.iter().map(|(alias, settings)| (Some(alias), settings));
        std::iter::once((providers.alias.as_ref(), &providers.first))
            .chain(others)
            .flat_map(|(alias, settings)| self.check_provider(settings, alias))
            .collect()
    }

    fn check_provider(&self, settings: &ProviderSettings, alias: Option<&Alias>) -> Vec<BoundViolation> {
        let name = settings.render_reference(alias);
        let block = CheckedBlock { subject: BoundSubject::Provider(alias.cloned()), name: &name };
        let text = |value: Option<&Json>| value.and_then(Json::as_str).map(str::to_owned);
        let role = text(settings.fields.get("assume_role").and_then(|role| role.get("role_arn")));
        let endpoint = text(settings.fields.get("endpoint"));
        let mut violations = self.check_accounts(settings, &block);
        let region = settings.fields.get("region").and_then(Json::as_str);
        violations.extend(block.check_host_part("region", region, is_host_label));
        violations.extend(role.into_iter().flat_map(|arn| block.check_role(self, &arn).collect::<Vec<_>>()));
        violations.extend(endpoint.and_then(|url| block.check_endpoint(self, &url)));
        violations
    }

    /// Checks the accounts of a provider that has accounts. The provider itself checks that its credentials belong to one of
    /// `allowed_account_ids`.
    fn check_accounts(&self, settings: &ProviderSettings, block: &CheckedBlock<'_>) -> Vec<BoundViolation> {
        const ATTRIBUTE: &str = "allowed_account_ids";
        let has_accounts = settings.provider.form.attributes.iter().any(|attribute| attribute.name == ATTRIBUTE);
        let Some(accounts) = self.accounts.as_ref().filter(|_| has_accounts) else { return Vec::new() };
        let ids: Vec<&str> = settings
            .fields
            .get(ATTRIBUTE)
            .and_then(Json::as_array)
            .into_iter()
            .flatten()
            .filter_map(Json::as_str)
            .collect();
        if ids.is_empty() {
            let bound = format!("`accounts` at {} lists the accounts that stacks may use", accounts.place);
            let help = "write the account that the stack belongs to: allowed_account_ids = [\"111122223333\"]";
            return vec![block.violation(ATTRIBUTE, "names no account, so it could use any", bound, help)];
        }
        ids.into_iter().filter_map(|id| block.check_list(Some(accounts), ("accounts", ATTRIBUTE), id)).collect()
    }

    /// Checks the place of a stack's records, and how it is reached.
    #[must_use]
    pub fn check_backend(&self, backend: &Backend, stack: &StackName) -> Vec<BoundViolation> {
        let block = CheckedBlock { subject: BoundSubject::Backend, name: "the backend" };
        let attribute = match &backend.place {
            BackendLocation::Local { .. } => "path",
            BackendLocation::S3(_) | BackendLocation::Gcs { .. } => "bucket",
            BackendLocation::Azure { .. } => "container",
        };
        let name = name_backend(backend, stack);
        let mut violations: Vec<BoundViolation> =
            block.check_list(self.backends.as_ref(), ("backends", attribute), &name).into_iter().collect();
        if let BackendLocation::Azure { account, .. } = &backend.place {
            violations.extend(block.check_host_part("account", Some(account), is_host_label));
        }
        if let BackendLocation::S3(S3Bucket { name, region, endpoint, assume_role, .. }) = &backend.place {
            violations.extend(block.check_host_part("bucket", Some(name), is_bucket_name));
            violations.extend(block.check_host_part("region", region.as_deref(), is_host_label));
            violations.extend(endpoint.as_ref().and_then(|url| self.check_bucket_endpoint(&block, url)));
            violations.extend(assume_role.iter().flat_map(|role| block.check_role(self, &role.role_arn)));
        }
        violations
    }

    /// Checks the endpoint of a bucket. A list of buckets without a list of endpoints means buckets of AWS: at another endpoint, a bucket of
    /// the same name belongs to somebody else.
    fn check_bucket_endpoint(&self, block: &CheckedBlock<'_>, url: &str) -> Option<BoundViolation> {
        match (&self.backends, &self.endpoints) {
            (Some(backends), EndpointRule::HttpsOrLoopback) => {
                let what = format!("names the endpoint {}, which the operator does not allow", quote_text(url));
                let bound =
                    format!("`backends` at {} names buckets of AWS, because there is no `endpoints`", backends.place);
                let help = "remove `endpoint`, or ask the operator to add it to `endpoints`";
                Some(block.violation("endpoint", &what, bound, help))
            }
            _ => block.check_endpoint(self, url),
        }
    }

    /// Checks the places of secrets.
    pub fn check_secret_stores<'a>(
        &self,
        stores: impl IntoIterator<Item = (&'a String, &'a SecretStore)>,
    ) -> Vec<BoundViolation> {
        let check = |(label, store): (&'a String, &'a SecretStore)| {
            let name = format!("store {}", quote_text(label));
            let block = CheckedBlock { subject: BoundSubject::SecretStore(label.clone()), name: &name };
            block.check_list(self.secret_stores.as_ref(), ("secret_stores", "path"), &name_secret_store(store))
        };
        stores.into_iter().filter_map(check).collect()
    }
}
