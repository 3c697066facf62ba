//! What reading and writing many identities costs, in calls that reach the account.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::common::{World, identity, in_order, scope};
use futures::{StreamExt, stream};
use leasehold_provider::{Change, Principal, Resource};

/// Makes resources, those of one identity in order and many identities at a time.
async fn create(world: &Arc<World>, identities: Vec<Vec<Resource>>) {
    stream::iter(identities)
        .for_each_concurrent(10, |resources| async {
            for after in in_order(resources) {
                world.enact(&Change::Create { after: Box::new(after) }).await.unwrap();
            }
        })
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thousand_roles_need_expected_calls() {
    const ROLES: usize = 1000;
    let world = Arc::new(World::new().await);
    let roles: Vec<_> = (0..ROLES).map(|number| identity(&format!("ci-{number}"), Principal::Role)).collect();
    let mut resources = Vec::new();
    for role in &roles {
        resources.push(world.desired(role).await);
    }
    world.observe().await;
    create(&world, resources.clone()).await;
    let calls: usize = world.aws.counts().values().sum();
    assert!(calls <= ROLES * 21 / 10 + 20, "{calls} calls: {:?}", world.aws.counts());

    world.aws.clear_requests();
    let fresh = crate::common::connect(&world.aws.endpoint(), leasehold_aws::AwsSettings::default()).await;
    let world = World { aws: Arc::into_inner(world).unwrap().aws, provider: fresh, stack: crate::common::stack() };
    let snapshot = world.observe().await;
    let calls: usize = world.aws.counts().values().sum();
    assert!(calls <= 15, "{calls} calls: {:?}", world.aws.counts());
    let desired: BTreeMap<_, _> = resources.into_iter().flatten().map(|r| (r.id.clone(), r)).collect();
    let live: BTreeMap<_, _> = snapshot.identities.into_values().flat_map(|identity| identity.resources).collect();
    assert_eq!(live, desired);
}

#[tokio::test]
async fn many_users_are_read_from_the_report_and_key_users_exactly() {
    let world = Arc::new(World::new().await);
    let users: Vec<_> = (0..120).map(|number| identity(&format!("bot-{number}"), Principal::User)).collect();
    let mut resources = Vec::new();
    for user in &users {
        resources.push(world.desired(user).await);
    }
    create(&world, resources).await;
    world.aws.boto3(
        "
        for name in ('bot-7', 'bot-8'):
            iam.create_access_key(UserName=name)
        iam.create_login_profile(UserName='bot-9', Password='Secret-1234!')
        key = iam.list_access_keys(UserName='bot-8')['AccessKeyMetadata'][0]['AccessKeyId']
        iam.update_access_key(UserName='bot-8', AccessKeyId=key, Status='Inactive')
        ",
    );
    world.aws.clear_requests();
    let snapshot = world.observe().await;
    let holders: Vec<&str> =
        snapshot.identities.values().filter(|user| user.resources.len() > 2).map(|user| user.name.as_str()).collect();
    assert_eq!(holders, ["bot-7", "bot-8", "bot-9"]);
    assert_eq!(world.aws.calls("ListAccessKeys"), 3, "{:?}", world.aws.counts());
    assert_eq!(world.aws.calls("GetCredentialReport"), 1);
    assert_eq!(world.aws.calls("ListServiceSpecificCredentials"), 1, "one call for all users");
    for one_by_one in ["ListSSHPublicKeys", "ListSigningCertificates", "ListMFADevices"] {
        assert_eq!(world.aws.calls(one_by_one), 0, "{one_by_one}: the credential report lists no such credentials");
    }
}

#[tokio::test]
async fn shared_scope_update_needs_few_writes() {
    let world = World::new().await;
    let before = world.scope(&scope("orders_read", "s3:ListBucket")).await;
    world.create(vec![before.clone()]).await;
    let after = world.scope(&scope("orders_read", "s3:GetObject")).await;
    world.observe().await;
    world.aws.clear_requests();
    world.enact(&Change::Update { before: Box::new(before), after: Box::new(after) }).await.unwrap();
    let writes = world.aws.requests().into_iter().filter(leasehold_emulator::Request::writes).count();
    assert_eq!(writes, 1, "{:?}", world.aws.counts());
}
