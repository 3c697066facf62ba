//! What is known of AWS's own managed policies. No bulk read tells what they say.

use leasehold_provider::DenyExtent;

/// Those that deny something and allow nothing.
const DENYING: [&str; 5] = [
    "AWSCompromisedKeyQuarantine",
    "AWSCompromisedKeyQuarantineV2",
    "AWSCompromisedKeyQuarantineV3",
    "AWSDenyAll",
    "AWSIAMIdentityCenterAllowListForIdentityContext",
];

/// Those that allow something and deny something.
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

/// What a managed policy takes away, as far as its ARN tells: the policies of AWS that do were looked up, as of November 2025, in the
/// 1,485 that moto 5.2.5 carries (`moto/iam/aws_managed_policies.py`, made of AWS's own); those under `/aws-service-role/` and
/// `/root-task/`, which nobody can attach, left out. Any other is said to take nothing away.
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
