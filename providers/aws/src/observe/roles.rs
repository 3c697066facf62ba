//! `ListRoles`, for the details that the bulk read lacks: session duration and description.

use std::collections::HashMap;

use aws_sdk_iam::types::Role;
use leasehold_provider::{Resource, Value};

use super::AccountReader;
use super::pages::{Page, read_all_pages};
use crate::failure::CallError;
use crate::realize::DEFAULT_SESSION;
use crate::retry::RetryClass;

/// Details of a role that the bulk read lacks. Default values are left out.
#[derive(Debug, Clone, Default)]
pub struct RoleFacts {
    description: Option<String>,
    max_session_duration: Option<i64>,
}

impl RoleFacts {
    /// The details of a role that `ListRoles` or `GetRole` returned.
    pub fn from_role(role: &Role) -> Self {
        Self {
            description: role.description.clone().filter(|text| !text.is_empty()),
            max_session_duration: role.max_session_duration.map(i64::from).filter(|s| *s != DEFAULT_SESSION),
        }
    }

    /// Adds the details to the role's resource.
    pub fn write_to_resource(self, resource: &mut Resource) {
        if let Some(description) = self.description {
            resource.attributes.insert("description".into(), description.into());
        }
        if let Some(seconds) = self.max_session_duration {
            resource.attributes.insert("max_session_duration".into(), Value::Number(seconds));
        }
    }
}

impl AccountReader<'_> {
    /// The details of all roles, by role name.
    ///
    /// # Errors
    /// A call fails.
    pub async fn list_role_facts(&self) -> Result<HashMap<String, RoleFacts>, CallError> {
        const OPERATION: &str = "iam:ListRoles";
        let mut facts = HashMap::new();
        let iam = &self.provider.clients.iam;
        let fetch = async |marker: Option<String>| {
            let send = || iam.list_roles().max_items(1000).set_marker(marker.clone()).send();
            let page =
                self.provider.caller.call_with_retries(&self.calls, OPERATION, RetryClass::Idempotent, send).await?;
            Ok(Page { items: page.roles, truncated: page.is_truncated, marker: page.marker })
        };
        read_all_pages(OPERATION, fetch, |roles| {
            facts.extend(roles.iter().map(|role| (role.role_name.clone(), RoleFacts::from_role(role))));
            Ok(())
        })
        .await?;
        Ok(facts)
    }

    /// The details of one role.
    ///
    /// # Errors
    /// The call fails, or the answer contains no role.
    pub async fn read_role_facts(&self, name: &str) -> Result<RoleFacts, CallError> {
        const OPERATION: &str = "iam:GetRole";
        let iam = &self.provider.clients.iam;
        let send = || iam.get_role().role_name(name).send();
        let answer =
            self.provider.caller.call_with_retries(&self.calls, OPERATION, RetryClass::Idempotent, send).await?;
        answer
            .role
            .as_ref()
            .map(RoleFacts::from_role)
            .ok_or_else(|| CallError::from_malformed_answer(OPERATION, "the response contains no role"))
    }
}
