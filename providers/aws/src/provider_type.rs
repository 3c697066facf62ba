//! [`PROVIDER_TYPE`]: the `provider "aws"` block, and how to connect with its settings.

use std::collections::BTreeMap;

use leasehold_provider::block_schema::{AttributeSchema, BlockForm, BlockSchema, InnerBlockSchema};
use leasehold_provider::{
    ConnectRequest, Connecting, ProviderConnectError, ProviderFields, ProviderType, Realm, SettingProblem,
};

use crate::{AwsProvider, AwsSettings, build_realizer};

/// The provider `aws`.
pub const PROVIDER_TYPE: ProviderType = ProviderType {
    title: "AWS",
    form: BlockForm {
        label: "aws",
        attributes: &[
            AttributeSchema::optional("region"),
            AttributeSchema::optional("profile"),
            AttributeSchema::optional("allowed_account_ids"),
            AttributeSchema::optional("alias"),
        ],
        blocks: &[InnerBlockSchema { schema: &ASSUME_ROLE, many: false, later: false }],
        later: false,
    },
    lists: &["allowed_account_ids"],
    has_given_time: false,
    check_settings,
    find_clash: |_, _| None,
    guess_realm,
    build_realizer,
    connect,
};

/// The role that the provider assumes before its first call.
static ASSUME_ROLE: BlockSchema = BlockSchema {
    keyword: "assume_role",
    labels: &[],
    attributes: &[
        AttributeSchema::required("role_arn", "role_arn = \"arn:aws:iam::111122223333:role/leasehold\""),
        AttributeSchema::optional("external_id"),
        AttributeSchema::optional("session_name"),
    ],
    blocks: &[],
    open: false,
    forms: &[],
};

fn check_settings(fields: &ProviderFields) -> Vec<SettingProblem> {
    let settings = match AwsSettings::from_fields(fields) {
        Ok(settings) => settings,
        Err(error) => {
            return vec![SettingProblem {
                code: "config::provider",
                attribute: "",
                summary: format!("the settings of provider \"aws\" do not read: {error}"),
                label: "this block",
                help: "plan again".to_owned(),
            }];
        }
    };
    let wrong = |id: &&String| id.len() != 12 || !id.bytes().all(|byte| byte.is_ascii_digit());
    let problem = |id: &String| SettingProblem {
        code: "config::account",
        attribute: "allowed_account_ids",
        summary: format!("{id:?} is not an AWS account id"),
        label: "12 digits",
        help: "write the 12 digits in quotes, with leading zeros: \"012345678901\"".to_owned(),
    };
    settings.allowed_account_ids.iter().filter(wrong).map(problem).collect()
}

/// An unknown account number becomes twelve zeros: sizes do not depend on the digits.
fn guess_realm(fields: &ProviderFields) -> Realm {
    let account = fields.get("allowed_account_ids").and_then(|ids| ids.get(0)?.as_str());
    Realm {
        provider: "aws".to_owned(),
        account: account.map_or_else(|| "0".repeat(12), str::to_owned),
        partition: "aws".to_owned(),
        actor: String::new(),
        others: BTreeMap::new(),
    }
}

fn connect(request: ConnectRequest) -> Connecting {
    Box::pin(async move {
        let settings = AwsSettings::from_fields(&request.settings)
            .map_err(|error| ProviderConnectError { is_in_settings: true, cause: error.into() })?;
        let settings = AwsSettings { endpoints: request.endpoints, ..settings };
        let provider = AwsProvider::connect(settings).await.map_err(|error| ProviderConnectError {
            is_in_settings: !error.is_environment_error(),
            cause: error.into(),
        })?;
        Ok(provider.with_notices(request.notices).into_provider())
    })
}
