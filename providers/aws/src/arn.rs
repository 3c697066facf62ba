//! Names as AWS writes them, and the short ones that plans show.

use leasehold_provider::{Custody, Principal, Realm, Resource, ResourceId, StackName, Value};

use crate::kinds;

/// The path that marks the customer-managed policies of a stack.
pub fn stack_path(stack: &StackName) -> String {
    format!("/leasehold/{stack}/")
}

/// The name in the account of a scope's policy. Policy names are unique in an account whatever their path, and stack names
/// hold no dot: two stacks may have scopes of the same name.
pub fn scope_policy_name(stack: &StackName, scope: &str) -> String {
    format!("{stack}.{scope}")
}

/// The ARN of the policy that holds a user's own statements where its inline policy has no room.
pub fn own_policy_arn(realm: &Realm, stack: &StackName, user: &str) -> String {
    scope_policy_arn(realm, stack, &format!("user.{user}"))
}

/// The ARN of a scope's policy.
pub fn scope_policy_arn(realm: &Realm, stack: &StackName, scope: &str) -> String {
    let Realm { partition, account, .. } = realm;
    format!("arn:{partition}:iam::{account}:policy{}{}", stack_path(stack), scope_policy_name(stack, scope))
}

/// The ARN of a principal without a path, of any account.
pub fn principal_arn(partition: &str, account: &str, principal: Principal, name: &str) -> String {
    format!("arn:{partition}:iam::{account}:{}/{name}", principal.as_str())
}

/// The ARN of an account as a principal.
pub fn account_root_arn(partition: &str, account: &str) -> String {
    format!("arn:{partition}:iam::{account}:root")
}

/// The ARN of the OpenID Connect provider of an issuer.
pub fn oidc_provider_arn(realm: &Realm, host: &str) -> String {
    let Realm { partition, account, .. } = realm;
    format!("arn:{partition}:iam::{account}:oidc-provider/{host}")
}

/// The ARN of a SAML provider.
pub fn saml_provider_arn(realm: &Realm, name: &str) -> String {
    let Realm { partition, account, .. } = realm;
    format!("arn:{partition}:iam::{account}:saml-provider/{name}")
}

/// The ARN of a federation's object.
pub fn federation_arn(realm: &Realm, id: &ResourceId) -> Option<String> {
    match &id.kind {
        kind if *kind == kinds::OIDC_PROVIDER => Some(oidc_provider_arn(realm, &id.name)),
        kind if *kind == kinds::SAML_PROVIDER => Some(saml_provider_arn(realm, &id.name)),
        _ => None,
    }
}

/// The id of the federation's object of this account that an ARN names.
pub fn parse_federation_id(realm: &Realm, text: &str) -> Option<ResourceId> {
    let arn = IamArn::parse_arn(text).filter(|arn| arn.account == realm.account && arn.partition == realm.partition)?;
    let (kind, name) = arn.resource.split_once('/')?;
    match kind {
        "oidc-provider" => Some(ResourceId::new(kinds::OIDC_PROVIDER, name)),
        "saml-provider" => Some(ResourceId::new(kinds::SAML_PROVIDER, name)),
        _ => None,
    }
}

/// The parts of an ARN of IAM or STS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IamArn<'a> {
    /// `aws`, `aws-cn`, `aws-us-gov`.
    pub partition: &'a str,
    /// The account, or `aws` for what AWS itself owns.
    pub account: &'a str,
    /// What stands behind the account: `role/path/name`.
    pub resource: &'a str,
}

impl<'a> IamArn<'a> {
    /// Reads an ARN of the global services IAM and STS.
    pub fn parse_arn(text: &'a str) -> Option<Self> {
        let mut parts = text.splitn(6, ':');
        let (Some("arn"), Some(partition), Some("iam" | "sts"), Some(_), Some(account), Some(resource)) =
            (parts.next(), parts.next(), parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return None;
        };
        Some(Self { partition, account, resource })
    }

    /// The role or user it names, if it names one.
    pub fn principal_and_name(&self) -> Option<(Principal, &'a str)> {
        let (kind, path_and_name) = self.resource.split_once('/')?;
        let name = path_and_name.rsplit('/').next()?;
        match kind {
            "role" => Some((Principal::Role, name)),
            "user" => Some((Principal::User, name)),
            _ => None,
        }
    }
}

/// The caller, for people: `role/ci` of an assumed role, `user/x`, `root`.
pub fn describe_actor(arn: &str) -> String {
    let resource = IamArn::parse_arn(arn).map_or(arn, |arn| arn.resource);
    match resource.strip_prefix("assumed-role/") {
        Some(role_and_session) => {
            format!("role/{}", role_and_session.rsplit_once('/').map_or(role_and_session, |(role, _)| role))
        }
        None => resource.to_owned(),
    }
}

