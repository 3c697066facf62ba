//! What others do to the account behind its back.

use super::{applied, filtered, role, user};

#[test]
fn what_was_done_behind_its_back_is_shown_and_removed() {
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
    filtered("drift", &plan);
    let plan = stack.plan_json();
    assert_eq!(plan["summary"]["drifted"], 2, "{plan:#}");
    stack.apply();
    stack.assert_converged();
    assert_eq!((role(&aws, "checkout_ci"), user(&aws, "reporter")), before);
}

#[test]
fn an_edited_trust_and_a_lifted_fence_are_put_right() {
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
