//! Desired identities, scopes, groups and federations: the values that a provider turns into resources.
//!
//! These values are final. References are resolved, durations are converted to instants, and defaults are filled in.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{Address, Alias, Span};

/// The kind of actor that an identity represents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A person.
    Human,
    /// A long-running service or integration account.
    Service,
    /// A job or deployment that authenticates by federation.
    Workload,
    /// An AI agent.
    Agent,
    /// An emergency account. It never becomes a leaver because of a lease or because its owner leaves.
    BreakGlass,
}

impl Kind {
    /// Every kind, in the order the language lists them.
    pub const ALL: [Self; 5] = [Self::Human, Self::Service, Self::Workload, Self::Agent, Self::BreakGlass];

    /// The kind as the configuration language writes it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Human => "human",
            Self::Service => "service",
            Self::Workload => "workload",
            Self::Agent => "agent",
            Self::BreakGlass => "break_glass",
        }
    }

    /// The principal form of an identity of this kind if its block does not name one. Workloads and agents are roles;
    /// the others are users.
    #[must_use]
    pub fn default_principal(self) -> Principal {
        match self {
            Self::Human | Self::Service | Self::BreakGlass => Principal::User,
            Self::Workload | Self::Agent => Principal::Role,
        }
    }
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The form an identity takes in the cloud.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Principal {
    /// Has its own credentials.
    User,
    /// Has no credentials. The principals that it trusts can assume it.
    Role,
}

impl Principal {
    /// The form as the configuration language writes it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Role => "role",
        }
    }
}

/// The effect of a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// Grants access.
    Allow,
    /// Denies access, even if another statement allows it.
    Deny,
}

/// One policy statement: actions, resources and conditions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Statement {
    /// The statement's id: letters and digits. `None`: it has no id.
    pub sid: Option<String>,
    /// Whether it allows or denies.
    pub effect: Effect,
    /// The actions it covers. Exactly one of `actions` and `not_actions` is not empty.
    pub actions: Vec<String>,
    /// It covers all actions except these.
    pub not_actions: Vec<String>,
    /// The resources it covers. Exactly one of `resources` and `not_resources` is not empty.
    pub resources: Vec<String>,
    /// It covers all resources except these.
    pub not_resources: Vec<String>,
    /// The conditions under which the statement applies. All of them must be met.
    pub conditions: Vec<Condition>,
    /// Whether a sensitive value is part of the statement. Views hide such a statement.
    #[serde(default)]
    pub sensitive: bool,
}

/// One condition of a statement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Condition {
    /// The operator, such as `StringEquals`.
    pub test: String,
    /// The context key, such as `aws:SecureTransport`.
    pub variable: String,
    /// The condition is met if one of these values matches.
    pub values: Vec<String>,
}

/// Which principals may assume a role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Trust {
    /// Callers with a token of an OpenID Connect issuer.
    Oidc {
        /// The issuer's URL, `https://…`.
        issuer: String,
        /// Accepted `aud` claims.
        audiences: Vec<String>,
        /// Accepted `sub` claims; `*` and `?` match as in the policy language.
        subjects: Vec<String>,
    },
    /// Cloud services, such as `lambda.amazonaws.com`.
    Service {
        /// The services' principal names.
        principals: Vec<String>,
    },
    /// Principals that are not of this stack, by the system's own names. In documents its type is `aws`.
    #[serde(rename = "aws")]
    Named {
        /// The names: on AWS, account ids (12 digits) or ARNs.
        principals: Vec<String>,
        /// The external id that the caller must pass.
        external_id: Option<String>,
    },
    /// Other identities of this stack.
    Identity {
        /// The trusted identities.
        identities: Vec<TrustedIdentity>,
    },
    /// Callers with an assertion of a SAML provider.
    Saml {
        /// The provider's name in the account, or its full name, such as an ARN.
        provider: String,
        /// Accepted `SAML:aud` values.
        audiences: Vec<String>,
    },
}

