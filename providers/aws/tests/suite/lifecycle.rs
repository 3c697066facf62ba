//! Joiner, mover, leaver on the emulator, through the SDK as it ships, asserted by boto3.

use std::collections::BTreeMap;

use crate::common::{World, id, identity, scope};
use leasehold_aws::AwsRealizer;
use leasehold_emulator::{Emulator, Request};
use leasehold_provider::{
    Change, EnactErrorKind, ObjectIds as _, Principal, Quarantine, RealizeObjects as _, Span, Trust, TrustedIdentity,
    Value, resource,
};
use serde_json::json;

#[tokio::test]
async fn created_identities_are_observed_with_two_calls_per_joiner() {
    let world = World::new().await;
    let orders = world.scope(&scope("orders_read", "s3:ListBucket")).await;
    let mut user = identity("reporter", Principal::User);
    user.spec.scopes.insert("orders_read".to_owned());
    user.spec.outside_policies.insert("arn:aws:iam::aws:policy/ReadOnlyAccess".to_owned());
    let mut role = identity("checkout_ci", Principal::Role);
    role.spec.max_session_duration = Some(Span::from_seconds(7200).unwrap());
    role.spec.permissions_boundary = Some("arn:aws:iam::aws:policy/PowerUserAccess".to_owned());
    role.spec.scopes.insert("orders_read".to_owned());
    role.spec.trusts = vec![
        Trust::Oidc {
            issuer: "https://token.actions.githubusercontent.com".to_owned(),
            audiences: vec!["sts.amazonaws.com".to_owned()],
            subjects: vec!["repo:acme/checkout:*".to_owned()],
        },
        Trust::Named { principals: vec!["999922223333".to_owned()], external_id: Some("x".to_owned()) },
        Trust::Identity {
            identities: vec![TrustedIdentity {
                address: user.spec.address.clone(),
                principal: Principal::User,
                name: user.spec.name.clone(),
                account: None,
            }],
        },
    ];
    world.create(vec![orders.clone()]).await;
    for desired in [&user, &role] {
        world.create(world.desired(desired).await).await;
    }
    let counts = world.aws.counts();
    assert_eq!(counts["CreateRole"] + counts["PutRolePolicy"], 2, "{counts:?}");
    assert!(!counts.contains_key("GetRole") && !counts.contains_key("TagRole"), "{counts:?}");

    let shared = BTreeMap::from([(orders.id.clone(), orders.clone())]);
    let snapshot = world.try_observe(&shared).await.unwrap();
    for desired in [&user, &role] {
        let live = &snapshot.identities[&AwsRealizer.principal_id(desired.spec.principal, &desired.spec.name)];
        let desired: BTreeMap<_, _> = world.desired(desired).await.into_iter().map(|r| (r.id.clone(), r)).collect();
        assert_eq!(live.resources, desired);
        assert_eq!(resource::identity_digest(live.resources.values()), resource::identity_digest(desired.values()));
    }
    assert_eq!(snapshot.shared[&orders.id].resource.attributes, orders.attributes);
    assert_eq!(snapshot.shared[&orders.id].resource.marks, None, "no difference, so no exact reads");
    assert_eq!(world.aws.calls("ListPolicyTags"), 0);

    let seen = world.aws.boto3(
        "
        role = iam.get_role(RoleName='checkout_ci')['Role']
        policy = iam.get_role_policy(RoleName='checkout_ci', PolicyName='leasehold')['PolicyDocument']
        attached = iam.list_attached_role_policies(RoleName='checkout_ci')['AttachedPolicies']
        print({'dates': [s['Condition']['DateLessThan'] for s in role['AssumeRolePolicyDocument']['Statement']],
               'deny': [s for s in policy['Statement'] if s['Effect'] == 'Deny'],
               'session': role['MaxSessionDuration'], 'attached': [a['PolicyArn'] for a in attached],
               'tags': sorted(t['Key'] for t in role['Tags'])})
        ",
    );
    let deadline = json!({"aws:CurrentTime": "2027-02-18T22:00:00Z"});
    assert_eq!(
        seen,
        json!({
            "dates": [deadline, deadline, deadline],
            "deny": [{"Sid": "LeaseholdLease", "Effect": "Deny", "Action": "*", "Resource": "*",
                      "Condition": {"DateGreaterThanEquals": deadline}}],
            "session": 7200,
            "attached": ["arn:aws:iam::123456789012:policy/leasehold/payments/payments.orders_read"],
            "tags": ["leasehold:address", "leasehold:created-at", "leasehold:expires-at", "leasehold:owner",
                     "leasehold:stack", "team"],
        })
    );
}

