//! Worlds for the conformance suite: each is an empty database.

use std::sync::Arc;

use async_trait::async_trait;
use leasehold_provider::conformance::{Vocabulary, World, WorldError, Worlds};
use leasehold_provider::{
    DesiredIdentity, Effect, LiveIdentity, Marks, Principal, Provider, Quarantine, RealizeObjects, Realizer, Realm,
    Resource, Scope, StackName, Statement, Value,
};

use crate::database::Database;
use crate::realize::{DatabaseRealizer, scope_role};

/// A flaw, to show that the suite detects it although it skips the laws about IAM.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DatabaseFlaw {
    QuarantineKeepsLogin,
    NoValidityDate,
}

pub struct Databases {
    pub flaw: Option<DatabaseFlaw>,
}

#[async_trait]
impl Worlds for Databases {
    async fn create_world(&self) -> Result<Box<dyn World>, WorldError> {
        let database = Arc::new(Database::default());
        let provider = database.clone().into_provider();
        let provider = match self.flaw {
            None => provider,
            Some(flaw) => {
                let realize = Realizer { objects: Arc::new(FlawedDatabase(flaw)), ..provider.realize };
                Provider { realize, ..provider }
            }
        };
        Ok(Box::new(DatabaseWorld { provider, database }))
    }
}

struct FlawedDatabase(DatabaseFlaw);

impl RealizeObjects for FlawedDatabase {
    fn realize_scope(&self, realm: &Realm, stack: &StackName, scope: &Scope) -> Resource {
        DatabaseRealizer.realize_scope(realm, stack, scope)
    }

    fn realize_identity(&self, realm: &Realm, identity: &DesiredIdentity, marks: &Marks) -> Vec<Resource> {
        let deadline = identity.deadline.filter(|_| self.0 != DatabaseFlaw::NoValidityDate);
        DatabaseRealizer.realize_identity(realm, &DesiredIdentity { deadline, ..identity.clone() }, marks)
    }

    fn realize_quarantine(&self, realm: &Realm, live: &LiveIdentity, quarantine: &Quarantine) -> Vec<Resource> {
        let parts = DatabaseRealizer.realize_quarantine(realm, live, quarantine);
        let open = |part: Resource| match part.get("login") {
            Some(_) if self.0 == DatabaseFlaw::QuarantineKeepsLogin => part.with_attribute("login", Value::Flag(true)),
            _ => part,
        };
        parts.into_iter().map(open).collect()
    }
}

struct DatabaseWorld {
    provider: Provider,
    database: Arc<Database>,
}

fn grant_on(privileges: &[&str], object: &str) -> Statement {
    Statement {
        sid: None,
        effect: Effect::Allow,
        actions: privileges.iter().map(|privilege| (*privilege).to_owned()).collect(),
        not_actions: Vec::new(),
        resources: vec![object.to_owned()],
        not_resources: Vec::new(),
        conditions: Vec::new(),
        sensitive: false,
    }
}

fn pair(privilege: &str, object: &str) -> (String, String) {
    (privilege.to_owned(), object.to_owned())
}

#[async_trait]
impl World for DatabaseWorld {
    fn provider(&self) -> &Provider {
        &self.provider
    }

    fn vocabulary(&self) -> Vocabulary {
        Vocabulary {
            read: grant_on(&["SELECT"], "orders"),
            write: grant_on(&["INSERT", "DELETE"], "orders"),
            widen: grant_on(&["REFERENCES"], "orders"),
            own: grant_on(&["SELECT"], "customers"),
            group: grant_on(&["SELECT"], "topics"),
            role: grant_on(&["INSERT"], "queue"),
            moved: grant_on(&["UPDATE"], "customers"),
            deny: None,
            tagged: None,
        }
    }

    fn outside_policy(&self) -> Option<String> {
        Some("pg_read_all_stats".to_owned())
    }

    fn boundary_policy(&self) -> Option<String> {
        None
    }

    async fn add_unmanaged_principal(&self, _principal: Principal, name: &str) -> Result<(), WorldError> {
        let mut roles = self.database.roles();
        let role = roles.entry(name.to_owned()).or_default();
        (role.can_login, role.has_password) = (true, true);
        role.labels.insert("team".to_owned(), "others".to_owned());
        role.grants.insert(pair("SELECT", "salaries"));
        Ok(())
    }

    async fn add_unmanaged_policy(&self, stack: &StackName, scope: &str) -> Result<(), WorldError> {
        let mut roles = self.database.roles();
        roles.entry(scope_role(stack, scope)).or_default().grants.insert(pair("SELECT", "salaries"));
        Ok(())
    }

    async fn add_unmanaged_group(&self, name: &str) -> Result<(), WorldError> {
        Err(format!("a database has no groups, and no {name}").into())
    }

    async fn describe_unmanaged_objects(&self) -> Result<String, WorldError> {
        let roles = self.database.roles();
        Ok(format!("{:?}", roles.iter().filter(|(_, role)| role.marks().is_none()).collect::<Vec<_>>()))
    }

    async fn add_unmanaged_access(&self, _principal: Principal, name: &str) -> Result<(), WorldError> {
        let mut roles = self.database.roles();
        let role = roles.get_mut(name).ok_or("no such user")?;
        role.grants.insert(pair("TRUNCATE", "orders"));
        role.member_of.insert("pg_write_all_data".to_owned());
        Ok(())
    }

    async fn add_credentials(&self, user: &str) -> Result<(), WorldError> {
        self.database.roles().get_mut(user).ok_or("no such user")?.has_password = true;
        Ok(())
    }

    async fn count_working_credentials(&self, user: &str) -> Result<usize, WorldError> {
        Ok(self.database.roles().get(user).map_or(0, |role| usize::from(role.can_login && role.has_password)))
    }
}
