//! Opens the store of a stack's records.

use std::collections::BTreeSet;
use std::path::Path;

use leasehold_aws::AwsSettings;
use leasehold_provider::StackName;

use super::error::WorkflowError;
use super::event::WorkflowContext;
use super::{bounds, connection};
use crate::config::declared::{Backend, BackendLocation, Providers, S3Bucket};
use crate::store::{self, AwsAccess, Store};

/// Opens the store of a stack.
///
/// # Errors
/// The place of the store cannot be used or goes beyond the operator's bounds, or AWS cannot be reached for a bucket.
pub async fn open_store(
    backend: &Backend,
    providers: &Providers,
    stack: &StackName,
    directory: &Path,
    context: &WorkflowContext,
) -> Result<Store, WorkflowError> {
    bounds::check_backend(backend, stack, directory, context)?;
    // Only a bucket needs AWS settings: a folder must work in any environment.
    let access = match &backend.place {
        BackendLocation::S3(bucket) => {
            let settings = settings_for_bucket(bucket, providers)?;
            load_aws_access(&AwsSettings { endpoints: context.bounds.endpoints.clone(), ..settings }).await?
        }
        _ => aws_types::SdkConfig::builder().build().into(),
    };
    let store = store::open_backend(backend, stack.as_str(), directory, async || access).await?;
    Ok(store.report_outages_to(context.notices_for_store()))
}

async fn load_aws_access(settings: &AwsSettings) -> Result<AwsAccess, WorkflowError> {
    let config = leasehold_aws::load_sdk_config(settings).await.map_err(anyhow::Error::from)?;
    let ca_bundle = leasehold_aws::load_ca_bundle(settings).await.map_err(anyhow::Error::from)?;
    Ok(AwsAccess { config, ca_bundle: ca_bundle.map(|bundle| bundle.pem) })
}

/// The AWS settings for a bucket: those of the first provider, unless the backend names its own profile or role.
fn settings_for_bucket(bucket: &S3Bucket, providers: &Providers) -> Result<AwsSettings, WorkflowError> {
    // If the first provider is not AWS, the standard chain decides.
    let of_provider = connection::build_aws_settings(&providers.first)?.unwrap_or_default();
    if bucket.profile.is_none() && bucket.assume_role.is_none() {
        return Ok(of_provider);
    }
    Ok(AwsSettings {
        region: bucket.region.clone().or(of_provider.region),
        profile: bucket.profile.clone(),
        allowed_account_ids: BTreeSet::new(),
        assume_role: bucket.assume_role.clone().map(connection::to_aws_role),
        ..of_provider
    })
}
