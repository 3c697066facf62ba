//! An account's principals, made by boto3, taken in by blocks that the program writes.

use leasehold_emulator::Emulator;

use leasehold_test_harness::Stack;

/// 25 principals and 2 groups: users with inline and attached policies, paths, tags, keys and memberships; roles with trusts of every
/// sort, boundaries and longer sessions.
const ACCOUNT: &str = r#"
            def policy(*actions, **more):
                return json.dumps({'Version': '2012-10-17', 'Statement': [
                    {'Effect': 'Allow', 'Action': list(actions), 'Resource': '*', **more}]})
            def trust(principal, action='sts:AssumeRole', **more):
                return json.dumps({'Version': '2012-10-17', 'Statement': [
                    {'Effect': 'Allow', 'Principal': principal, 'Action': action, **more}]})
            shared = iam.create_policy(PolicyName='acme-logs', Path='/acme/', PolicyDocument=policy('logs:PutLogEvents'))['Policy']['Arn']
            for name in ['developers', 'ops']:
                iam.create_group(GroupName=name, Path='/people/')
                iam.put_group_policy(GroupName=name, PolicyName='own', PolicyDocument=policy('sqs:SendMessage', 'sqs:ReceiveMessage'))
                iam.attach_group_policy(GroupName=name, PolicyArn='arn:aws:iam::aws:policy/ReadOnlyAccess')
            for n in range(15):
                name = f'user-{n:02}'
                iam.create_user(UserName=name, Path='/team/x/' if n % 3 == 0 else '/', Tags=[{'Key': 'team', 'Value': f't{n % 4}'}, {'Key': 'cost center', 'Value': '42'}])
                if n % 2 == 0:
                    iam.put_user_policy(UserName=name, PolicyName='inline-a', PolicyDocument=policy('s3:GetObject', Sid='Read'))
                    iam.put_user_policy(UserName=name, PolicyName='inline-b', PolicyDocument=policy('s3:PutObject', Sid='Read',
                        Condition={'StringLike': {'s3:prefix': ['${aws:username}/*']}, 'Bool': {'aws:SecureTransport': 'true'}}))
                if n % 3 == 0:
                    iam.attach_user_policy(UserName=name, PolicyArn=shared)
                if n % 4 == 0:
                    iam.create_access_key(UserName=name)
                if n % 5 == 0:
                    iam.create_login_profile(UserName=name, Password='Not-a-real-1!')
                iam.add_user_to_group(UserName=name, GroupName='developers' if n % 2 else 'ops')
            trusts = [
                trust({'Service': 'lambda.amazonaws.com'}),
                trust({'Service': ['ec2.amazonaws.com', 'ecs-tasks.amazonaws.com']}),
                trust({'AWS': 'arn:aws:iam::111122223333:root'}, Condition={'StringEquals': {'sts:ExternalId': 'x-1'}}),
                trust({'Federated': 'arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com'},
                    'sts:AssumeRoleWithWebIdentity', Condition={
                        'StringEquals': {'token.actions.githubusercontent.com:aud': 'sts.amazonaws.com'},
                        'StringLike': {'token.actions.githubusercontent.com:sub': 'repo:acme/*:ref:refs/heads/main'}}),
                trust({'Federated': 'arn:aws:iam::123456789012:saml-provider/corp'}, 'sts:AssumeRoleWithSAML',
                    Condition={'StringEquals': {'SAML:aud': 'https://signin.aws.amazon.com/saml'}}),
            ]
            for n in range(10):
                name = f'role-{n:02}'
                more = {'PermissionsBoundary': 'arn:aws:iam::aws:policy/PowerUserAccess'} if n % 2 else {}
                iam.create_role(RoleName=name, Path='/svc/' if n % 2 else '/', Description=f'does job "{n}"', MaxSessionDuration=7200 if n % 3 == 0 else 3600,
                    AssumeRolePolicyDocument=trusts[n % 5], Tags=[{'Key': 'tier', 'Value': str(n)}], **more)
                iam.put_role_policy(RoleName=name, PolicyName='job', PolicyDocument=policy('dynamodb:GetItem', 'dynamodb:PutItem'))
                if n % 2 == 0:
                    iam.attach_role_policy(RoleName=name, PolicyArn=shared)
            "#;

