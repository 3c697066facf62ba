//! Failures between this machine and AWS, and the errors that the operator gets.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::common::{World, connect, identity, scope};
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, future};
use leasehold_aws::{AssumeRoleSettings, AwsProvider, AwsSettings, ConnectError};
use leasehold_emulator::{Emulator, Fault};
use leasehold_provider::{
    Change, EnactErrorKind, Observe, ObserveError, ObserveErrorKind, ObserveRequest, Principal, StackName,
};

async fn refused(world: &World) -> ObserveError {
    world.try_observe(&BTreeMap::new()).await.unwrap_err()
}

#[tokio::test]
async fn throttled_calls_are_retried() {
    let world = World::new().await;
    world.aws.order(Fault::throttle("*").times(3));
    world.observe().await;
    for action in ["CreateRole", "PutRolePolicy"] {
        world.aws.order(Fault::throttle(action).times(2));
    }
    let role = identity("ci", Principal::Role);
    world.create(world.desired(&role).await).await;
    assert_eq!(world.aws.calls("CreateRole"), 3);
    assert_eq!(world.live(&role).await.resources.len(), 2);
}

#[tokio::test]
async fn denied_read_is_an_error_with_the_action() {
    let world = World::new().await;
    world.create(world.desired(&identity("bot", Principal::User)).await).await;
    for action in ["GetAccountAuthorizationDetails", "ListRoles", "ListAccessKeys", "GetLoginProfile"] {
        world.aws.order(Fault::deny(action));
        let error = refused(&world).await;
        assert_eq!(error.kind, ObserveErrorKind::Denied, "{error}");
        assert_eq!(error.operation, format!("iam:{action}"));
        assert!(error.help.as_ref().unwrap().contains(&format!("allow iam:{action}")), "{error:?}");
        world.aws.clear_faults();
    }
    world.observe().await;
}

#[tokio::test]
async fn failed_page_fails_the_read() {
    let world = World::new().await;
    world.aws.order(Fault::error("ListRoles", 500, "ServiceFailure"));
    let error = refused(&world).await;
    assert_eq!(error.kind, ObserveErrorKind::Other);
    assert!(error.message.contains("HTTP 500"), "{error}");
    assert!(world.aws.calls("ListRoles") <= 5);
}

#[tokio::test]
async fn truncated_response_is_an_error() {
    let world = World::new().await;
    world.create(world.desired(&identity("bot", Principal::User)).await).await;
    for (action, keep) in [
        ("GetAccountAuthorizationDetails", 0.0),
        ("GetAccountAuthorizationDetails", 0.5),
        ("GetAccountAuthorizationDetails", 0.999),
        ("ListRoles", 0.7),
        ("ListAccessKeys", 0.9),
    ] {
        world.aws.order(Fault::cut_response(action, keep));
        let error = refused(&world).await;
        assert_eq!(error.kind, ObserveErrorKind::Unreachable, "{action} {keep}: {error}");
        assert_eq!(error.operation, format!("iam:{action}"));
        assert!(error.message.contains("is not complete"), "{action} {keep}: {error}");
        world.aws.clear_faults();
    }
    // One answer that is cut off is asked for again.
    world.aws.order(Fault::cut_response("ListRoles", 0.7).times(1));
    world.observe().await;
    // A write without a whole answer may have been made. It is repeated where that is harmless.
    world.aws.order(Fault::cut_response("CreateRole", 0.3).times(1));
    let role = identity("ci", Principal::Role);
    world.create(world.desired(&role).await).await;
    assert_eq!(world.live(&role).await.resources.len(), 2);
}

#[tokio::test]
async fn unreachable_endpoint_is_reported_quickly_with_its_url() {
    // A port that was free a moment ago.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let provider = connect(&format!("http://127.0.0.1:{port}"), AwsSettings::default()).await;
    let start = tokio::time::Instant::now();
    let error = provider.read_realm().await.unwrap_err();
    assert_eq!(error.kind, ObserveErrorKind::Unreachable, "{error}");
    assert!(error.message.contains(&format!("http://127.0.0.1:{port}")), "{error}");
    assert!(error.message.contains("refused"), "{error}");
    assert!(error.help.as_ref().unwrap().contains("AWS_ENDPOINT_URL"), "{error:?}");
    assert!(start.elapsed() < Duration::from_secs(3), "{:?}", start.elapsed());
}