#[tokio::test]
async fn mover_is_updated_by_its_differences() {
    let world = World::new().await;
    let before = identity("mover", Principal::Role);
    world.create(world.desired(&before).await).await;
    let live = world.live(&before).await;
    world.aws.clear_requests();

    let mut after = before.clone();
    after.spec.owner = "tom".to_owned();
    after.spec.purpose = None;
    after.spec.tags = BTreeMap::from([("cost".to_owned(), "7".to_owned())]);
    after.spec.max_session_duration = Some(Span::from_seconds(7200).unwrap());
    after.deadline = Some("2027-03-01T00:00:00Z".parse().unwrap());
    let desired = world.desired(&after).await;
    world.converge(&live.resources, desired.clone()).await;
    let writes: Vec<_> = world.aws.requests().into_iter().map(|request| request.action).collect();
    assert_eq!(
        writes,
        ["UpdateAssumeRolePolicy", "UpdateRole", "TagRole", "UntagRole", "TagRole", "PutRolePolicy"],
        "one call for each difference"
    );
    let desired: BTreeMap<_, _> = desired.into_iter().map(|r| (r.id.clone(), r)).collect();
    assert_eq!(world.live(&after).await.resources, desired);
}

#[tokio::test]
async fn quarantine_denies_all_access_and_is_idempotent() {
    let world = World::new().await;
    let user = identity("old_bot", Principal::User);
    let role = identity("old_ci", Principal::Role);
    for desired in [&user, &role] {
        world.create(world.desired(desired).await).await;
    }
    world.aws.boto3(
        "
        iam.create_access_key(UserName='old_bot')
        iam.create_login_profile(UserName='old_bot', Password='Secret-1234!')
        iam.attach_user_policy(UserName='old_bot', PolicyArn='arn:aws:iam::aws:policy/AdministratorAccess')
        ",
    );
    let realm = world.observe().await.realm;
    let quarantine = Quarantine { at: "2026-11-21T00:00:00Z".parse().unwrap(), reason: "removed".to_owned() };
    for desired in [&user, &role] {
        let live = world.live(desired).await;
        let shut = AwsRealizer.realize_quarantine(&realm, &live, &quarantine);
        world.converge(&live.resources, shut.clone()).await;
        let live = world.live(desired).await;
        assert_eq!(live.marks.quarantine.as_ref(), Some(&quarantine));
        let again: BTreeMap<_, _> =
            AwsRealizer.realize_quarantine(&realm, &live, &quarantine).into_iter().map(|r| (r.id.clone(), r)).collect();
        assert_eq!(again, live.resources, "applied to its own result it changes nothing");
    }
    let seen = world.aws.boto3(
        "
        def login():
            try:
                return iam.get_login_profile(UserName='old_bot')['LoginProfile']['UserName']
            except iam.exceptions.NoSuchEntityException:
                return None
        print({'keys': [k['Status'] for k in iam.list_access_keys(UserName='old_bot')['AccessKeyMetadata']],
               'login': login(),
               'user': iam.get_user_policy(UserName='old_bot', PolicyName='leasehold')['PolicyDocument']['Statement'],
               'trust': iam.get_role(RoleName='old_ci')['Role']['AssumeRolePolicyDocument']['Statement'],
               'role': iam.get_role_policy(RoleName='old_ci', PolicyName='leasehold')['PolicyDocument']['Statement']})
        ",
    );
    let deny = json!([{"Sid": "LeaseholdQuarantine", "Effect": "Deny", "Action": "*", "Resource": "*"}]);
    assert_eq!(seen["keys"], json!(["Inactive"]));
    assert_eq!(seen["login"], json!(null));
    assert_eq!(seen["user"], deny);
    assert_eq!(seen["role"], deny);
    assert_eq!(seen["trust"][0]["Effect"], json!("Deny"));
}