/// An identity of this stack that a role trusts.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct TrustedIdentity {
    /// Its address.
    pub address: Address,
    /// Its form in the cloud.
    pub principal: Principal,
    /// Its name in the cloud.
    pub name: String,
    /// The account it is in. `None`: the role's account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
}

/// A scope: a set of permissions that several identities and groups can have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scope {
    /// The block's label, [qualified](crate::key::qualify_name) by the module if the block is in one. It is also the
    /// policy's name in the cloud.
    pub name: String,
    /// Its purpose.
    pub description: Option<String>,
    /// Its statements.
    pub statements: Vec<Statement>,
    /// The account that the policy is created in: an account in which some identity or group has the scope. `None`:
    /// the stack's first account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<Alias>,
}

impl Scope {
    /// Its address: `scope.LABEL`, or `module.a.scope.LABEL` in a module.
    #[must_use]
    pub fn address(&self) -> Address {
        Address::from_qualified_name("scope", &self.name)
    }
}

/// A group of the stack: permissions that all its members have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    /// Its address: `group.LABEL`.
    pub address: Address,
    /// Its name in the cloud.
    pub name: String,
    /// Its own statements.
    pub statements: Vec<Statement>,
    /// The labels of the scopes that are attached to it.
    pub scopes: BTreeSet<String>,
    /// The policies outside the stack that are attached to it, by the system's own names, such as ARNs.
    #[serde(rename = "managed_policy_arns")]
    pub outside_policies: BTreeSet<String>,
    /// The account that it is in. `None`: the stack's first account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<Alias>,
}

/// An identity provider that the account trusts to authenticate callers. Trusts of the stack's roles refer to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Federation {
    /// The block's label, [qualified](crate::key::qualify_name) by the module if the block is in one.
    pub name: String,
    /// The issuer of the tokens or assertions.
    pub issuer: Issuer,
    /// The account that trusts the issuer. `None`: the stack's first account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<Alias>,
}

impl Federation {
    /// Its address: `federation.LABEL`, or `module.a.federation.LABEL` in a module.
    #[must_use]
    pub fn address(&self) -> Address {
        Address::from_qualified_name("federation", &self.name)
    }
}

/// What authenticates a caller.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Issuer {
    /// An issuer of OpenID Connect tokens.
    Oidc {
        /// Its URL, `https://…`. It is also the object's name in the cloud.
        url: String,
        /// The accepted audiences of tokens.
        audiences: BTreeSet<String>,
        /// The thumbprints of its certificate, in lower case. Empty: the cloud determines them.
        thumbprints: BTreeSet<String>,
    },
    /// A directory that signs SAML assertions.
    Saml {
        /// The object's name in the cloud.
        name: String,
        /// Its metadata, an XML document.
        metadata: String,
    },
}

/// A kind of credential. The order of the variants is the order in which a quarantine disables them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Credential {
    /// A key for programs.
    AccessKey,
    /// A password for people.
    Login,
    /// A key for code repositories.
    SshKey,
    /// A certificate that signs requests.
    SigningCertificate,
    /// A user name and password, or a key, for one service of the cloud.
    ServiceSpecific,
    /// A second factor (MFA). It grants no access, and to remove it can weaken the protection of a password.
    MfaDevice,
}

impl Credential {
    /// Every kind, in the order in which a quarantine disables them.
    pub const ALL: [Self; 6] =
        [Self::AccessKey, Self::Login, Self::SshKey, Self::SigningCertificate, Self::ServiceSpecific, Self::MfaDevice];

    /// The kind as the configuration language writes it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AccessKey => "access_key",
            Self::Login => "login",
            Self::SshKey => "ssh_key",
            Self::SigningCertificate => "signing_certificate",
            Self::ServiceSpecific => "service_specific",
            Self::MfaDevice => "mfa_device",
        }
    }
}

