//! Who a statement of a trust or resource policy speaks of.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html>

use std::fmt;

/// One entry of a `Principal` or `NotPrincipal` element, in canonical form.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Principal {
    /// `*`: everyone, signed or not. AWS gives `"*"` and `{"AWS": "*"}` one meaning.
    Everyone,
    /// An account, written as twelve digits or as its root ARN: AWS takes both for the same.
    Account(AccountId),
    /// An IAM or STS ARN, or a string that is neither; never equal to any other string.
    Aws(String),
    /// A unique id that AWS shows where a principal was deleted: it matches nobody, and does not heal when the name
    /// is created again.
    Deleted(String),
    /// An AWS service, such as `lambda.amazonaws.com`.
    Service(String),
    /// An identity provider: an OIDC or SAML provider's ARN, or a web identity host.
    Federated(String),
    /// An S3 canonical user id.
    CanonicalUser(String),
}

/// Twelve digits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountId(String);

impl AccountId {
    /// An account id, if the text is one.
    pub fn read(text: &str) -> Option<Self> {
        (text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit())).then(|| Self(text.to_owned()))
    }

    /// The digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Prefixes of unique ids. <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html>
const UNIQUE_ID_PREFIXES: &[&str] = &["AIDA", "AROA", "AGPA", "AIPA", "ANPA"];

impl Principal {
    /// An entry under `"AWS"`.
    pub fn aws(text: &str) -> Self {
        if text == "*" {
            return Self::Everyone;
        }
        if let Some(account) = AccountId::read(text).or_else(|| root_of(text)) {
            return Self::Account(account);
        }
        let alphanumeric = text.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
        if alphanumeric && text.len() >= 16 && UNIQUE_ID_PREFIXES.iter().any(|prefix| text.starts_with(prefix)) {
            return Self::Deleted(text.to_owned());
        }
        Self::Aws(text.to_owned())
    }

    /// The member of the `Principal` object that it stands under.
    pub fn member(&self) -> &'static str {
        match self {
            Self::Everyone | Self::Account(_) | Self::Aws(_) | Self::Deleted(_) => "AWS",
            Self::Service(_) => "Service",
            Self::Federated(_) => "Federated",
            Self::CanonicalUser(_) => "CanonicalUser",
        }
    }

    /// The text under that member.
    pub fn text(&self) -> &str {
        match self {
            Self::Everyone => "*",
            Self::Account(account) => account.as_str(),
            Self::Aws(s) | Self::Deleted(s) | Self::Service(s) | Self::Federated(s) | Self::CanonicalUser(s) => s,
        }
    }
}

impl fmt::Display for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

/// The account of `arn:<partition>:iam::<account>:root`. A policy lives in one partition, whose name says nothing more.
fn root_of(arn: &str) -> Option<AccountId> {
    let mut parts = arn.splitn(6, ':');
    let fixed = (parts.next()?, parts.next()?.starts_with("aws"), parts.next()?, parts.next()?);
    let account = AccountId::read(parts.next()?)?;
    (fixed == ("arn", true, "iam", "") && parts.next()? == "root").then_some(account)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_is_its_root() {
        let id = Principal::aws("123456789012");
        assert_eq!(Principal::aws("arn:aws:iam::123456789012:root"), id);
        assert_eq!(Principal::aws("arn:aws-cn:iam::123456789012:root"), id);
        assert_ne!(Principal::aws("arn:aws:iam::123456789012:user/root"), id);
        assert_ne!(Principal::aws("arn:aws:iam::123456789013:root"), id);
        assert_ne!(Principal::aws("arn:aws:sts::123456789012:root"), id);
    }

    #[test]
    fn unique_ids_are_deleted_principals() {
        assert!(matches!(Principal::aws("AROAEXAMPLEEXAMPLE123"), Principal::Deleted(_)));
        assert!(matches!(Principal::aws("AIDAEXAMPLEEXAMPLE123"), Principal::Deleted(_)));
        assert!(matches!(Principal::aws("AROA"), Principal::Aws(_)));
    }

    #[test]
    fn two_strings_are_never_equal() {
        assert_ne!(Principal::aws("arn:aws:iam::1:user/a"), Principal::aws("arn:aws:iam::1:user/b"));
        assert_ne!(Principal::Service("a".to_owned()), Principal::Federated("a".to_owned()));
    }
}