#[tokio::test]
async fn another_account_is_refused_before_any_other_call() {
    let aws = Emulator::moto();
    let allowed_account_ids = BTreeSet::from(["111122223333".to_owned()]);
    let provider = connect(&aws.endpoint(), AwsSettings { allowed_account_ids, ..AwsSettings::default() }).await;
    let error = provider.observe_all().await.unwrap_err();
    assert_eq!(error.kind, ObserveErrorKind::WrongAccount);
    assert!(error.message.contains(Emulator::ACCOUNT) && error.message.contains("111122223333"), "{error}");
    assert_eq!(aws.counts(), BTreeMap::from([("GetCallerIdentity".to_owned(), 1)]));
}

#[tokio::test]
async fn invalid_credentials_have_specific_errors() {
    let aws = Emulator::moto();
    for (code, message, kind, says, help) in [
        ("ExpiredToken", "The security token included in the request is expired", None, "expired", "log in again"),
        ("InvalidClientTokenId", "The security token is invalid", None, "does not recognize", "us-east-1"),
        (
            "SignatureDoesNotMatch",
            "The request signature we calculated does not match",
            None,
            "secret key",
            "missing or repeated",
        ),
        ("SignatureDoesNotMatch", "Signature expired: 2026 is now earlier than 2027", None, "clock", "NTP"),
        ("SignatureDoesNotMatch", "Credential should be scoped to a valid region", None, "region", "AWS_REGION"),
        (
            "AccessDenied",
            "not authorized",
            Some(ObserveErrorKind::Denied),
            "does not have permission",
            "allow sts:GetCallerIdentity",
        ),
    ] {
        aws.order(Fault::error("GetCallerIdentity", 403, code).with_message(message));
        let provider = connect(&aws.endpoint(), AwsSettings::default()).await;
        let error = provider.read_realm().await.unwrap_err();
        assert_eq!(error.kind, kind.unwrap_or(ObserveErrorKind::Unauthenticated), "{error}");
        assert!(error.message.contains(says), "{error}");
        assert!(error.help.as_ref().unwrap().contains(help), "{error:?}");
        aws.clear_faults();
    }
}

#[tokio::test]
async fn missing_credentials_error_lists_sources() {
    let aws = Emulator::moto();
    let loader = aws_config::defaults(aws_config::BehaviorVersion::latest())
        .empty_test_environment()
        .endpoint_url(aws.endpoint())
        .credentials_provider(Nowhere);
    let provider = AwsProvider::connect_with_loader(AwsSettings::default(), loader).await.unwrap();
    let error = provider.read_realm().await.unwrap_err();
    assert_eq!(error.kind, ObserveErrorKind::Unauthenticated, "{error}");
    assert!(error.help.as_ref().unwrap().contains("aws sso login"), "{error:?}");
}

#[tokio::test]
async fn assume_role_runs_first_and_its_refusal_is_reported() {
    let aws = Emulator::moto();
    let settings = AwsSettings {
        assume_role: Some(AssumeRoleSettings {
            role_arn: "arn:aws:iam::123456789012:role/leasehold".to_owned(),
            external_id: Some("x".to_owned()),
            session_name: None,
        }),
        ..AwsSettings::default()
    };
    let provider = connect(&aws.endpoint(), settings.clone()).await;
    assert_eq!(provider.read_realm().await.unwrap().actor, "role/leasehold");
    aws.order(Fault::deny("AssumeRole"));
    let provider = connect(&aws.endpoint(), settings).await;
    let error = provider.read_realm().await.unwrap_err();
    assert_eq!(error.kind, ObserveErrorKind::Unauthenticated, "{error}");
    assert!(error.message.contains("arn:aws:iam::123456789012:role/leasehold"), "{error}");
    assert!(error.help.as_ref().unwrap().contains("sts:AssumeRole"), "{error:?}");
}

#[tokio::test]
async fn invalid_settings_are_rejected_before_any_call() {
    let role = AssumeRoleSettings { role_arn: "leasehold".to_owned(), external_id: None, session_name: None };
    let settings = AwsSettings { assume_role: Some(role), ..AwsSettings::default() };
    assert!(matches!(AwsProvider::connect(settings).await, Err(ConnectError::RoleArn(_))));
    let settings = AwsSettings { allowed_account_ids: BTreeSet::from(["1".to_owned()]), ..AwsSettings::default() };
    assert!(matches!(AwsProvider::connect(settings).await, Err(ConnectError::AccountId(_))));
}