/// The scope of `stack` whose policy the ARN names, if it does.
pub fn scope_from_policy_arn<'a>(realm: &Realm, stack: &StackName, policy_arn: &'a str) -> Option<&'a str> {
    parse_stack_policy_name(realm, stack, policy_arn).filter(|scope| !scope.starts_with("user."))
}

/// The user of `stack` whose own statements the policy of that ARN holds, if it does.
pub fn user_from_policy_arn<'a>(realm: &Realm, stack: &StackName, policy_arn: &'a str) -> Option<&'a str> {
    parse_stack_policy_name(realm, stack, policy_arn)?.strip_prefix("user.")
}

/// What stands behind `STACK.` in the name of a policy under the stack's path.
fn parse_stack_policy_name<'a>(realm: &Realm, stack: &StackName, policy_arn: &'a str) -> Option<&'a str> {
    let arn = IamArn::parse_arn(policy_arn)?;
    let name = arn.resource.strip_prefix("policy")?.strip_prefix(stack_path(stack).as_str())?;
    let rest = name.strip_prefix(stack.as_str())?.strip_prefix('.')?;
    (arn.account == realm.account && !rest.contains('/')).then_some(rest)
}

/// What a plan calls an attached policy: a scope of the stack by its label, a policy of AWS by what stands behind
/// `:policy/`, another by its account and that. Policies of AWS begin with a capital letter, so a scope that does too goes
/// by its policy's full name: two policies never share a short name.
pub fn policy_short_name(realm: &Realm, stack: &StackName, policy_arn: &str) -> String {
    if let Some(scope) = scope_from_policy_arn(realm, stack, policy_arn) {
        return if scope.starts_with(|c: char| c.is_ascii_lowercase() || c == '_') {
            scope.to_owned()
        } else {
            scope_policy_name(stack, scope)
        };
    }
    if user_from_policy_arn(realm, stack, policy_arn).is_some() {
        return "own.policy".to_owned();
    }
    match IamArn::parse_arn(policy_arn).and_then(|arn| Some((arn.account, arn.resource.strip_prefix("policy/")?))) {
        Some(("aws", tail)) => tail.to_owned(),
        Some((account, tail)) => format!("{account}/{tail}"),
        None => policy_arn.to_owned(),
    }
}

/// The id of the role or user of this account that an ARN names.
pub fn parse_principal_id(realm: &Realm, text: &str) -> Option<ResourceId> {
    let arn = IamArn::parse_arn(text)?;
    let (principal, name) = arn.principal_and_name()?;
    (arn.account == realm.account && arn.partition == realm.partition).then(|| kinds::principal_id(principal, name))
}

/// The role or user that an ARN means to people: itself, or the role of a session.
pub fn resolve_principal_id(realm: &Realm, text: &str) -> Option<ResourceId> {
    let session =
        IamArn::parse_arn(text).filter(|arn| arn.account == realm.account && arn.partition == realm.partition);
    let role = session.and_then(|arn| arn.resource.strip_prefix("assumed-role/")?.split('/').next());
    role.map(|role| kinds::principal_id(Principal::Role, role)).or_else(|| parse_principal_id(realm, text))
}

/// The ARN of a live role, user or policy.
pub fn object_arn(realm: &Realm, resource: &Resource) -> Option<String> {
    if let Some(arn) = federation_arn(realm, &resource.id) {
        return Some(arn);
    }
    let text = |name: &str| resource.get(name).and_then(Value::as_text);
    let (kind, name) = match &resource.id.kind {
        kind if *kind == kinds::ROLE => ("role", resource.id.name.as_str()),
        kind if *kind == kinds::USER => ("user", resource.id.name.as_str()),
        kind if *kind == kinds::POLICY => ("policy", text("name")?),
        _ => return None,
    };
    let Realm { partition, account, .. } = realm;
    Some(format!("arn:{partition}:iam::{account}:{kind}{}{name}", text("path").unwrap_or("/")))
}

