//! What others do to the account behind its back.

use serde_json::json;

use super::{Emulator, applied, filtered, fresh, role, user};
use leasehold_test_harness::Stack;

#[test]
fn changes_outside_leasehold_are_shown_and_reverted() {
    let (aws, stack) = applied();
    let before = (role(&aws, "checkout_ci"), user(&aws, "reporter"));
    aws.boto3(
        "
        everything = json.dumps({'Version': '2012-10-17', 'Statement': [{'Effect': 'Allow', 'Action': '*', 'Resource': '*'}]})
        iam.put_role_policy(RoleName='checkout_ci', PolicyName='backdoor', PolicyDocument=everything)
        iam.attach_user_policy(UserName='reporter', PolicyArn='arn:aws:iam::aws:policy/AdministratorAccess')
        iam.create_access_key(UserName='reporter')
        iam.create_access_key(UserName='reporter')
        ",
    );
    let plan = stack.run(&["plan", "--detailed-exitcode"]).expect(2);
    filtered!(plan, @"
    $ leasehold plan --detailed-exitcode
    exit 2
    ─── stdout
    Leasehold plan  ·  stack payments  ·  aws 123456789012 as user/moto  ·  now [now]

      ! drift    identity.checkout_ci  changed outside Leasehold
          - aws_iam_role_policy             checkout_ci/backdoor

      ! drift    identity.reporter  changed outside Leasehold
          - aws_iam_user_policy_attachment  reporter/AdministratorAccess
          - aws_iam_access_key              reporter/[key]
          - aws_iam_access_key              reporter/[key]

    Plan: 0 to add, 0 to change, 4 to destroy.  2 drifts.
    ");
    let plan = stack.plan_json();
    assert_eq!(plan["summary"]["drifted"], 2, "{plan:#}");
    stack.apply();
    stack.assert_converged();
    assert_eq!((role(&aws, "checkout_ci"), user(&aws, "reporter")), before);
}

#[test]
fn edited_trust_and_removed_lease_deny_are_restored() {
    let (aws, stack) = applied();
    let before = role(&aws, "checkout_ci");
    aws.boto3(
        "
        anybody = json.dumps({'Version': '2012-10-17', 'Statement': [
            {'Effect': 'Allow', 'Principal': {'AWS': 'arn:aws:iam::999999999999:root'}, 'Action': 'sts:AssumeRole'}]})
        iam.update_assume_role_policy(RoleName='checkout_ci', PolicyDocument=anybody)
        iam.delete_role_policy(RoleName='checkout_ci', PolicyName='leasehold')
        iam.update_role(RoleName='checkout_ci', MaxSessionDuration=43200)
        ",
    );
    stack.run(&["plan", "--detailed-exitcode"]).expect(2).says(&["! drift", "identity.checkout_ci"]);
    stack.apply();
    stack.assert_converged();
    assert_eq!(role(&aws, "checkout_ci"), before);
}

/// Another spelling that AWS takes for the same: the other order, text for a list of one and the other way round, twice the same,
/// other case where case does not count, other labels, the root ARN for an account.
const RESPELLED: &str = "
    def either(value):
        return value[0] if isinstance(value, list) and len(value) == 1 else value if isinstance(value, list) else [value]

    def respelled(document):
        statements = document['Statement']
        out = []
        for statement in reversed(statements if isinstance(statements, list) else [statements]):
            other = {}
            for name, value in reversed(list(statement.items())):
                if name == 'Action':
                    actions = value if isinstance(value, list) else [value]
                    # The emulator refuses a trust's actions, and any operator, in other case; the service does not.
                    cased = (str, str) if 'Principal' in statement else (str.upper, str.lower)
                    value = [cased[0](action) for action in reversed(actions)] + [cased[1](actions[0])]
                elif name == 'Condition':
                    value = {operator: {key.upper(): either(values) for key, values in tests.items()}
                             for operator, tests in value.items()}
                elif name == 'Principal' and 'AWS' in value:
                    listed = value['AWS'] if isinstance(value['AWS'], list) else [value['AWS']]
                    account = lambda arn: arn.split(':')[4] if arn.endswith(':root') else 'arn:aws:iam::' + arn + ':root' if arn.isdigit() else arn
                    value = {'AWS': [account(one) for one in reversed(listed)] + listed}
                elif name == 'Sid':
                    value = 'Other' + value
                elif name == 'Principal':
                    value = {kind: either(who) for kind, who in value.items()}
                elif name != 'Effect':
                    value = either(value)
                other[name] = value
            out.append(other)
        again = {name: value for name, value in out[0].items() if name != 'Sid'}
        return json.dumps({'Statement': out + [again], 'Version': document['Version'], 'Id': 'other'})
";

/// The stack, and a role that another account may assume.
fn with_a_partner() -> (Emulator, Stack) {
    let (aws, stack) = fresh();
    stack.append(
        "stack.hcl",
        "identity \"partner\" {\n  kind = \"workload\"\n  owner = owner.jane\n  purpose = \"reads for a partner\"\n  \
         scopes = [scope.orders_read]\n  expires_at = \"2090-01-01T00:00:00Z\"\n  trust \"aws\" {\n    principals = \
         [\"arn:aws:iam::444455556666:root\", \"arn:aws:iam::777788889999:role/reader\"]\n    external_id = \"x-42\"\n  }\n}\n",
    );
    stack.apply();
    stack.assert_converged();
    (aws, stack)
}

#[test]
fn another_spelling_of_the_same_policy_is_no_drift() {
    let (aws, stack) = with_a_partner();
    let rewritten = aws.boto3(&format!(
        "{RESPELLED}
    written = []
    for name in ['checkout_ci', 'partner']:
        trust = respelled(iam.get_role(RoleName=name)['Role']['AssumeRolePolicyDocument'])
        iam.update_assume_role_policy(RoleName=name, PolicyDocument=trust)
        inline = respelled(iam.get_role_policy(RoleName=name, PolicyName='leasehold')['PolicyDocument'])
        iam.put_role_policy(RoleName=name, PolicyName='leasehold', PolicyDocument=inline)
        written += [trust, inline]
    inline = respelled(iam.get_user_policy(UserName='reporter', PolicyName='leasehold')['PolicyDocument'])
    iam.put_user_policy(UserName='reporter', PolicyName='leasehold', PolicyDocument=inline)
    for policy in iam.list_policies(Scope='Local')['Policies']:
        version = iam.get_policy_version(PolicyArn=policy['Arn'], VersionId=policy['DefaultVersionId'])['PolicyVersion']
        scope = respelled(version['Document'])
        iam.create_policy_version(PolicyArn=policy['Arn'], PolicyDocument=scope, SetAsDefault=True)
        written.append(scope)
    print(written + [inline])
    "
    ));
    let written: Vec<&str> = rewritten.as_array().unwrap().iter().map(|text| text.as_str().unwrap()).collect();
    assert_eq!(written.len(), 6);
    for spelling in ["\"S3:PUTOBJECT\"", "\"s3:getobject\"", "\"AWS:CURRENTTIME\"", "\"444455556666\""] {
        assert!(written.iter().any(|text| text.contains(spelling)), "{spelling} is not written: {written:#?}");
    }
    let live = role(&aws, "partner")["trust"].clone();
    assert_eq!(live["Id"], "other", "the account holds what was written: {live}");

    stack.assert_converged();
    aws.clear_requests();
    stack.apply().says(&["No changes."]);
    assert_eq!(aws.requests().iter().filter(|request| request.writes()).count(), 0);
}

/// Each change is the spelling above with one thing more, or one other.
#[test]
fn another_policy_in_any_spelling_is_drift() {
    let (aws, stack) = with_a_partner();
    let trust = |name: &str, from: &str, to: &str| {
        format!(
            "document = respelled(iam.get_role(RoleName='{name}')['Role']['AssumeRolePolicyDocument'])
    assert {from:?} in document, document
    iam.update_assume_role_policy(RoleName='{name}', PolicyDocument=document.replace({from:?}, {to:?}))"
        )
    };
    let inline = |from: &str, to: &str| {
        format!(
            "document = respelled(iam.get_role_policy(RoleName='checkout_ci', PolicyName='leasehold')['PolicyDocument'])
    assert {from:?} in document, document
    iam.put_role_policy(RoleName='checkout_ci', PolicyName='leasehold', PolicyDocument=document.replace({from:?}, {to:?}))"
        )
    };
    let scope = |from: &str, to: &str| {
        format!(
            "arn = iam.list_policies(Scope='Local')['Policies'][0]['Arn']
    version = iam.get_policy(PolicyArn=arn)['Policy']['DefaultVersionId']
    document = respelled(iam.get_policy_version(PolicyArn=arn, VersionId=version)['PolicyVersion']['Document'])
    assert {from:?} in document, document
    iam.create_policy_version(PolicyArn=arn, PolicyDocument=document.replace({from:?}, {to:?}), SetAsDefault=True)"
        )
    };
    let drifted = |change: &str| {
        aws.boto3(&format!("{RESPELLED}\n    {change}\n    "));
        stack.run(&["plan", "--detailed-exitcode"]).expect(2);
        let plan = stack.plan_json();
        stack.apply();
        stack.assert_converged();
        plan
    };
    let identity = |plan: serde_json::Value| {
        let changes = plan["identity_changes"].as_array().unwrap().clone();
        assert_eq!(changes.len(), 1, "{changes:#?}");
        assert_eq!(changes[0]["lifecycle"], "drift");
        changes[0]["address"].clone()
    };
    for (from, to) in [("\"444455556666\"", "\"444455556667\""), ("x-42", "X-42"), ("role/reader", "role/READER")] {
        assert_eq!(identity(drifted(&trust("partner", from, to))), json!("identity.partner"), "{from} {to}");
    }
    for (from, to) in
        [("S3:PUTOBJECT", "S3:PUT*"), ("acme-releases/*", "acme-Releases/*"), ("2090-01-01", "2091-01-01")]
    {
        assert_eq!(identity(drifted(&inline(from, to))), json!("identity.checkout_ci"), "{from} {to}");
    }
    let plan = drifted(&scope("acme-orders", "acme-*"));
    assert_eq!(plan["shared_changes"].as_array().unwrap().len(), 1, "{plan:#}");
}
