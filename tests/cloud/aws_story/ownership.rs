//! Marks in the account that somebody else forged, moved, edited or removed, and principals that were replaced or renamed.

use serde_json::json;

use super::{Emulator, applied};
use leasehold_test_harness::Stack;

/// The name of each user and role, its tags, and whether it has policies.
const EVERYTHING: &str = "
    rows = {}
    for user in iam.list_users()['Users']:
        name = user['UserName']
        rows[name] = [user['UserId'], iam.list_user_tags(UserName=name)['Tags'], iam.list_user_policies(UserName=name)['PolicyNames'],
                      iam.list_attached_user_policies(UserName=name)['AttachedPolicies']]
";

/// What boto3 sees of a user.
fn read_user(aws: &Emulator, name: &str) -> serde_json::Value {
    aws.boto3(&format!("{EVERYTHING}\n    print(rows.get('{name}'))"))
}

fn findings(stack: &Stack) -> Vec<String> {
    let plan = stack.plan_json();
    let findings = plan["ownership"]["findings"].as_array().unwrap().clone();
    findings
        .iter()
        .map(|finding| format!("{} {}", finding["kind"].as_str().unwrap(), finding["object"].as_str().unwrap()))
        .collect()
}

#[test]
fn forged_user_role_policy_and_provider_are_never_written() {
    let (aws, stack) = applied();
    aws.boto3(
        "
        marks = iam.list_user_tags(UserName='reporter')['Tags']
        forged = [tag for tag in marks if tag['Key'] != 'leasehold:address']
        forged += [{'Key': 'leasehold:address', 'Value': 'identity.gone'},
                   {'Key': 'leasehold:quarantined-at', 'Value': '2026-01-01T00:00:00Z'}, {'Key': 'leasehold:reason', 'Value': 'removed'}]
        nobody = json.dumps({'Version': '2012-10-17', 'Statement': []})
        iam.create_user(UserName='victim', Tags=forged)
        iam.create_role(RoleName='victim', AssumeRolePolicyDocument=nobody, Tags=forged)
        iam.create_open_id_connect_provider(Url='https://victim.example', ClientIDList=['x'], ThumbprintList=['0' * 40], Tags=forged)
        ",
    );
    let before = read_user(&aws, "victim");
    let found = findings(&stack);
    assert!(found.iter().any(|found| found.ends_with("user/victim")), "{found:?}");
    assert!(found.iter().any(|found| found.ends_with("role/victim")), "{found:?}");
    stack.run(&["drift"]).expect(2).says(&["unowned mark", "user/victim", "role/victim"]);
    for command in [&["sweep", "--auto-approve"][..], &["apply", "--auto-approve"]] {
        stack.ok(command);
    }
    assert_eq!(read_user(&aws, "victim"), before);
}

#[test]
fn revoked_user_without_tags_stays_quarantined() {
    let (aws, stack) = applied();
    stack.ok(&["revoke", "identity.reporter", "--reason", "leaked"]);
    aws.boto3("iam.untag_user(UserName='reporter', TagKeys=['leasehold:quarantined-at', 'leasehold:reason'])");
    assert_eq!(findings(&stack), ["mark-changed aws_iam_user reporter"]);
    stack.apply();
    let list = stack.ok(&["list", "--format", "json"]).json();
    let rows = list["identities"].as_array().unwrap();
    let row = rows.iter().find(|row| row["address"] == "identity.reporter").unwrap();
    assert_eq!(row["phase"], "quarantined");
    assert_eq!(findings(&stack), Vec::<String>::new());
}

#[test]
fn user_without_marks_and_with_another_name_still_leaves() {
    let (aws, stack) = applied();
    aws.boto3(
        "
        keys = [tag['Key'] for tag in iam.list_user_tags(UserName='reporter')['Tags']]
        iam.untag_user(UserName='reporter', TagKeys=keys)
        iam.update_user(UserName='reporter', NewUserName='hidden')
        ",
    );
    assert_eq!(findings(&stack), ["mark-removed aws_iam_user hidden"]);
    stack.cut("stack.hcl", "identity \"reporter\"");
    stack.apply().says(&["leaver", "identity.reporter"]);
}

#[test]
fn replaced_user_is_refused_until_it_is_imported() {
    let (aws, stack) = applied();
    aws.boto3(
        "
        tags = iam.list_user_tags(UserName='reporter')['Tags']
        for policy in iam.list_user_policies(UserName='reporter')['PolicyNames']:
            iam.delete_user_policy(UserName='reporter', PolicyName=policy)
        for policy in iam.list_attached_user_policies(UserName='reporter')['AttachedPolicies']:
            iam.detach_user_policy(UserName='reporter', PolicyArn=policy['PolicyArn'])
        iam.delete_user(UserName='reporter')
        iam.create_user(UserName='reporter', Tags=tags)
        ",
    );
    let before = read_user(&aws, "reporter");
    stack.run(&["drift"]).expect(2).says(&["replaced", "user/reporter"]);
    stack.run(&["apply", "--auto-approve"]).expect(1).says(&["identity.reporter"]);
    assert_eq!(read_user(&aws, "reporter"), before);
    stack.append("stack.hcl", "import {\n  to = identity.reporter\n  id = \"user/reporter\"\n}\n");
    stack.apply();
    assert_ne!(read_user(&aws, "reporter"), json!(null));
}

#[test]
fn second_directory_with_the_name_of_the_stack_is_refused() {
    let (aws, stack) = applied();
    let second = Stack::of(&stack.read("stack.hcl")).with_env(aws.env());
    let before = read_user(&aws, "reporter");
    for command in [&["apply", "--auto-approve"][..], &["sweep", "--auto-approve"], &["drift"], &["plan"]] {
        second.run(command).expect(3).says(&["has no record of any object", "lineage"]);
    }
    assert_eq!(read_user(&aws, "reporter"), before);
}
