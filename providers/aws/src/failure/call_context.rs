//! The context of a call for messages: where it went, and with which credentials.

use crate::credentials::CredentialSource;

/// Where a call went, and with which credentials.
#[derive(Debug, Clone, Copy)]
pub struct CallContext<'a> {
    /// The endpoint. `None` if the call failed before an endpoint was chosen.
    pub endpoint: Option<&'a str>,
    /// The proxy to that endpoint. `None` if the call goes directly.
    pub proxy: Option<&'a str>,
    /// The region.
    pub region: &'a str,
    /// The role that the provider block assumes, if any.
    pub assumes: Option<&'a str>,
    /// The name of the profile in use. `None` for the default profile.
    pub profile: Option<&'a str>,
    /// Where the credentials came from. `None` before credentials were loaded.
    pub source: Option<CredentialSource>,
    /// The current time of this machine.
    pub now: jiff::Timestamp,
}

impl CallContext<'_> {
    /// The endpoint, or `AWS` if it is not known.
    pub fn name(&self) -> &str {
        self.endpoint.unwrap_or("AWS")
    }

    /// ` --profile NAME` as an argument of the AWS CLI, with a leading space. Empty for the default profile.
    pub fn profile_argument(&self) -> String {
        self.profile.map(|name| format!(" --profile {name}")).unwrap_or_default()
    }

    /// The profile as part of a sentence: `the default profile` or `profile "ci"`.
    pub fn profile_name(&self) -> String {
        self.profile.map_or_else(|| "the default profile".to_owned(), |name| format!("profile {name:?}"))
    }

    /// What to do when the credentials have expired. It depends on their source.
    pub fn describe_renewal(&self) -> String {
        let profile = self.profile_name();
        match self.source {
            Some(CredentialSource::Environment) => "set new values of AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN, then run the command again: the \
                                          session in the environment has expired"
                .to_owned(),
            Some(CredentialSource::Profile) => {
                format!("renew the session keys in {profile} of the AWS credentials file, then run the command again")
            }
            Some(CredentialSource::Sso) => format!("run `aws sso login{}`, then run the command again", self.profile_argument()),
            Some(CredentialSource::Process) => {
                format!("renew the session of the credential_process of {profile}: it printed expired credentials")
            }
            Some(CredentialSource::WebIdentity | CredentialSource::AssumedRole) => "run the command again to get a new role session; sessions are renewed before they expire, so if the error \
                                                                persists, check this machine's clock"
                .to_owned(),
            Some(CredentialSource::Container | CredentialSource::Instance) => "the credentials endpoint of this machine returned expired credentials: check this \
                                                           machine's clock, and restart the task, pod or agent"
                .to_owned(),
            None => "log in again (`aws sso login`), or set new session credentials, then run the command again".to_owned(),
        }
    }
}
