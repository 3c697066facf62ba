//! The environment variables that decide how AWS is reached: a table of them, and a check of their values before any call.
//!
//! The SDK only logs a warning when it cannot parse a value, and continues without it: a mistyped `AWS_ENDPOINT_URL` sends calls to AWS
//! itself, and a mistyped `AWS_USE_FIPS_ENDPOINT` leaves FIPS off. A line break in `AWS_ACCESS_KEY_ID` makes it panic.
//! [`check_process_environment`] turns each of these mistakes into an error that names the variable.
//!
//! This module does I/O: [`check_process_environment`] reads the process environment.

mod table;
mod value_form;

use std::ffi::OsString;

use leasehold_provider::EndpointRule;

pub use table::VARIABLES;
pub use value_form::ValueForm;
pub(crate) use value_form::{is_endpoint, is_header_value};

/// An environment variable that Leasehold, one of its libraries, or another AWS tool reads.
#[derive(Debug, Clone, Copy)]
pub struct EnvironmentVariable {
    /// The name. A name that ends in `*` is a prefix.
    pub name: &'static str,
    /// What the variable sets, as one line of Markdown for `docs/environment.md`.
    pub sets: &'static str,
    /// The code that reads it.
    pub reader: VariableReader,
    /// The expected form of its value.
    pub form: ValueForm,
}

/// The code that reads a variable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VariableReader {
    /// Leasehold's own code.
    Leasehold,
    /// The AWS SDK for Rust.
    Sdk,
    /// The HTTP and TLS libraries.
    Http,
    /// Another library.
    Library,
    /// Nothing in Leasehold: other AWS tools read it, but the SDK for Rust does not.
    Nothing,
}

impl VariableReader {
    /// The reader's name in the documentation.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Leasehold => "Leasehold",
            Self::Sdk => "AWS SDK",
            Self::Http => "HTTP and TLS",
            Self::Library => "library",
            Self::Nothing => "not read",
        }
    }
}

/// A variable whose value cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the environment variable {name} {problem}; expected {expected}. Correct it or unset it")]
pub struct VariableError {
    /// The name of the variable.
    pub name: &'static str,
    /// What is wrong with the value. Quotes the value unless it may be a secret.
    pub problem: String,
    /// The expected value, with an example.
    pub expected: String,
}

/// Checks the values of `variables` in the process environment. An empty variable counts as unset.
///
/// # Errors
/// The first variable, in the order of the table, whose value does not match its form.
#[allow(clippy::disallowed_methods, reason = "this function reads the environment; it is part of the I/O layer")]
pub fn check_process_environment(variables: &[EnvironmentVariable]) -> Result<(), VariableError> {
    check_values(variables, |name| std::env::var_os(name))
}

fn check_values(
    variables: &[EnvironmentVariable],
    value_of: impl Fn(&str) -> Option<OsString>,
) -> Result<(), VariableError> {
    for variable in variables.iter().filter(|variable| variable.reader != VariableReader::Nothing) {
        let Some(value) = value_of(variable.name).filter(|value| !value.is_empty()) else { continue };
        if let Err(problem) = variable.form.check_value(&value) {
            return Err(VariableError { name: variable.name, problem, expected: variable.form.describe_expected() });
        }
    }
    Ok(())
}

/// Checks the endpoints that the process environment names, before any call. [`check_process_environment`] has checked their form.
///
/// The URL of EC2 instance metadata may also be the link-local address of that service, which is only reachable by http. The URLs of
/// container credentials follow the SDK's own rule, which is as strict: https, loopback, or the addresses of ECS and EKS.
///
/// # Errors
/// The first variable, in the order of the table, whose endpoint `rule` does not allow.
#[allow(clippy::disallowed_methods, reason = "this function reads the environment; it is part of the I/O layer")]
pub fn check_process_endpoints(rule: &EndpointRule) -> Result<(), VariableError> {
    check_endpoints(rule, |name| std::env::var_os(name))
}

fn check_endpoints(rule: &EndpointRule, value_of: impl Fn(&str) -> Option<OsString>) -> Result<(), VariableError> {
    for variable in VARIABLES.iter().filter(|variable| variable.form.is_endpoint_form()) {
        let value = value_of(variable.name).and_then(|value| value.into_string().ok());
        let Some(url) = value.filter(|url| !url.is_empty()) else { continue };
        let is_metadata = variable.form == ValueForm::MetadataEndpoint && is_metadata_url(&url);
        if let Err(problem) = rule.check_endpoint(&url)
            && !is_metadata
        {
            return Err(VariableError {
                name: variable.name,
                problem: format!("is {url:?}: {problem}"),
                expected: problem.help().to_owned(),
            });
        }
    }
    Ok(())
}

/// Whether the URL is that of EC2 instance metadata at one of its link-local addresses.
fn is_metadata_url(url: &str) -> bool {
    ["http://169.254.169.254", "http://[fd00:ec2::254]"].contains(&url.trim_end_matches('/'))
}