#[tokio::test]
async fn unmanaged_parts_are_observed_and_deleted_with_a_leaver() {
    let world = World::new().await;
    let user = identity("nightly", Principal::User);
    let role = identity("nightly_ci", Principal::Role);
    for desired in [&user, &role] {
        world.create(world.desired(desired).await).await;
    }
    let keys = world.aws.boto3(
        "
        everything = json.dumps({'Version': '2012-10-17',
                                 'Statement': {'Effect': 'Allow', 'Action': '*', 'Resource': '*'}})
        admin = 'arn:aws:iam::aws:policy/AdministratorAccess'
        iam.create_group(GroupName='admins')
        iam.add_user_to_group(GroupName='admins', UserName='nightly')
        iam.put_user_policy(UserName='nightly', PolicyName='unmanaged', PolicyDocument=everything)
        iam.attach_user_policy(UserName='nightly', PolicyArn=admin)
        iam.create_login_profile(UserName='nightly', Password='Secret-1234!')
        iam.put_role_policy(RoleName='nightly_ci', PolicyName='unmanaged', PolicyDocument=everything)
        iam.attach_role_policy(RoleName='nightly_ci', PolicyArn=admin)
        print([iam.create_access_key(UserName='nightly')['AccessKey']['AccessKeyId'] for _ in range(2)])
        ",
    );
    let live = world.live(&user).await;
    let observed: Vec<String> = live.resources.keys().map(ToString::to_string).collect();
    for unmanaged in [
        "aws_iam_user_group_membership nightly/admins",
        "aws_iam_user_policy nightly/unmanaged",
        "aws_iam_user_policy_attachment nightly/AdministratorAccess",
        "aws_iam_user_login_profile nightly",
        &format!("aws_iam_access_key nightly/{}", keys[0].as_str().unwrap()),
        &format!("aws_iam_access_key nightly/{}", keys[1].as_str().unwrap()),
    ] {
        assert!(observed.iter().any(|found| found == unmanaged), "{unmanaged} in {observed:?}");
    }
    world.aws.clear_requests();
    for desired in [&user, &role] {
        let resources: Vec<_> = world.live(desired).await.resources.into_values().collect();
        world.delete(resources).await;
    }
    let order: Vec<String> = world.aws.requests().into_iter().filter(Request::writes).map(|r| r.action).collect();
    let position = |action: &str| order.iter().position(|other| other == action).unwrap();
    let last = |action: &str| order.iter().rposition(|other| other == action).unwrap();
    assert!(last("DeleteAccessKey") < position("DetachUserPolicy"), "{order:?}");
    assert!(last("DetachUserPolicy") < position("DeleteUserPolicy"), "{order:?}");
    let inline = world.aws.requests().into_iter().filter(|r| r.action == "DeleteUserPolicy");
    let inline: Vec<_> = inline.map(|r| r.parameters["PolicyName"].clone()).collect();
    assert_eq!(inline, ["unmanaged", "leasehold"], "the Deny is deleted last");
    assert_eq!(order.last().map(String::as_str), Some("DeleteRole"));
    assert_eq!(world.aws.boto3("print([iam.list_users()['Users'], iam.list_roles()['Roles']])"), json!([[], []]));
}

#[tokio::test]
async fn every_change_may_be_made_twice() {
    let world = World::new().await;
    let desired = world.scope(&scope("orders_read", "s3:ListBucket")).await;
    let mut user = identity("twice", Principal::User);
    user.spec.scopes.insert("orders_read".to_owned());
    let mut resources = world.desired(&user).await;
    resources.push(desired.clone());
    let ordered = crate::common::in_order(resources);
    for _ in 0..2 {
        for after in &ordered {
            world.enact(&Change::Create { after: Box::new(after.clone()) }).await.unwrap();
        }
    }
    let changed = world.scope(&scope("orders_read", "s3:GetObject")).await;
    let change = Change::Update { before: Box::new(desired.clone()), after: Box::new(changed.clone()) };
    for _ in 0..2 {
        world.enact(&change).await.unwrap();
    }
    assert_eq!(world.aws.calls("CreatePolicyVersion"), 1);
    for round in 0..2 {
        for before in ordered.iter().rev() {
            let enacted = world.enact(&Change::Delete { before: Box::new(before.clone()) }).await.unwrap();
            assert_eq!(enacted.note.is_some(), round == 1, "{enacted:?}");
        }
    }
}

