//! What an identity should be: the values a provider turns into resources.
//!
//! These are decisions already taken: references are resolved, durations have become instants, defaults are filled in.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{Address, Alias, Span};

/// What sort of actor an identity is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A person.
    Human,
    /// A long-running service or integration account.
    Service,
    /// A job or deployment that proves itself by federation.
    Workload,
    /// An AI agent.
    Agent,
    /// An emergency account: it never leaves by lease or by owner.
    BreakGlass,
}

impl Kind {
    /// Every kind, in the order the language lists them.
    pub const ALL: [Self; 5] = [Self::Human, Self::Service, Self::Workload, Self::Agent, Self::BreakGlass];

    /// The kind as the language writes it.
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

    /// The principal an identity of this kind is unless it says otherwise: workloads and agents are roles.
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
    /// Has credentials of its own.
    User,
    /// Is assumed by those it trusts.
    Role,
}

impl Principal {
    /// The principal's form as the language writes it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Role => "role",
        }
    }
}

/// Whether a statement gives or takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// Gives access.
    Allow,
    /// Takes access, whatever allows it.
    Deny,
}

/// One statement of what may be done to what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Statement {
    /// The statement's own name, if it has one: letters and digits.
    pub sid: Option<String>,
    /// Whether it allows or denies.
    pub effect: Effect,
    /// Actions it covers; exactly one of `actions` and `not_actions` has members.
    pub actions: Vec<String>,
    /// Actions it covers all but.
    pub not_actions: Vec<String>,
    /// Resources it covers; exactly one of `resources` and `not_resources` has members.
    pub resources: Vec<String>,
    /// Resources it covers all but.
    pub not_resources: Vec<String>,
    /// All must hold.
    pub conditions: Vec<Condition>,
    /// A sensitive value went into it: views hide it.
    #[serde(default)]
    pub sensitive: bool,
}

/// One test of a statement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Condition {
    /// The operator, such as `StringEquals`.
    pub test: String,
    /// The context key, such as `aws:SecureTransport`.
    pub variable: String,
    /// Any may match.
    pub values: Vec<String>,
}

/// Who may take on a role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Trust {
    /// Holders of a token of an OpenID Connect issuer.
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
        /// Their principal names.
        principals: Vec<String>,
    },
    /// Principals of the cloud by name: account ids or ARNs.
    Aws {
        /// Account ids (12 digits) or ARNs.
        principals: Vec<String>,
        /// The external id that the caller must give.
        external_id: Option<String>,
    },
    /// Other identities of this stack.
    Identity {
        /// The trusted ones.
        identities: Vec<TrustedIdentity>,
    },
    /// Holders of an assertion of a SAML provider.
    Saml {
        /// The provider's ARN, or its name in the account.
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
    /// The account it lives in, where that is not the role's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
}

/// A shared entitlement of the stack.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scope {
    /// The block's label, in a module [qualified](crate::key::qualified) by it; and the policy's name in the cloud.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
    /// What it says.
    pub statements: Vec<Statement>,
    /// The account that it is realized in, one of those in which somebody holds it; `None`: the stack's first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<Alias>,
}

impl Scope {
    /// `scope.LABEL`, or `module.a.scope.LABEL` in a module.
    #[must_use]
    pub fn address(&self) -> Address {
        Address::from_qualified_name("scope", &self.name)
    }
}

/// A group of the stack: what its members may do together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    /// `group.NAME`.
    pub address: Address,
    /// Its name in the cloud.
    pub name: String,
    /// Its own statements.
    pub statements: Vec<Statement>,
    /// The labels of the scopes it holds.
    pub scopes: BTreeSet<String>,
    /// Policies that others manage and it holds, by ARN.
    pub managed_policy_arns: BTreeSet<String>,
    /// The account that it lives in; `None`: the stack's first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<Alias>,
}

/// Somebody whose word on who a caller is the account takes: an object of the stack that trusts name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Federation {
    /// The block's label, in a module [qualified](crate::key::qualified) by it.
    pub name: String,
    /// Who.
    pub issuer: Issuer,
    /// The account that takes their word; `None`: the stack's first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<Alias>,
}

impl Federation {
    /// `federation.LABEL`.
    #[must_use]
    pub fn address(&self) -> Address {
        Address::from_qualified_name("federation", &self.name)
    }
}

/// Who says who a caller is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Issuer {
    /// An issuer of OpenID Connect tokens.
    Oidc {
        /// Its URL, `https://…`. It is the object's name in the cloud too.
        url: String,
        /// The audiences that tokens may be for.
        audiences: BTreeSet<String>,
        /// The thumbprints of its certificate, in lower case; empty: left to the cloud.
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

/// A sort of credential. Their order is the one in which a quarantine shuts them.
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
    /// A second factor: it gives no access, and taking it off may weaken what a password guards.
    MfaDevice,
}

impl Credential {
    /// Every sort, in the order in which a quarantine shuts them.
    pub const ALL: [Self; 6] =
        [Self::AccessKey, Self::Login, Self::SshKey, Self::SigningCertificate, Self::ServiceSpecific, Self::MfaDevice];

    /// The sort as the language writes it.
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

/// An identity that should be active, whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DesiredIdentity {
    /// Where it stands in the stack.
    pub address: Address,
    /// Its name in the cloud.
    pub name: String,
    /// What sort of actor it is.
    pub kind: Kind,
    /// Its form in the cloud.
    pub principal: Principal,
    /// The label of the owner who answers for it.
    pub owner: String,
    /// The label of the service it works for.
    pub service: Option<String>,
    /// Where it works, such as `prod`.
    pub environment: Option<String>,
    /// Why it exists.
    pub purpose: Option<String>,
    /// When it joined; `ttl` counts from here.
    pub created_at: Timestamp,
    /// The instant from which it has no access. `None`: it has no lease.
    pub deadline: Option<Timestamp>,
    /// How long it stays quarantined before it is deleted, where it says so itself.
    pub grace: Option<Span>,
    /// Its own statements.
    pub statements: Vec<Statement>,
    /// The labels of the scopes it holds.
    pub scopes: BTreeSet<String>,
    /// Who may take it on; roles only.
    pub trusts: Vec<Trust>,
    /// Policies that others manage and it holds, by ARN.
    pub managed_policy_arns: BTreeSet<String>,
    /// The groups it is in, by their names in the cloud: the stack's, and those that others manage. Users only.
    pub groups: BTreeSet<String>,
    /// The path it stands under in the cloud, where that is not the root: `/team/x/`.
    pub path: Option<String>,
    /// Credentials that it keeps as they live. Others are strays.
    pub keeps: BTreeSet<Credential>,
    /// The policy its access is cut to, by ARN.
    pub permissions_boundary: Option<String>,
    /// Its tags, without marks.
    pub tags: BTreeMap<String, String>,
    /// Keys of `tags` whose values are sensitive.
    pub sensitive_tags: BTreeSet<String>,
    /// How long one session of a role may last; between one and twelve hours on AWS.
    pub max_session_duration: Option<Span>,
    /// The account that it lives in; `None`: the stack's first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<Alias>,
}

/// A limit of the cloud that a declared object would break. The engine shows it with the attribute's line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// `identity.x` or `scope.x`.
    pub subject: Address,
    /// The attribute or block of the subject that is at fault, such as `name`; empty: the block as a whole.
    pub attribute: &'static str,
    /// What is wrong, with the value found and the limit.
    pub problem: String,
    /// What to do.
    pub help: String,
}