/// The value of a variable. `None` if it is unset, empty, or not UTF-8.
#[allow(clippy::disallowed_methods, reason = "this function reads the environment; it is part of the I/O layer")]
pub(crate) fn read_variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem_of(name: &str, value: &str) -> Option<String> {
        let found = check_values(VARIABLES, |asked| (asked == name).then(|| value.into()));
        found.err().map(|error| error.to_string())
    }

    #[test]
    fn every_name_is_in_the_table_once() {
        let mut names: Vec<&str> = VARIABLES.iter().map(|variable| variable.name).collect();
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
    }

    #[test]
    fn empty_values_are_never_a_problem() {
        for variable in VARIABLES {
            assert_eq!(problem_of(variable.name, ""), None, "{}", variable.name);
        }
    }

    #[test]
    fn malformed_values_are_named_with_their_variable() {
        for (name, wrong) in [
            ("AWS_ENDPOINT_URL", "localhost:5000"),
            ("AWS_ENDPOINT_URL_IAM", "ftp://iam.example.com"),
            ("AWS_ENDPOINT_URL_STS", "https://a b"),
            ("AWS_ENDPOINT_URL", "https://"),
            ("AWS_ENDPOINT_URL", "https://host?query=1"),
            ("AWS_REGION", "us east 1"),
            ("AWS_DEFAULT_REGION", "US-EAST-1"),
            ("AWS_USE_FIPS_ENDPOINT", "maybe"),
            ("AWS_MAX_ATTEMPTS", "0"),
            ("AWS_MAX_ATTEMPTS", "many"),
            ("AWS_MAX_ATTEMPTS", "4000000000"),
            ("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", "IPv5"),
            ("HTTPS_PROXY", "socks5://proxy:1080"),
            ("https_proxy", "http://pro xy"),
            ("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "v2/credentials"),
        ] {
            let problem = problem_of(name, wrong).unwrap_or_else(|| panic!("{name}={wrong} is accepted"));
            assert!(problem.contains(name) && problem.contains("expected"), "{problem}");
        }
        for (name, right) in [
            ("AWS_ENDPOINT_URL", "http://127.0.0.1:5000"),
            ("AWS_ENDPOINT_URL", "https://vpce-1.iam.amazonaws.com/path"),
            ("AWS_REGION", "us-gov-west-1"),
            ("AWS_USE_FIPS_ENDPOINT", "TRUE"),
            ("AWS_MAX_ATTEMPTS", "3"),
            ("HTTPS_PROXY", "http://ann:pass@proxy:3128"),
            ("https_proxy", "proxy:3128"),
            ("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/v2/credentials/1"),
        ] {
            assert_eq!(problem_of(name, right), None);
        }
    }

    #[test]
    fn endpoints_that_the_rule_does_not_allow_are_named_with_their_variable() {
        let check = |name: &str, url: &str| {
            check_endpoints(&EndpointRule::default(), |asked| (asked == name).then(|| url.into()))
        };
        let names: Vec<&str> = VARIABLES.iter().filter(|one| one.form.is_endpoint_form()).map(|one| one.name).collect();
        assert!(names.len() == 7 && names.contains(&"AWS_ENDPOINT_URL_S3"), "{names:?}");
        for name in names {
            for url in ["http://other", "http://127.0.0.1.evil.example", "http://127.0.0.1@evil.example", "HTTP://evil"]
            {
                let error = check(name, url).expect_err(url).to_string();
                assert!(error.contains(name) && error.contains(url), "{error}");
            }
            for url in ["https://iam.example.com", "http://127.0.0.1:5000", "http://[::1]"] {
                assert_eq!(check(name, url), Ok(()), "{name}={url}");
            }
        }
        let metadata = "AWS_EC2_METADATA_SERVICE_ENDPOINT";
        assert_eq!(check(metadata, "http://169.254.169.254/"), Ok(()));
        assert_eq!(check(metadata, "http://[fd00:ec2::254]"), Ok(()));
        assert!(check(metadata, "http://169.254.169.254.evil.example").is_err());
        assert!(check("AWS_ENDPOINT_URL", "http://169.254.169.254").is_err());
    }

    #[test]
    fn secrets_are_not_quoted() {
        for (name, wrong) in [
            ("AWS_ACCESS_KEY_ID", "AKIA\nhidden"),
            ("AWS_SESSION_TOKEN", "hidden\u{201c}"),
            ("AWS_CONTAINER_AUTHORIZATION_TOKEN", "hidden\r\nx"),
            ("HTTPS_PROXY", "socks5://ann:hidden@proxy"),
            ("HTTPS_PROXY", "http://ann:hidden@pro xy"),
        ] {
            let problem = problem_of(name, wrong).unwrap_or_else(|| panic!("{name} is accepted"));
            assert!(problem.contains(name) && !problem.contains("hidden"), "{problem}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn bytes_that_are_not_utf_8_are_a_problem() {
        use std::os::unix::ffi::OsStringExt as _;
        let found = check_values(VARIABLES, |name| (name == "AWS_PROFILE").then(|| OsString::from_vec(vec![0xff])));
        assert!(found.unwrap_err().to_string().contains("AWS_PROFILE is not UTF-8"));
    }
}