const ACCESS: &str = r#"
            def plain(document):
                allow = [s for s in document['Statement'] if s['Effect'] == 'Allow']
                return sorted(json.dumps({k: sorted(v) if isinstance(v, list) else [v] for k, v in s.items() if k in ('Action', 'Resource')}, sort_keys=True) for s in allow)
            users = {u['UserName']: u for u in iam.list_users()['Users']}
            print({
                'keys': {n: len(iam.list_access_keys(UserName=n)['AccessKeyMetadata']) for n in users},
                'ids': {n: u['UserId'] for n, u in users.items()},
                'paths': {n: u['Path'] for n, u in users.items()},
                'groups': {n: sorted(g['GroupName'] for g in iam.list_groups_for_user(UserName=n)['Groups']) for n in users},
                'attached': {n: sorted(p['PolicyArn'] for p in iam.list_attached_user_policies(UserName=n)['AttachedPolicies']) for n in users},
                'allowed': {n: sorted(sum((plain(iam.get_user_policy(UserName=n, PolicyName=p)['PolicyDocument']) for p in iam.list_user_policies(UserName=n)['PolicyNames']), [])) for n in users},
                'roles': {r['RoleName']: [r['RoleId'], r['Path'], r['MaxSessionDuration']] for r in iam.list_roles()['Roles']},
            })
            "#;

fn stack_on(aws: &Emulator) -> Stack {
    let imports: String = (0..15)
        .map(|n| ("user", n, "identity"))
        .chain((0..10).map(|n| ("role", n, "identity")))
        .map(|(form, n, sort)| format!("import {{\n  to = {sort}.{form}_{n:02}\n  id = \"{form}/{form}-{n:02}\"\n}}\n"))
        .chain(
            ["developers", "ops"].map(|name| format!("import {{\n  to = group.{name}\n  id = \"group/{name}\"\n}}\n")),
        )
        .collect();
    let stack = Stack::of(
        "leasehold {\n  stack = \"estate\"\n}\nprovider \"aws\" {\n  region = \"us-east-1\"\n}\nowner \"jane\" {\n  email = \"jane@example.com\"\n}\n",
    )
    .with_env(aws.env());
    stack.write("imports.hcl", &imports);
    stack
}

#[test]
fn generated_blocks_import_twenty_five_principals() {
    let aws = Emulator::moto();
    aws.boto3(ACCOUNT);
    let before = aws.boto3(ACCESS);
    let stack = stack_on(&aws);
    let file = stack.path("imported.hcl").display().to_string();
    stack.ok(&["plan", "--generate", &file]).says(&["Wrote 27 blocks"]).does_not_say(&["not supported in a block"]);
    stack.ok(&["validate"]);
    stack.ok(&["fmt", "--check", "imported.hcl"]);
    let plan = stack.plan_json();
    let changes = plan["identity_changes"].as_array().unwrap();
    assert_eq!(changes.len(), 25);
    for change in changes {
        assert_eq!(change["lifecycle"], "mover", "{change}");
        assert_eq!(change["access_verdict"], "equivalent", "{change}");
    }
    let deleted = plan["resource_changes"].as_array().unwrap().iter().filter(|c| c["change"]["actions"][0] == "delete");
    let kinds: std::collections::BTreeSet<&str> = deleted.map(|change| change["type"].as_str().unwrap()).collect();
    assert!(kinds.iter().all(|kind| kind.ends_with("_policy")), "only policies that become one: {kinds:?}");
    stack.apply().says(&["Read back and verified."]);
    stack.assert_converged();
    assert_eq!(aws.boto3(ACCESS), before, "keys, memberships, paths, ids and what is allowed are as they were");
    let groups = aws.boto3("print(sorted(g['Path'] for g in iam.list_groups()['Groups']))");
    assert_eq!(groups, serde_json::json!(["/leasehold/estate/", "/leasehold/estate/"]));
    stack.write("imports.hcl", "");
    stack.assert_converged();
}
