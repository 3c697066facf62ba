//! What is known about AWS managed policies. The bulk read does not return their text.

use leasehold_provider::DenyExtent;

/// Policies that contain a Deny and no Allow.
const DENYING: [&str; 5] = [
    "AWSCompromisedKeyQuarantine",
    "AWSCompromisedKeyQuarantineV2",
    "AWSCompromisedKeyQuarantineV3",
    "AWSDenyAll",
    "AWSIAMIdentityCenterAllowListForIdentityContext",
];

/// Policies that contain both an Allow and a Deny.
const MIXED: [&str; 22] = [
    "AWSCertificateManagerPrivateCAPrivilegedUser",
    "AWSCertificateManagerPrivateCAUser",
    "AWSCleanRoomsFullAccessNoQuerying",
    "AWSDeepRacerDefaultMultiUserAccess",
    "AWSLakeFormationDataAdmin",
    "AWSPrivateCAPrivilegedUser",
    "AWSPrivateCAUser",
    "AWSTransformApplicationDeploymentPolicy",
    "AmazonConnectReadOnlyAccess",
    "AmazonDataZoneEnvironmentRolePermissionsBoundary",
    "AmazonDataZoneSageMakerEnvironmentRolePermissionsBoundary",
    "AmazonRedshiftDataFullAccess",
    "AmazonSecurityLakePermissionsBoundary",
    "AwsGlueSessionUserRestrictedNotebookPolicy",
    "AwsGlueSessionUserRestrictedNotebookServiceRole",
    "AwsGlueSessionUserRestrictedPolicy",
    "AwsGlueSessionUserRestrictedServiceRole",
    "SageMakerStudioAdminIAMDefaultExecutionPolicy",
    "SageMakerStudioAdminIAMPermissiveExecutionPolicy",
    "SageMakerStudioProjectUserRolePermissionsBoundary",
    "SageMakerStudioUserIAMDefaultExecutionPolicy",
    "SageMakerStudioUserIAMPermissiveExecutionPolicy",
];

/// What a managed policy denies, judged by its ARN. The lists are from November 2025: the 1,485 AWS managed policies in moto 5.2.5
/// (`moto/iam/aws_managed_policies.py`, generated from AWS's own policies) were searched for Deny statements. Policies under
/// `/aws-service-role/` and `/root-task/` are left out, because customers cannot attach them. Any other policy is assumed to deny nothing.
pub fn classify_managed_policy(policy_arn: &str) -> DenyExtent {
    let Some(path) = policy_arn.split_once(":iam::aws:policy/").map(|(_, path)| path) else {
        return DenyExtent::Nothing;
    };
    let name = path.rsplit('/').next().unwrap_or(path);
    if DENYING.contains(&name) {
        DenyExtent::Only
    } else if MIXED.contains(&name) {
        DenyExtent::Besides
    } else {
        DenyExtent::Nothing
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn policies_of_aws_are_known_by_name_in_every_partition() {
        for (policy, says) in [
            ("arn:aws:iam::aws:policy/AWSDenyAll", DenyExtent::Only),
            ("arn:aws-cn:iam::aws:policy/AWSDenyAll", DenyExtent::Only),
            ("arn:aws:iam::aws:policy/service-role/AwsGlueSessionUserRestrictedServiceRole", DenyExtent::Besides),
            ("arn:aws:iam::aws:policy/ReadOnlyAccess", DenyExtent::Nothing),
            ("arn:aws:iam::111122223333:policy/AWSDenyAll", DenyExtent::Nothing),
        ] {
            assert_eq!(classify_managed_policy(policy), says, "{policy}");
        }
    }
}