/// Who may write what an ARN names: service-linked roles and those of Identity Center are nobody's to write.
pub fn custody_from_arn(text: &str) -> Custody {
    let resource = IamArn::parse_arn(text).map_or("", |arn| arn.resource);
    match resource.strip_prefix("role") {
        Some(path) if path.starts_with("/aws-service-role/") => Custody::ServiceLinked,
        Some(path) if path.starts_with("/aws-reserved/") => Custody::Reserved,
        _ => Custody::Customer,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn realm() -> Realm {
        Realm {
            provider: "aws".to_owned(),
            account: "111122223333".to_owned(),
            partition: "aws".to_owned(),
            actor: String::new(),
            others: std::collections::BTreeMap::new(),
        }
    }

    #[test]
    fn a_session_means_its_role_and_another_account_nothing() {
        let meant = |text: &str| resolve_principal_id(&realm(), text).map(|id| id.to_string());
        let is = |text: &str| Some(text.to_owned());
        assert_eq!(meant("arn:aws:sts::111122223333:assumed-role/ci/session/x"), is("aws_iam_role ci"));
        assert_eq!(meant("arn:aws:iam::111122223333:role/path/ci"), is("aws_iam_role ci"));
        assert_eq!(meant("arn:aws:iam::111122223333:user/jane"), is("aws_iam_user jane"));
        assert_eq!(meant("arn:aws:sts::999999999999:assumed-role/ci/session"), None);
        assert_eq!(meant("arn:aws:s3:::bucket"), None);
    }

    #[test]
    fn what_aws_keeps_for_itself_is_told_by_its_path() {
        let role = |path: &str| custody_from_arn(&format!("arn:aws:iam::111122223333:role/{path}/x"));
        assert_eq!(role("aws-service-role/support.amazonaws.com"), Custody::ServiceLinked);
        assert_eq!(role("aws-reserved/sso.amazonaws.com"), Custody::Reserved);
        assert_eq!(role("team"), Custody::Customer);
    }

    #[test]
    fn the_actor_is_the_role_or_user() {
        for (arn, actor_is) in [
            ("arn:aws:sts::111122223333:assumed-role/ci/session", "role/ci"),
            ("arn:aws:iam::111122223333:user/x", "user/x"),
            ("arn:aws-cn:iam::111122223333:root", "root"),
        ] {
            assert_eq!(describe_actor(arn), actor_is);
        }
    }

    #[test]
    fn short_names_are_told_apart() {
        let stack = StackName::new("payments").unwrap();
        for (arn, short) in [
            (scope_policy_arn(&realm(), &stack, "orders_read"), "orders_read"),
            (scope_policy_arn(&realm(), &stack, "AdministratorAccess"), "payments.AdministratorAccess"),
            (own_policy_arn(&realm(), &stack, "a.b"), "own.policy"),
            ("arn:aws:iam::aws:policy/AdministratorAccess".to_owned(), "AdministratorAccess"),
            ("arn:aws:iam::aws:policy/job-function/Billing".to_owned(), "job-function/Billing"),
            ("arn:aws:iam::111122223333:policy/orders_read".to_owned(), "111122223333/orders_read"),
            ("arn:aws:iam::111122223333:policy/leasehold/b/b.x".to_owned(), "111122223333/leasehold/b/b.x"),
            (
                "arn:aws:iam::999922223333:policy/leasehold/payments/payments.x".to_owned(),
                "999922223333/leasehold/payments/payments.x",
            ),
        ] {
            assert_eq!(policy_short_name(&realm(), &stack, &arn), short);
        }
    }

    #[test]
    fn each_partition_has_names_of_its_own() {
        let stack = StackName::new("payments").unwrap();
        for partition in ["aws", "aws-cn", "aws-us-gov"] {
            let realm = Realm { partition: partition.to_owned(), ..realm() };
            let iam = format!("arn:{partition}:iam::111122223333");
            assert_eq!(scope_policy_arn(&realm, &stack, "x"), format!("{iam}:policy/leasehold/payments/payments.x"));
            assert_eq!(
                principal_arn(&realm.partition, &realm.account, Principal::Role, "ci"),
                format!("{iam}:role/ci")
            );
            assert_eq!(account_root_arn(partition, "111122223333"), format!("{iam}:root"));
            let github = oidc_provider_arn(&realm, "token.actions.githubusercontent.com");
            assert_eq!(github, format!("{iam}:oidc-provider/token.actions.githubusercontent.com"));
            assert_eq!(parse_federation_id(&realm, &github).and_then(|id| federation_arn(&realm, &id)), Some(github));
            let corp = saml_provider_arn(&realm, "corp");
            assert_eq!(parse_federation_id(&realm, &corp).and_then(|id| federation_arn(&realm, &id)), Some(corp));
            assert_eq!(
                parse_principal_id(&realm, &format!("{iam}:role/team/ci")),
                Some(kinds::principal_id(Principal::Role, "ci"))
            );
            let other = Realm { partition: "aws-iso".to_owned(), ..realm.clone() };
            assert_eq!(
                parse_federation_id(&other, &saml_provider_arn(&realm, "corp")),
                None,
                "another partition's is another's"
            );
            assert_eq!(parse_principal_id(&other, &format!("{iam}:role/ci")), None);
        }
    }

    #[test]
    fn principals_are_found_behind_their_paths() {
        let found = |arn: &str| parse_principal_id(&realm(), arn).map(|id| id.to_string());
        assert_eq!(found("arn:aws:iam::111122223333:role/team/x").as_deref(), Some("aws_iam_role x"));
        assert_eq!(found("arn:aws:iam::111122223333:user/x").as_deref(), Some("aws_iam_user x"));
        assert_eq!(found("arn:aws:iam::999922223333:user/x"), None);
        assert_eq!(found("AROAABCDEFGH"), None);
    }
}
