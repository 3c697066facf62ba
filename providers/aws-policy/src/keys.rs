//! What is known of condition keys apart from the policies that use them.

use crate::catalogue::catalogue;

/// Keys of all services, in lower case; one that ends with `/` is a family.
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

/// Global keys that hold several values in one request.
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

/// Whether a request may hold several values for this key, given in lower case.
pub(crate) fn is_multivalued(key: &str) -> bool {
    if key.starts_with("aws:") {
        return MULTIVALUED.contains(&key);
    }
    // How somebody signed in, and what a SAML provider says of them, are lists.
    if key.ends_with(":amr") || key.starts_with("saml:") {
        return true;
    }
    MULTIVALUED.contains(&key) || catalogue().key(key).is_some_and(|known| known.multivalued)
}

/// Whether AWS knows this key, given in lower case. Keys of identity providers
/// (`token.actions.githubusercontent.com:sub`) cannot be listed: a prefix with a dot is taken for one.
pub(crate) fn is_known(key: &str) -> bool {
    let global = |known: &str| if known.ends_with('/') { key.starts_with(known) } else { known == key };
    let provider = key.rsplit_once(':').is_some_and(|(host, _)| host.contains('.'));
    GLOBAL.iter().any(|known| global(known)) || provider || catalogue().key(key).is_some()
}
