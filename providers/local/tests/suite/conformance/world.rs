//! Worlds for the conformance suite: each is an empty directory in its own temporary folder.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use jiff::Timestamp;
use leasehold_local::{KEY_ACTIVE, LocalDirectory, kinds};
use leasehold_provider::conformance::{Vocabulary, World, WorldError, Worlds};
use leasehold_provider::{Document, Principal, Provider, StackName};
use serde_json::json;

use super::flaws::{Flaw, inject_flaw};

const READ_ONLY: &str = "arn:aws:iam::aws:policy/ReadOnlyAccess";
const ADMINISTRATOR: &str = "arn:aws:iam::aws:policy/AdministratorAccess";

/// Creates worlds whose directory has one flaw or none.
pub struct Directories {
    pub flaw: Option<Flaw>,
}

#[async_trait]
impl Worlds for Directories {
    async fn create_world(&self) -> Result<Box<dyn World>, WorldError> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("directory.db");
        let clock = Arc::new(|| Timestamp::constant(1_795_212_000, 0));
        let directory = Arc::new(LocalDirectory::new(path, "conformance", clock).without_sync());
        let provider = Arc::clone(&directory).into_provider();
        let provider = match self.flaw {
            None => provider,
            Some(flaw) => inject_flaw(provider, &directory, flaw),
        };
        Ok(Box::new(DirectoryWorld { provider, directory, unmanaged_objects: Mutex::default(), _folder: folder }))
    }
}

struct DirectoryWorld {
    provider: Provider,
    directory: Arc<LocalDirectory>,
    unmanaged_objects: Mutex<Vec<String>>,
    _folder: tempfile::TempDir,
}

#[async_trait]
impl World for DirectoryWorld {
    fn provider(&self) -> &Provider {
        &self.provider
    }

    fn vocabulary(&self) -> Vocabulary {
        Vocabulary::for_iam()
    }

    fn outside_policy(&self) -> Option<String> {
        Some(READ_ONLY.to_owned())
    }

    fn boundary_policy(&self) -> Option<String> {
        Some("arn:aws:iam::aws:policy/PowerUserAccess".to_owned())
    }

    async fn add_unmanaged_principal(&self, principal: Principal, name: &str) -> Result<(), WorldError> {
        let outside = self.directory.external_admin();
        outside.create_principal(principal, name, &BTreeMap::from([("team".to_owned(), "others".to_owned())]))?;
        outside.put_inline_policy(name, kinds::LEASE_POLICY, &allow_everything())?;
        outside.attach_policy(name, READ_ONLY)?;
        if principal == Principal::User {
            outside.add_key(name, &format!("KEY-{name}"))?;
        }
        self.unmanaged_objects.lock().unwrap().push(name.to_owned());
        Ok(())
    }

    async fn add_unmanaged_policy(&self, _stack: &StackName, scope: &str) -> Result<(), WorldError> {
        self.directory.external_admin().create_policy(scope, &allow_everything(), &BTreeMap::new())?;
        self.unmanaged_objects.lock().unwrap().push(scope.to_owned());
        Ok(())
    }

    async fn add_unmanaged_group(&self, name: &str) -> Result<(), WorldError> {
        self.directory.external_admin().create_group(name, &allow_everything(), &BTreeMap::new())?;
        self.unmanaged_objects.lock().unwrap().push(name.to_owned());
        Ok(())
    }

    async fn describe_unmanaged_objects(&self) -> Result<String, WorldError> {
        let names = self.unmanaged_objects.lock().unwrap().clone();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        Ok(serde_json::to_string(&self.directory.external_admin().rows_of(&names)?)?)
    }

    async fn add_unmanaged_access(&self, _principal: Principal, name: &str) -> Result<(), WorldError> {
        let outside = self.directory.external_admin();
        outside.put_inline_policy(name, "just-for-now", &allow_everything())?;
        outside.attach_policy(name, ADMINISTRATOR)?;
        Ok(())
    }

    async fn add_credentials(&self, user: &str) -> Result<(), WorldError> {
        let outside = self.directory.external_admin();
        for number in 1..=2 {
            outside.add_key(user, &format!("KEY{number}-{user}"))?;
        }
        outside.add_login(user)?;
        Ok(())
    }

    async fn count_working_credentials(&self, user: &str) -> Result<usize, WorldError> {
        let rows = self.directory.external_admin().rows_of(&[user])?;
        let rows_in = |table: &str| rows.get(&format!("{table} {user}")).and_then(|rows| rows.as_array()).cloned();
        let keys = rows_in("key").unwrap_or_default();
        let working = keys.iter().filter(|key| key.to_string().contains(KEY_ACTIVE)).count();
        Ok(working + rows_in("login").unwrap_or_default().len())
    }
}

fn allow_everything() -> Document {
    let allow = json!({ "Effect": "Allow", "Action": "*", "Resource": "*" });
    Document::new(json!({ "Version": "2012-10-17", "Statement": allow }))
}