#[tokio::test]
async fn versions_of_a_scope_stay_within_five() {
    let world = World::new().await;
    let mut before = world.scope(&scope("orders_read", "s3:ListBucket")).await;
    world.create(vec![before.clone()]).await;
    for number in 0..8 {
        let after = world.scope(&scope("orders_read", &format!("s3:Get{number}"))).await;
        world.enact(&Change::Update { before: Box::new(before), after: Box::new(after.clone()) }).await.unwrap();
        before = after;
    }
    let snapshot = world.observe().await;
    assert_eq!(snapshot.shared[&before.id].resource.attributes, before.attributes);
    let marks = snapshot.shared[&before.id].resource.marks.as_ref();
    assert_eq!(marks.map(|marks| marks.address.as_str()), Some("scope.orders_read"), "not desired, so read exactly");
    world.delete(vec![before]).await;
    assert_eq!(world.aws.boto3("print(iam.list_policies(Scope='Local')['Policies'])"), json!([]));
}

#[tokio::test]
async fn unmanaged_objects_are_never_written() {
    let mut world = World::new().await;
    world.aws.boto3(
        "
        trust = json.dumps({'Version': '2012-10-17', 'Statement': []})
        iam.create_role(RoleName='foreign', AssumeRolePolicyDocument=trust)
        iam.create_role(RoleName='other', AssumeRolePolicyDocument=trust, Tags=[
            {'Key': 'leasehold:stack', 'Value': 'billing'}, {'Key': 'leasehold:address', 'Value': 'identity.other'}])
        iam.create_user(UserName='half', Tags=[{'Key': 'leasehold:stack', 'Value': 'payments'}])
        iam.create_policy(PolicyName='payments.orders_read', PolicyDocument=json.dumps({
            'Version': '2012-10-17', 'Statement': {'Effect': 'Allow', 'Action': 's3:*', 'Resource': '*'}}))
        ",
    );
    let snapshot = world.observe().await;
    assert!(snapshot.identities.is_empty());
    let unmanaged_objects = &snapshot.unmanaged_objects;
    assert_eq!(unmanaged_objects[&id("aws_iam_role", "foreign")].stack, None);
    assert_eq!(unmanaged_objects[&id("aws_iam_role", "other")].stack.as_ref().unwrap().as_str(), "billing");
    assert!(unmanaged_objects[&id("aws_iam_user", "half")].unreadable.as_ref().unwrap().contains("missing"));
    assert!(unmanaged_objects.contains_key(&id("aws_iam_policy", "123456789012/payments.orders_read")));

    let evidence = "
        print([iam.get_account_authorization_details(Filter=['User', 'Role', 'LocalManagedPolicy'])[k]
               for k in ('UserDetailList', 'RoleDetailList', 'Policies')])
        ";
    let before = world.aws.boto3(evidence);
    world.new_run().await;
    // A policy of the name under another path is refused by AWS; moto allows both.
    let mut changes = Vec::new();
    for (name, principal) in [("foreign", Principal::Role), ("other", Principal::Role), ("half", Principal::User)] {
        for resource in world.desired(&identity(name, principal)).await {
            changes.push(Change::Create { after: Box::new(resource.clone()) });
            changes.push(Change::Update { before: Box::new(resource.clone()), after: Box::new(resource.clone()) });
            if let Some(marks) = resource.marks.clone().map(Box::new) {
                changes.push(Change::Mark { id: resource.id.clone(), before: None, after: marks });
            }
            changes.push(Change::Delete { before: Box::new(resource) });
        }
    }
    for change in &changes {
        let refused = world.enact(change).await.unwrap_err();
        assert_eq!(refused.kind, EnactErrorKind::NotManaged, "{change:?}: {refused}");
    }
    assert_eq!(world.aws.boto3(evidence), before);
}

#[tokio::test]
async fn role_of_a_killed_run_reaches_desired_state() {
    let mut world = World::new().await;
    let mut first = identity("ci", Principal::Role);
    first.spec.tags.insert("old".to_owned(), "1".to_owned());
    world.create(world.desired(&first).await).await;
    world.new_run().await;
    let second = identity("ci", Principal::Role);
    world.create(world.desired(&second).await).await;
    let desired: BTreeMap<_, _> = world.desired(&second).await.into_iter().map(|r| (r.id.clone(), r)).collect();
    assert_eq!(world.live(&second).await.resources, desired);
    let mut third = identity("ci", Principal::Role);
    third.spec.address = leasehold_provider::Address::for_identity("somebody_else", None);
    let create = Change::Create { after: Box::new(world.desired(&third).await.remove(0)) };
    assert_eq!(world.enact(&create).await.unwrap_err().kind, EnactErrorKind::NotManaged);
}

