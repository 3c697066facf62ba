//! Turns federations into OpenID Connect and SAML providers.

use std::collections::BTreeSet;

use leasehold_provider::{Federation, Issuer, Marks, Resource, ResourceId, StackName, Value};

use crate::kinds;

/// The attribute with the thumbprints of an issuer's certificate. Absent if the stack does not declare them; IAM then determines them.
pub const THUMBPRINTS: &str = "thumbprint_list";

/// The OpenID Connect or SAML provider of a federation, with its marks.
pub fn federation_resource(stack: &StackName, federation: &Federation) -> Resource {
    let mut resource = match &federation.issuer {
        Issuer::Oidc { url, audiences, thumbprints } => {
            oidc_resource(&issuer_host(url), audiences.clone(), thumbprints.clone())
        }
        Issuer::Saml { name, metadata } => saml_resource(name, metadata),
    };
    resource.marks = Some(Marks::new(stack.clone(), federation.address()));
    resource
}

/// An OpenID Connect provider, desired or live. Without thumbprints, the attribute is absent.
pub fn oidc_resource(host: &str, audiences: BTreeSet<String>, thumbprints: BTreeSet<String>) -> Resource {
    let resource = Resource::new(ResourceId::new(kinds::OIDC_PROVIDER, host), None)
        .with_attribute("url", format!("https://{host}"))
        .with_attribute("client_id_list", Value::Set(audiences));
    if thumbprints.is_empty() { resource } else { resource.with_attribute(THUMBPRINTS, Value::Set(thumbprints)) }
}

/// A SAML provider, desired or live.
pub fn saml_resource(name: &str, metadata: &str) -> Resource {
    Resource::new(ResourceId::new(kinds::SAML_PROVIDER, name), None)
        .with_attribute("name", name)
        .with_attribute("saml_metadata_document", metadata.trim())
}

/// The host of an issuer's URL in the form of IAM and trust policies: without `https://` and without a trailing slash.
fn issuer_host(url: &str) -> String {
    url.strip_prefix("https://").unwrap_or(url).trim_end_matches('/').to_owned()
}