#[tokio::test]
async fn lost_response_leaves_one_desired_object() {
    let world = World::new().await;
    let mut role = identity("ci", Principal::Role);
    role.spec.scopes.insert("orders_read".to_owned());
    let before = world.scope(&scope("orders_read", "s3:ListBucket")).await;
    for action in ["CreateRole", "PutRolePolicy", "CreatePolicy", "AttachRolePolicy", "CreatePolicyVersion"] {
        world.aws.order(Fault::drop_response(action).times(1));
    }
    let mut resources = world.desired(&role).await;
    resources.push(before.clone());
    world.create(resources).await;
    let after = world.scope(&scope("orders_read", "s3:GetObject")).await;
    let change = Change::Update { before: Box::new(before), after: Box::new(after) };
    world.enact(&change).await.unwrap();
    let versions = world.aws.boto3(
        "
        arn = 'arn:aws:iam::123456789012:policy/leasehold/payments/payments.orders_read'
        print(len(iam.list_policy_versions(PolicyArn=arn)['Versions']))
        ",
    );
    assert_eq!(versions, 2, "the policy version whose response was lost is not created again");
    let desired: BTreeMap<_, _> = world.desired(&role).await.into_iter().map(|r| (r.id.clone(), r)).collect();
    assert_eq!(world.live(&role).await.resources, desired);
    for action in ["DeleteRole", "DeleteRolePolicy", "DetachRolePolicy"] {
        world.aws.order(Fault::drop_response(action).times(1));
    }
    world.delete(desired.into_values().collect()).await;
    assert!(world.observe().await.identities.is_empty());
}

#[tokio::test]
async fn propagation_errors_are_retried_only_after_a_creation() {
    let mut world = World::new().await;
    let role = identity("ci", Principal::Role);
    world.aws.order(Fault::error("PutRolePolicy", 404, "NoSuchEntity").times(2));
    world.create(world.desired(&role).await).await;
    assert_eq!(world.aws.calls("PutRolePolicy"), 3);

    world.new_run().await;
    world.aws.clear_requests();
    let resources = world.desired(&role).await;
    world.observe().await;
    world.aws.order(Fault::error("PutRolePolicy", 404, "NoSuchEntity"));
    let update = Change::Update { before: Box::new(resources[1].clone()), after: Box::new(resources[1].clone()) };
    let error = world.enact(&update).await.unwrap_err();
    assert_eq!(error.kind, EnactErrorKind::Conflict, "{error}");
    assert_eq!(world.aws.calls("PutRolePolicy"), 1, "the role existed before this run");
}

#[tokio::test]
async fn exceeded_quota_is_not_retried() {
    let world = World::new().await;
    world.aws.order(
        Fault::error("CreateRole", 409, "LimitExceeded").with_message("Cannot exceed quota for RolesPerAccount"),
    );
    let role = world.desired(&identity("ci", Principal::Role)).await.remove(0);
    let error = world.enact(&Change::Create { after: Box::new(role) }).await.unwrap_err();
    assert_eq!(error.kind, EnactErrorKind::Limit);
    assert!(error.message.contains("RolesPerAccount"), "{error}");
    assert_eq!(world.aws.calls("CreateRole"), 1);
}

/// A chain that finds nothing.
#[derive(Debug)]
struct Nowhere;

impl ProvideCredentials for Nowhere {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::ready(Err(CredentialsError::not_loaded("no providers in chain")))
    }
}

/// Observing without further wishes.
trait ObserveAll {
    async fn observe_all(&self) -> Result<leasehold_provider::Snapshot, ObserveError>;
}

impl ObserveAll for AwsProvider {
    async fn observe_all(&self) -> Result<leasehold_provider::Snapshot, ObserveError> {
        let stack = StackName::new("payments").unwrap();
        let (shared, exact) = (BTreeMap::new(), BTreeSet::new());
        self.observe_stack(ObserveRequest { exact: &exact, ..ObserveRequest::for_plan(&stack, &shared) }).await
    }
}