#[tokio::test]
async fn trust_of_deleted_principal_differs_from_desired() {
    let world = World::new().await;
    let mut role = identity("ci", Principal::Role);
    role.spec.trusts = vec![Trust::Named {
        principals: vec![format!("arn:aws:iam::{}:role/gone", Emulator::ACCOUNT)],
        external_id: None,
    }];
    world.create(world.desired(&role).await).await;
    world.aws.boto3(
        "
        trust = iam.get_role(RoleName='ci')['Role']['AssumeRolePolicyDocument']
        trust['Statement'][0]['Principal'] = {'AWS': 'AROAABCDEFGHIJKLMNOP'}
        iam.update_assume_role_policy(RoleName='ci', PolicyDocument=json.dumps(trust))
        ",
    );
    let live = world.live(&role).await;
    let principal = &live.resources[&live.id];
    let desired = world.desired(&role).await;
    assert_ne!(principal.get("assume_role_policy"), desired[0].get("assume_role_policy"));
    assert!(matches!(principal.get("assume_role_policy"), Some(Value::Document(_))));
}

#[tokio::test]
async fn large_user_statements_move_to_a_managed_policy() {
    let world = World::new().await;
    let small = identity("bot", Principal::User);
    let mut large = small.clone();
    large.spec.statements = vec![crate::common::statement(&format!("s3:{}", "Get".repeat(800)), "*")];
    for declared in [&small, &large, &small, &large] {
        let live = world.observe().await;
        let live = live.identities.into_values().next().map(|identity| identity.resources).unwrap_or_default();
        let desired = world.desired(declared).await;
        world.converge(&live, desired.clone()).await;
        let desired: BTreeMap<_, _> = desired.into_iter().map(|r| (r.id.clone(), r)).collect();
        assert_eq!(world.live(declared).await.resources, desired);
        assert!(world.observe().await.shared.is_empty());
    }
    let leaver: Vec<_> = world.live(&large).await.resources.into_values().collect();
    world.delete(leaver).await;
    assert_eq!(
        world.aws.boto3("print([iam.list_users()['Users'], iam.list_policies(Scope='Local')['Policies']])"),
        json!([[], []])
    );
}

#[tokio::test]
async fn new_dependents_are_deleted_with_their_principal() {
    let world = World::new().await;
    let user = identity("person", Principal::User);
    let role = identity("machine", Principal::Role);
    for desired in [&user, &role] {
        world.create(world.desired(desired).await).await;
    }
    let leavers = [world.live(&user).await, world.live(&role).await];
    world.aws.boto3(
        "
        device = iam.create_virtual_mfa_device(VirtualMFADeviceName='phone')['VirtualMFADevice']['SerialNumber']
        iam.enable_mfa_device(UserName='person', SerialNumber=device, AuthenticationCode1='123456',
                              AuthenticationCode2='234567')
        iam.upload_ssh_public_key(UserName='person', SSHPublicKeyBody='ssh-rsa AAAAB3Nza person')
        iam.create_service_specific_credential(UserName='person', ServiceName='codecommit.amazonaws.com')
        iam.create_instance_profile(InstanceProfileName='fleet')
        iam.add_role_to_instance_profile(InstanceProfileName='fleet', RoleName='machine')
        ",
    );
    for leaver in leavers {
        let mut leaver = crate::common::in_order(leaver.resources.into_values().collect());
        let principal = leaver.remove(0);
        world.delete(leaver).await;
        let gone = world.enact(&Change::Delete { before: Box::new(principal) }).await.unwrap();
        assert!(gone.note.as_ref().unwrap().starts_with("also removed: "), "{gone:?}");
    }
    let left = world.aws.boto3(
        "
        print([iam.list_users()['Users'], iam.list_roles()['Roles'], iam.list_virtual_mfa_devices()['VirtualMFADevices'],
               iam.list_instance_profiles()['InstanceProfiles'][0]['Roles']])
        ",
    );
    assert_eq!(left, json!([[], [], [], []]));
}
