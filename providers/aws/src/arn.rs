//! Names of objects: ARNs as AWS writes them, and the short names that plans show.

use leasehold_provider::{Custody, Principal, Realm, Resource, ResourceId, StackName, Value};

use crate::kinds;

/// The IAM path of the stack's customer-managed policies. It marks them as managed by the stack.
pub fn stack_path(stack: &StackName) -> String {
    format!("/leasehold/{stack}/")
}

/// The name of a scope's policy in the account: `STACK.SCOPE`. IAM policy names are unique in an account whatever their path, so the name
/// includes the stack. Stack names contain no dot, so two stacks may have scopes of the same name.
pub fn scope_policy_name(stack: &StackName, scope: &str) -> String {
    format!("{stack}.{scope}")
}

/// The ARN of the managed policy that contains a user's own statements when its inline policy is too small for them.
pub fn own_policy_arn(realm: &Realm, stack: &StackName, user: &str) -> String {
    scope_policy_arn(realm, stack, &format!("user.{user}"))
}

/// The ARN of a scope's policy.
pub fn scope_policy_arn(realm: &Realm, stack: &StackName, scope: &str) -> String {
    let Realm { partition, account, .. } = realm;
    format!("arn:{partition}:iam::{account}:policy{}{}", stack_path(stack), scope_policy_name(stack, scope))
}

/// The ARN of a principal with path `/`, in any account.
pub fn principal_arn(partition: &str, account: &str, principal: Principal, name: &str) -> String {
    format!("arn:{partition}:iam::{account}:{}/{name}", principal.as_str())
}

/// The ARN that names a whole account as a principal.
pub fn account_root_arn(partition: &str, account: &str) -> String {
    format!("arn:{partition}:iam::{account}:root")
}

/// The ARN of the OpenID Connect provider of an issuer. `host` is the issuer's URL without `https://`.
pub fn oidc_provider_arn(realm: &Realm, host: &str) -> String {
    let Realm { partition, account, .. } = realm;
    format!("arn:{partition}:iam::{account}:oidc-provider/{host}")
}

/// The ARN of a SAML provider.
pub fn saml_provider_arn(realm: &Realm, name: &str) -> String {
    let Realm { partition, account, .. } = realm;
    format!("arn:{partition}:iam::{account}:saml-provider/{name}")
}

/// The ARN of an OpenID Connect or SAML provider. `None` if the id has another kind.
pub fn federation_arn(realm: &Realm, id: &ResourceId) -> Option<String> {
    match &id.kind {
        kind if *kind == kinds::OIDC_PROVIDER => Some(oidc_provider_arn(realm, &id.name)),
        kind if *kind == kinds::SAML_PROVIDER => Some(saml_provider_arn(realm, &id.name)),
        _ => None,
    }
}

/// The id of the OpenID Connect or SAML provider that an ARN names. `None` if the ARN names another kind of object or another account.
pub fn parse_federation_id(realm: &Realm, text: &str) -> Option<ResourceId> {
    let arn = IamArn::parse_arn(text).filter(|arn| arn.account == realm.account && arn.partition == realm.partition)?;
    let (kind, name) = arn.resource.split_once('/')?;
    match kind {
        "oidc-provider" => Some(ResourceId::new(kinds::OIDC_PROVIDER, name)),
        "saml-provider" => Some(ResourceId::new(kinds::SAML_PROVIDER, name)),
        _ => None,
    }
}

/// The parts of an IAM or STS ARN.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IamArn<'a> {
    /// `aws`, `aws-cn`, `aws-us-gov`.
    pub partition: &'a str,
    /// The account id, or `aws` for objects that AWS owns, such as AWS managed policies.
    pub account: &'a str,
    /// The part after the account: `role/path/name`.
    pub resource: &'a str,
}

impl<'a> IamArn<'a> {
    /// Parses an ARN of the global services IAM and STS. `None` for any other text.
    pub fn parse_arn(text: &'a str) -> Option<Self> {
        let mut parts = text.splitn(6, ':');
        let (Some("arn"), Some(partition), Some("iam" | "sts"), Some(_), Some(account), Some(resource)) =
            (parts.next(), parts.next(), parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return None;
        };
        Some(Self { partition, account, resource })
    }

    /// The role or user that the ARN names, with its name but without its path. `None` if it names something else.
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

/// The caller in a form for people: `role/ci` for an assumed role, `user/x`, `root`.
pub fn describe_actor(arn: &str) -> String {
    let resource = IamArn::parse_arn(arn).map_or(arn, |arn| arn.resource);
    match resource.strip_prefix("assumed-role/") {
        Some(role_and_session) => {
            format!("role/{}", role_and_session.rsplit_once('/').map_or(role_and_session, |(role, _)| role))
        }
        None => resource.to_owned(),
    }
}

/// The scope of `stack` whose policy the ARN names. `None` if the ARN names another policy.
pub fn scope_from_policy_arn<'a>(realm: &Realm, stack: &StackName, policy_arn: &'a str) -> Option<&'a str> {
    parse_stack_policy_name(realm, stack, policy_arn).filter(|scope| !scope.starts_with("user."))
}

/// The user of `stack` whose own statements are in the policy with this ARN. `None` if the ARN names another policy.
pub fn user_from_policy_arn<'a>(realm: &Realm, stack: &StackName, policy_arn: &'a str) -> Option<&'a str> {
    parse_stack_policy_name(realm, stack, policy_arn)?.strip_prefix("user.")
}

/// The part after `STACK.` in the name of a policy under the stack's path.
fn parse_stack_policy_name<'a>(realm: &Realm, stack: &StackName, policy_arn: &'a str) -> Option<&'a str> {
    let arn = IamArn::parse_arn(policy_arn)?;
    let name = arn.resource.strip_prefix("policy")?.strip_prefix(stack_path(stack).as_str())?;
    let rest = name.strip_prefix(stack.as_str())?.strip_prefix('.')?;
    (arn.account == realm.account && !rest.contains('/')).then_some(rest)
}

/// The name that a plan shows for an attached policy: the label for a scope of the stack, the part after `:policy/` for an AWS managed
/// policy, and the account with that part for any other policy. Names of AWS managed policies start with a capital letter. A scope whose
/// label also does is shown by its policy's full name, so that two policies never share a short name.
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

/// The id of the role or user of this account that an ARN names. `None` for another kind of object or another account.
pub fn parse_principal_id(realm: &Realm, text: &str) -> Option<ResourceId> {
    let arn = IamArn::parse_arn(text)?;
    let (principal, name) = arn.principal_and_name()?;
    (arn.account == realm.account && arn.partition == realm.partition).then(|| kinds::principal_id(principal, name))
}

/// The role or user that a person means by an ARN: the principal itself, or the role of a session. `None` as for [`parse_principal_id`].
pub fn resolve_principal_id(realm: &Realm, text: &str) -> Option<ResourceId> {
    let session =
        IamArn::parse_arn(text).filter(|arn| arn.account == realm.account && arn.partition == realm.partition);
    let role = session.and_then(|arn| arn.resource.strip_prefix("assumed-role/")?.split('/').next());
    role.map(|role| kinds::principal_id(Principal::Role, role)).or_else(|| parse_principal_id(realm, text))
}

/// The ARN of a live role, user, policy or federation. `None` for other kinds.
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

/// Which party may write the object that an ARN names. Service-linked roles and the roles of IAM Identity Center belong to AWS and cannot
/// be written by customers.
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
    fn aws_reserved_paths_are_recognized() {
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
    fn short_names_are_unique() {
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
                "an ARN of another partition is not this account's"
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
