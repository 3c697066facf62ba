//! Principals of trust and resource policies.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html>

use std::fmt;

/// One entry of a `Principal` or `NotPrincipal` element, in canonical form.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PolicyPrincipal {
    /// `*`: every caller, including anonymous ones. AWS treats `"*"` and `{"AWS": "*"}` as the same.
    Everyone,
    /// An account, written as twelve digits or as its root ARN; AWS treats both as the same.
    Account(AccountId),
    /// The ARN of a user, role or session, or any other text under `AWS`. Compared as text.
    Aws(String),
    /// The unique id that AWS shows in place of the ARN of a deleted principal. It matches no caller, not even a new
    /// principal of the same name.
    Deleted(String),
    /// An AWS service, such as `lambda.amazonaws.com`.
    Service(String),
    /// An identity provider: an OIDC or SAML provider's ARN, or a web identity host.
    Federated(String),
    /// An S3 canonical user id.
    CanonicalUser(String),
}

/// An AWS account id: twelve digits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountId(String);

impl AccountId {
    /// Parses an account id. `None`: the text is not twelve digits.
    pub fn parse(text: &str) -> Option<Self> {
        (text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit())).then(|| Self(text.to_owned()))
    }

    /// The twelve digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Prefixes of the unique ids of users, roles, groups, instance profiles and managed policies.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html>
const UNIQUE_ID_PREFIXES: &[&str] = &["AIDA", "AROA", "AGPA", "AIPA", "ANPA"];

impl PolicyPrincipal {
    /// Parses an entry under `"AWS"`. Every text is a principal, so this cannot fail.
    pub fn from_aws(text: &str) -> Self {
        if text == "*" {
            return Self::Everyone;
        }
        if let Some(account) = AccountId::parse(text).or_else(|| parse_root_arn(text)) {
            return Self::Account(account);
        }
        let alphanumeric = text.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
        if alphanumeric && text.len() >= 16 && UNIQUE_ID_PREFIXES.iter().any(|prefix| text.starts_with(prefix)) {
            return Self::Deleted(text.to_owned());
        }
        Self::Aws(text.to_owned())
    }

    /// The member of the `Principal` object under which a policy lists this principal, such as `AWS`.
    pub fn member_name(&self) -> &'static str {
        match self {
            Self::Everyone | Self::Account(_) | Self::Aws(_) | Self::Deleted(_) => "AWS",
            Self::Service(_) => "Service",
            Self::Federated(_) => "Federated",
            Self::CanonicalUser(_) => "CanonicalUser",
        }
    }

    /// The text of the entry under [`Self::member_name`].
    pub fn text(&self) -> &str {
        match self {
            Self::Everyone => "*",
            Self::Account(account) => account.as_str(),
            Self::Aws(s) | Self::Deleted(s) | Self::Service(s) | Self::Federated(s) | Self::CanonicalUser(s) => s,
        }
    }
}

impl fmt::Display for PolicyPrincipal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

/// The account of `arn:<partition>:iam::<account>:root`. The partition is ignored: a policy exists in one partition
/// only.
fn parse_root_arn(arn: &str) -> Option<AccountId> {
    let mut parts = arn.splitn(6, ':');
    let fixed = (parts.next()?, parts.next()?.starts_with("aws"), parts.next()?, parts.next()?);
    let account = AccountId::parse(parts.next()?)?;
    (fixed == ("arn", true, "iam", "") && parts.next()? == "root").then_some(account)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn account_id_equals_root_arn() {
        let id = PolicyPrincipal::from_aws("123456789012");
        assert_eq!(PolicyPrincipal::from_aws("arn:aws:iam::123456789012:root"), id);
        assert_eq!(PolicyPrincipal::from_aws("arn:aws-cn:iam::123456789012:root"), id);
        assert_ne!(PolicyPrincipal::from_aws("arn:aws:iam::123456789012:user/root"), id);
        assert_ne!(PolicyPrincipal::from_aws("arn:aws:iam::123456789013:root"), id);
        assert_ne!(PolicyPrincipal::from_aws("arn:aws:sts::123456789012:root"), id);
    }

    #[test]
    fn unique_ids_are_deleted_principals() {
        assert!(matches!(PolicyPrincipal::from_aws("AROAEXAMPLEEXAMPLE123"), PolicyPrincipal::Deleted(_)));
        assert!(matches!(PolicyPrincipal::from_aws("AIDAEXAMPLEEXAMPLE123"), PolicyPrincipal::Deleted(_)));
        assert!(matches!(PolicyPrincipal::from_aws("AROA"), PolicyPrincipal::Aws(_)));
    }

    #[test]
    fn different_texts_are_different_principals() {
        assert_ne!(
            PolicyPrincipal::from_aws("arn:aws:iam::1:user/a"),
            PolicyPrincipal::from_aws("arn:aws:iam::1:user/b")
        );
        assert_ne!(PolicyPrincipal::Service("a".to_owned()), PolicyPrincipal::Federated("a".to_owned()));
    }
}
