//! The laws of every provider, held against this one on the emulator.

use async_trait::async_trait;
use leasehold_aws::AwsSettings;
use leasehold_emulator::Emulator;
use leasehold_provider::conformance::{self, LawViolation, Vocabulary, World, WorldError, Worlds};
use leasehold_provider::{Principal, Provider, StackName};

/// Accounts on emulators of their own.
struct Accounts;

#[async_trait]
impl Worlds for Accounts {
    async fn create_world(&self) -> Result<Box<dyn World>, WorldError> {
        let aws = Emulator::moto();
        let provider = crate::common::connect(&aws.endpoint(), AwsSettings::default()).await.into_provider();
        Ok(Box::new(Account { aws, provider }))
    }
}

struct Account {
    aws: Emulator,
    provider: Provider,
}

#[async_trait]
impl World for Account {
    fn provider(&self) -> &Provider {
        &self.provider
    }

    fn vocabulary(&self) -> Vocabulary {
        Vocabulary::for_iam()
    }

    fn outside_policy(&self) -> Option<String> {
        Some("arn:aws:iam::aws:policy/ReadOnlyAccess".to_owned())
    }

    fn boundary_policy(&self) -> Option<String> {
        Some("arn:aws:iam::aws:policy/PowerUserAccess".to_owned())
    }

    async fn add_unmanaged_principal(&self, principal: Principal, name: &str) -> Result<(), WorldError> {
        let form = principal.as_str();
        self.aws.boto3(&format!(
            "
            {EVERYTHING}
            if '{form}' == 'role':
                iam.create_role(RoleName='{name}', AssumeRolePolicyDocument=trust)
                iam.put_role_policy(RoleName='{name}', PolicyName='leasehold', PolicyDocument=everything)
            else:
                iam.create_user(UserName='{name}')
                iam.put_user_policy(UserName='{name}', PolicyName='leasehold', PolicyDocument=everything)
                iam.create_access_key(UserName='{name}')
            "
        ));
        Ok(())
    }

    async fn add_unmanaged_policy(&self, stack: &StackName, scope: &str) -> Result<(), WorldError> {
        self.aws.boto3(&format!(
            "
            {EVERYTHING}
            iam.create_policy(PolicyName='{stack}.{scope}', PolicyDocument=everything)
            "
        ));
        Ok(())
    }

    async fn add_unmanaged_group(&self, name: &str) -> Result<(), WorldError> {
        self.aws.boto3(&format!(
            "
            {EVERYTHING}
            iam.create_group(GroupName='{name}')
            iam.put_group_policy(GroupName='{name}', PolicyName='theirs', PolicyDocument=everything)
            "
        ));
        Ok(())
    }

    async fn describe_unmanaged_objects(&self) -> Result<String, WorldError> {
        let details = self.aws.boto3(
            "
            details = iam.get_account_authorization_details(Filter=['User', 'Role', 'Group', 'LocalManagedPolicy'])
            def marked(it):
                return any(tag['Key'].startswith('leasehold:') for tag in it.get('Tags', []))
            people = [it for it in details['UserDetailList'] + details['RoleDetailList'] if not marked(it)]
            policies = [it for it in details['Policies'] + details['GroupDetailList'] if not it['Path'].startswith('/leasehold/')]
            keys = [iam.list_access_keys(UserName=it['UserName'])['AccessKeyMetadata']
                    for it in people if 'UserName' in it]
            print(sorted(json.dumps(it, default=str, sort_keys=True) for it in people + policies + keys))
            ",
        );
        Ok(details.to_string())
    }

    async fn add_unmanaged_access(&self, principal: Principal, name: &str) -> Result<(), WorldError> {
        let form = principal.as_str();
        self.aws.boto3(&format!(
            "
            {EVERYTHING}
            admin = 'arn:aws:iam::aws:policy/AdministratorAccess'
            if '{form}' == 'role':
                iam.put_role_policy(RoleName='{name}', PolicyName='just-for-now', PolicyDocument=everything)
                iam.attach_role_policy(RoleName='{name}', PolicyArn=admin)
            else:
                iam.put_user_policy(UserName='{name}', PolicyName='just-for-now', PolicyDocument=everything)
                iam.attach_user_policy(UserName='{name}', PolicyArn=admin)
                if not any(group['GroupName'] == 'admins' for group in iam.list_groups()['Groups']):
                    iam.create_group(GroupName='admins')
                iam.add_user_to_group(UserName='{name}', GroupName='admins')
            "
        ));
        Ok(())
    }

    async fn add_credentials(&self, user: &str) -> Result<(), WorldError> {
        self.aws.boto3(&format!(
            "
            for _ in range(2):
                iam.create_access_key(UserName='{user}')
            iam.create_login_profile(UserName='{user}', Password='Secret-1234!')
            "
        ));
        Ok(())
    }

    async fn count_working_credentials(&self, user: &str) -> Result<usize, WorldError> {
        let working = self.aws.boto3(&format!(
            "
            keys = iam.list_access_keys(UserName='{user}')['AccessKeyMetadata']
            working = [key for key in keys if key['Status'] == 'Active']
            try:
                working.append(iam.get_login_profile(UserName='{user}'))
            except iam.exceptions.NoSuchEntityException:
                pass
            print(len(working))
            "
        ));
        Ok(working.as_u64().and_then(|count| usize::try_from(count).ok()).unwrap_or(usize::MAX))
    }
}

/// The beginning of snippets that need a policy and a trust. It is one line, so that it fits any indentation.
const EVERYTHING: &str = "statement = {'Effect': 'Allow', 'Action': '*', 'Resource': '*'}; \
                          everything = json.dumps({'Version': '2012-10-17', 'Statement': statement}); \
                          trust = json.dumps({'Version': '2012-10-17', 'Statement': []})";

fn assert_none(failures: &[LawViolation]) {
    let lines: Vec<String> = failures.iter().map(ToString::to_string).collect();
    assert!(failures.is_empty(), "{}", lines.join("\n"));
}

#[tokio::test]
async fn realization_laws_hold() {
    assert_none(&conformance::check_realize_laws(&Accounts).await);
}

#[tokio::test]
async fn lifecycle_laws_hold() {
    assert_none(&conformance::check_lifecycle_laws(&Accounts).await);
}

#[tokio::test]
async fn ownership_laws_hold() {
    assert_none(&conformance::check_ownership_laws(&Accounts).await);
}
