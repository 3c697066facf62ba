//! The AWS configuration files, for settings that the SDK does not look up or check itself. This module does I/O: it reads the files.

use std::borrow::Cow;

use aws_config::profile::ProfileSet;
use aws_types::SdkConfig;
use aws_types::os_shim_internal::{Env, Fs};
use aws_types::service_config::ServiceConfigKey;
use leasehold_provider::EndpointRule;

use crate::environment::{self, is_endpoint, is_header_value};
use crate::settings::{AwsSettings, ConnectError};

/// Loads the profiles. The selected one is the profile of the settings, or else `AWS_PROFILE`, or else `default`.
///
/// # Errors
/// A file is not in AWS's format, the named profile does not exist, or a profile contains a value that a request cannot carry.
pub async fn load_profiles(settings: &AwsSettings) -> Result<ProfileSet, ConnectError> {
    let selected = settings.profile.clone().map(Cow::Owned);
    let profiles = aws_config::profile::load(&Fs::real(), &Env::real(), &Default::default(), selected).await;
    let profiles = profiles.map_err(|error| ConnectError::Profile(crate::error_chain::describe_chain(&error)))?;
    check_selection(settings, &profiles)?;
    check_source_profiles(&profiles)?;
    check_keys(&profiles)?;
    Ok(profiles)
}

/// Rejects a profile that is named but does not exist, as the AWS CLI and Terraform do. The SDK would continue without it.
fn check_selection(settings: &AwsSettings, profiles: &ProfileSet) -> Result<(), ConnectError> {
    let (setting, name) = match (&settings.profile, environment::read_variable("AWS_PROFILE")) {
        (Some(name), _) => ("`profile` of the provider block", name.clone()),
        (None, Some(name)) => ("AWS_PROFILE", name),
        (None, None) => return Ok(()),
    };
    if name == "default" || profiles.get_profile(&name).is_some() {
        return Ok(());
    }
    let mut names: Vec<&str> = profiles.profiles().collect();
    names.sort_unstable();
    let known = if names.is_empty() {
        "they define no profiles".to_owned()
    } else {
        format!("they define the profiles {}", names.join(", "))
    };
    Err(ConnectError::NoProfile { name, setting, known })
}

/// Rejects a `source_profile` that does not exist. The SDK would look for credentials elsewhere.
fn check_source_profiles(profiles: &ProfileSet) -> Result<(), ConnectError> {
    let mut name = profiles.selected_profile();
    let mut seen = Vec::new();
    // A profile that is its own source ends the loop; the SDK reports it.
    while !seen.contains(&name) {
        seen.push(name);
        let Some(source) = profiles.get_profile(name).and_then(|profile| profile.get("source_profile")) else { break };
        if profiles.get_profile(source).is_none() {
            let problem = format!("source_profile of profile {name:?} is {source:?}, which does not exist");
            return Err(ConnectError::Profile(problem));
        }
        name = source;
    }
    Ok(())
}

/// Checks the service URLs in the configuration files. The SDK ignores a URL that does not parse and calls AWS itself; it panics on an
/// empty URL.
///
/// # Errors
/// A URL is not an http or https URL, or `rule` does not allow it.
pub fn check_endpoints(config: &SdkConfig, profiles: &ProfileSet, rule: &EndpointRule) -> Result<(), ConnectError> {
    let profile = profiles.selected_profile().to_owned();
    let of_all = profiles.get("endpoint_url").map(str::to_owned);
    let of_one =
        ["IAM", "STS", "SSO", "SSO OIDC", "S3"].into_iter().map(|service| (service, service_url(config, service)));
    for (service, url) in of_one.chain([("all services", of_all)]) {
        let Some(url) = url else { continue };
        if !is_endpoint(&url) {
            return Err(ConnectError::EndpointUrl { profile, service, url });
        }
        if let Err(problem) = rule.check_endpoint(&url) {
            return Err(ConnectError::EndpointNotAllowed { profile, service, url, problem });
        }
    }
    Ok(())
}

/// The URL of a service according to the variables and the profile. `None` if neither sets it.
fn service_url(config: &SdkConfig, service: &str) -> Option<String> {
    let key =
        ServiceConfigKey::builder().service_id(service).profile("endpoint_url").env("AWS_ENDPOINT_URL").build().ok()?;
    config.service_config().and_then(|services| services.load_config(key))
}

/// Rejects access keys that an HTTP header cannot carry. Signing panics on them.
fn check_keys(profiles: &ProfileSet) -> Result<(), ConnectError> {
    for name in profiles.profiles() {
        let Some(profile) = profiles.get_profile(name) else { continue };
        for key in ["aws_access_key_id", "aws_session_token"] {
            if profile.get(key).is_some_and(|value| !is_header_value(value)) {
                let problem =
                    format!("{key} of profile {name:?} contains a character that is not allowed in an HTTP header");
                return Err(ConnectError::Profile(problem));
            }
        }
    }
    Ok(())
}