/// What a block declares of an identity itself. The lease is not part of it: a stack declares its terms, and an active
/// identity has a deadline.
///
/// To add an attribute, add a field here, then read it (`config/schema/blocks.rs`, `config/declare/parts.rs`), realize it
/// in each provider that has a place for it, or write it as a mark ([`crate::Marks::for_active_identity`]).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdentitySpec {
    /// Its address in the stack, such as `identity.ci`.
    pub address: Address,
    /// Its name in the cloud.
    pub name: String,
    /// The kind of actor.
    pub kind: Kind,
    /// Its form in the cloud.
    pub principal: Principal,
    /// The label of its owner.
    pub owner: String,
    /// The label of the service it works for.
    pub service: Option<String>,
    /// Its environment, such as `prod`.
    pub environment: Option<String>,
    /// Why it exists.
    pub purpose: Option<String>,
    /// How long it stays quarantined before it is deleted. `None`: its block does not say.
    pub grace: Option<Span>,
    /// Its own statements.
    pub statements: Vec<Statement>,
    /// The labels of the scopes that are attached to it.
    pub scopes: BTreeSet<String>,
    /// Which principals may assume it. Roles only.
    pub trusts: Vec<Trust>,
    /// The policies outside the stack that are attached to it, by the system's own names, such as ARNs.
    pub outside_policies: BTreeSet<String>,
    /// The groups it is a member of, by their names in the cloud: groups of the stack, and groups that Leasehold does
    /// not manage. Users only.
    pub groups: BTreeSet<String>,
    /// Its path in the cloud, such as `/team/x/`. `None`: the root path.
    pub path: Option<String>,
    /// The kinds of credentials that it keeps in their live state while it is active. Credentials of other kinds are
    /// unmanaged.
    pub retained_credentials: BTreeSet<Credential>,
    /// The ARN of its permissions boundary.
    pub permissions_boundary: Option<String>,
    /// Its tags, without marks.
    pub tags: BTreeMap<String, String>,
    /// The keys of `tags` whose values are sensitive.
    pub sensitive_tags: BTreeSet<String>,
    /// The maximum duration of one session of a role: the provider checks its limits.
    pub max_session_duration: Option<Span>,
    /// The account that it is in. `None`: the stack's first account.
    pub account: Option<Alias>,
    /// The value of its template mark: the template's name and a digest of its content. `None`: it uses no template.
    pub template: Option<String>,
}

impl IdentitySpec {
    /// An identity that has a principal of its kind's form and an owner, and nothing else.
    #[must_use]
    pub fn new(address: Address, name: impl Into<String>, kind: Kind, owner: impl Into<String>) -> Self {
        Self {
            address,
            name: name.into(),
            kind,
            principal: kind.default_principal(),
            owner: owner.into(),
            service: None,
            environment: None,
            purpose: None,
            grace: None,
            statements: Vec::new(),
            scopes: BTreeSet::new(),
            trusts: Vec::new(),
            outside_policies: BTreeSet::new(),
            groups: BTreeSet::new(),
            path: None,
            retained_credentials: BTreeSet::new(),
            permissions_boundary: None,
            tags: BTreeMap::new(),
            sensitive_tags: BTreeSet::new(),
            max_session_duration: None,
            account: None,
            template: None,
        }
    }
}

/// An identity that should be active, with everything that Leasehold manages of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DesiredIdentity {
    /// What its block declares. Its name is the name of the live principal, if there is one.
    pub spec: IdentitySpec,
    /// When it joined; `ttl` counts from here.
    pub created_at: Timestamp,
    /// The instant from which it has no access. `None`: it has no lease.
    pub deadline: Option<Timestamp>,
}

/// A cloud limit that a declared object would exceed. The engine shows it with the line of the attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The address of the object, such as `identity.x` or `scope.x`.
    pub subject: Address,
    /// The attribute or nested block that causes the problem, such as `name`. Empty: the object's block as a whole.
    pub attribute: &'static str,
    /// What is wrong, with the actual value and the limit.
    pub problem: String,
    /// What to do.
    pub help: String,
}
