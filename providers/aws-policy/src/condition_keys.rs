//! Global condition keys, and properties of condition keys that do not depend on the policies that use them.

use crate::catalogue::embedded_catalogue;

/// Condition keys that all services know, in lower case. One that ends with `/` is a prefix: the rest is a tag key.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html>
const GLOBAL: &[&str] = &[
    "aws:assumedroot",
    "aws:calledvia",
    "aws:calledviafirst",
    "aws:calledvialast",
    "aws:chatbotsourcearn",
    "aws:currenttime",
    "aws:ec2instancesourceprivateipv4",
    "aws:ec2instancesourcevpc",
    "aws:epochtime",
    "aws:federatedprovider",
    "aws:isgateway",
    "aws:multifactorauthage",
    "aws:multifactorauthpresent",
    "aws:principalaccount",
    "aws:principalarn",
    "aws:principalisawsservice",
    "aws:principalorgid",
    "aws:principalorgpaths",
    "aws:principalservicename",
    "aws:principalservicenameslist",
    "aws:principaltag/",
    "aws:principaltype",
    "aws:referer",
    "aws:requestedregion",
    "aws:requesttag/",
    "aws:resourceaccount",
    "aws:resourceorgid",
    "aws:resourceorgpaths",
    "aws:resourcetag/",
    "aws:securetransport",
    "aws:sourceaccount",
    "aws:sourcearn",
    "aws:sourceidentity",
    "aws:sourceip",
    "aws:sourceorgid",
    "aws:sourceorgpaths",
    "aws:sourceowner",
    "aws:sourcevpc",
    "aws:sourcevpcarn",
    "aws:sourcevpce",
    "aws:tagkeys",
    "aws:tokenissuetime",
    "aws:useragent",
    "aws:userid",
    "aws:username",
    "aws:viaawsservice",
    "aws:vpceaccount",
    "aws:vpceorgid",
    "aws:vpceorgpaths",
    "aws:vpcsourceip",
    "ec2:sourceinstancearn",
    "glue:roleassumedby",
    "glue:credentialissuingservice",
    "lambda:sourcefunctionarn",
    "ssm:sourceinstancearn",
    "identitystore:userid",
];

/// Keys with several values in one request, in lower case.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-single-vs-multi-valued-context-keys.html>
const MULTIVALUED: &[&str] = &[
    "aws:calledvia",
    "aws:principalorgpaths",
    "aws:principalservicenameslist",
    "aws:resourceorgpaths",
    "aws:sourceorgpaths",
    "aws:tagkeys",
    "aws:vpceorgpaths",
    "dynamodb:attributes",
    "dynamodb:leadingkeys",
];

/// Whether a request may have several values for this key, given in lower case.
pub(crate) fn is_multivalued_key(key: &str) -> bool {
    if key.starts_with("aws:") {
        return MULTIVALUED.contains(&key);
    }
    // Authentication methods and SAML attributes are lists.
    if key.ends_with(":amr") || key.starts_with("saml:") {
        return true;
    }
    MULTIVALUED.contains(&key) || embedded_catalogue().find_condition_key(key).is_some_and(|known| known.multivalued)
}

/// Whether AWS or an identity provider sends this key, given in lower case. Keys of identity providers such as
/// `token.actions.githubusercontent.com:sub` cannot be listed; a prefix with a dot is assumed to be one.
pub(crate) fn is_known_key(key: &str) -> bool {
    let global = |known: &str| if known.ends_with('/') { key.starts_with(known) } else { known == key };
    let provider = key.rsplit_once(':').is_some_and(|(host, _)| host.contains('.'));
    GLOBAL.iter().any(|known| global(known)) || provider || embedded_catalogue().find_condition_key(key).is_some()
}
