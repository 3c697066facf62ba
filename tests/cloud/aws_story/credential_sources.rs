//! Each source of credentials, in a plan on the emulator: it is used, and when it fails or its credentials have expired, the remedy is
//! about that source.

use std::path::Path;

use leasehold_emulator::{Emulator, Fault, Peer};
use serde_json::{Value, json};

use super::HEAD;
use leasehold_test_harness::Stack;

/// A stack whose environment reaches the emulator and has no credentials.
fn without_credentials(aws: &Emulator) -> Stack {
    let env = aws.env().into_iter().filter(|(name, _)| !name.contains("ACCESS_KEY"));
    Stack::of(HEAD).with_env(env)
}

/// Credentials of a role session, from the emulator's own STS.
fn session(aws: &Emulator) -> Value {
    aws.boto3(
        "print(sts.assume_role(RoleArn='arn:aws:iam::123456789012:role/ci', RoleSessionName='outside')['Credentials'])",
    )
}

fn text<'a>(credentials: &'a Value, field: &str) -> &'a str {
    credentials[field].as_str().unwrap()
}

/// A file beside the stack.
fn beside(stack: &Stack, name: &str, content: &str) -> String {
    stack.write(&format!("../{name}"), content);
    stack.path(&format!("../{name}")).canonicalize().unwrap().display().to_string()
}

fn variables<const N: usize>(pairs: [(&str, &str); N]) -> Vec<(String, String)> {
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec()
}

/// The remedy when IAM finds the credentials expired, although the source gave them.
fn assert_renewal(aws: &Emulator, stack: &Stack, remedy: &str) {
    aws.order(
        Fault::error("GetCallerIdentity", 403, "ExpiredToken")
            .with_message("The security token included in the request is expired"),
    );
    stack.run(&["plan"]).expect(1).says(&["the credentials have expired", remedy]);
    aws.clear_faults();
}

#[test]
fn session_keys_of_the_environment_and_of_a_profile() {
    let aws = Emulator::moto();
    let keys = session(&aws);
    let (id, secret, token) = (text(&keys, "AccessKeyId"), text(&keys, "SecretAccessKey"), text(&keys, "SessionToken"));
    let stack = without_credentials(&aws).with_env(variables([
        ("AWS_ACCESS_KEY_ID", id),
        ("AWS_SECRET_ACCESS_KEY", secret),
        ("AWS_SESSION_TOKEN", token),
    ]));
    stack.plan().says(&["as role/ci"]);
    assert_renewal(&aws, &stack, "set new values of AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN");

    let stack = without_credentials(&aws);
    let file =
        format!("[dev]\naws_access_key_id = {id}\naws_secret_access_key = {secret}\naws_session_token = {token}\n");
    let file = beside(&stack, "credentials", &file);
    let stack = stack.with_env(variables([("AWS_SHARED_CREDENTIALS_FILE", &file), ("AWS_PROFILE", "dev")]));
    stack.plan().says(&["as role/ci"]);
    assert_renewal(&aws, &stack, "renew the session keys in profile \"dev\" of the AWS credentials file");
}

#[test]
fn a_profile_assumes_a_role_with_its_source_profile() {
    let aws = Emulator::moto();
    let stack = without_credentials(&aws);
    let config = "[profile base]\naws_access_key_id = test\naws_secret_access_key = test\n\n[profile dev]\nrole_arn = \
                  arn:aws:iam::123456789012:role/dev\nsource_profile = base\nrole_session_name = ann\n";
    let config = beside(&stack, "config", config);
    let stack = stack.with_env(variables([("AWS_CONFIG_FILE", &config), ("AWS_PROFILE", "dev")]));
    stack.plan().says(&["as role/dev"]);
    assert_renewal(&aws, &stack, "run the command again to get a new role session");

    for (words, remedy) in [
        (
            "because no identity-based policy allows the sts:AssumeRole action",
            "allow sts:AssumeRole on the role in an identity-based policy of the caller",
        ),
        (
            "because no resource-based policy allows the sts:AssumeRole action",
            "add the caller to the role's trust policy",
        ),
        ("is not authorized to perform: sts:AssumeRole", "allows sts:AssumeRole on the role"),
    ] {
        aws.order(Fault::error("AssumeRole", 403, "AccessDenied").with_message(words));
        stack.run(&["plan"]).expect(1).says(&["the role of profile \"dev\" cannot be assumed (AccessDenied", remedy]);
        aws.clear_faults();
    }
    aws.order(Fault::error("AssumeRole", 403, "ExpiredToken").with_message("expired"));
    stack.run(&["plan"]).expect(1).says(&["the credentials that assume the role have expired"]);
    aws.clear_faults();
    std::fs::write(&config, "[profile dev]\nrole_arn = arn:aws:iam::123456789012:role/dev\nsource_profile = gone\n")
        .unwrap();
    stack.run(&["plan"]).expect(1).says(&["source_profile of profile \"dev\" is \"gone\", which does not exist"]);
}

#[test]
fn a_profile_runs_its_credential_process() {
    let aws = Emulator::moto();
    let mut keys = session(&aws);
    keys["Version"] = json!(1);
    keys["Expiration"] = json!("2099-01-01T00:00:00Z");
    let stack = without_credentials(&aws);
    let output = beside(&stack, "keys.json", &keys.to_string());
    let config = beside(&stack, "config", &format!("[profile dev]\ncredential_process = /bin/cat {output}\n"));
    let stack = stack.with_env(variables([("AWS_CONFIG_FILE", &config), ("AWS_PROFILE", "dev")]));
    stack.plan().says(&["as role/ci"]);
    assert_renewal(&aws, &stack, "renew the session of the credential_process of profile \"dev\"");
    for broken in ["", "not json", "{\"Version\": 2}"] {
        std::fs::write(&output, broken).unwrap();
        stack.run(&["plan"]).expect(1).says(&["credential_process of profile \"dev\"", "run its command by hand"]);
    }
    std::fs::remove_file(&output).unwrap();
    stack
        .run(&["plan"])
        .expect(1)
        .says(&["the credential_process of profile \"dev\" failed", "run its command by hand"]);
    // What a header cannot carry is refused, and does not reach the signer, which panics on it.
    keys["AccessKeyId"] = json!("ASIA\u{201c}X");
    std::fs::write(&output, keys.to_string()).unwrap();
    stack
        .run(&["plan"])
        .expect(1)
        .says(&["contains a character that is not allowed in an HTTP header"])
        .does_not_say(&["panicked"]);
}

/// An unsigned token of a CI job; the emulator does not look at it.
const TOKEN: &str = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJyZXBvOmFjbWUvY2hlY2tvdXQifQ.";

#[test]
fn a_web_identity_token_is_exchanged_for_a_session() {
    let aws = Emulator::moto();
    let stack = without_credentials(&aws);
    let token = beside(&stack, "token", TOKEN);
    let stack = stack.with_env(variables([
        ("AWS_WEB_IDENTITY_TOKEN_FILE", &token),
        ("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/ci"),
        ("AWS_ROLE_SESSION_NAME", "job-7"),
    ]));
    stack.plan().says(&["as role/ci"]);
    assert_eq!(aws.calls("AssumeRoleWithWebIdentity"), 1);
    assert_renewal(&aws, &stack, "run the command again to get a new role session");
    for (code, words, remedy) in [
        ("InvalidIdentityToken", "Incorrect token audience", "request the token for an audience"),
        (
            "InvalidIdentityToken",
            "No OpenIDConnect provider found in your account for https://x",
            "create an OIDC provider",
        ),
        (
            "InvalidIdentityToken",
            "The web identity token that was passed could not be validated",
            "this token is not valid",
        ),
        (
            "ExpiredTokenException",
            "Token expired: current date/time must be before the expiration",
            "write a new token to",
        ),
        ("AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity", "the token's subject and audience"),
        ("ValidationError", "Request ARN is invalid", "correct AWS_ROLE_ARN"),
    ] {
        aws.order(Fault::error("AssumeRoleWithWebIdentity", 400, code).with_message(words));
        let role = "arn:aws:iam::123456789012:role/ci cannot be assumed with the OIDC token";
        stack.run(&["plan"]).expect(1).says(&[role, words, remedy]);
        aws.clear_faults();
    }
    std::fs::remove_file(Path::new(&token)).unwrap();
    stack.run(&["plan"]).expect(1).says(&["the OIDC token cannot be read", "(AWS_WEB_IDENTITY_TOKEN_FILE) readable"]);
}

/// What a container endpoint answers.
fn container_answer(keys: &Value) -> String {
    json!({
        "AccessKeyId": keys["AccessKeyId"], "SecretAccessKey": keys["SecretAccessKey"], "Token": keys["SessionToken"],
        "Expiration": "2099-01-01T00:00:00Z",
    })
    .to_string()
}

#[test]
fn container_endpoints_of_ecs_and_eks_give_credentials_for_a_token() {
    let aws = Emulator::moto();
    let answer = container_answer(&session(&aws));
    let endpoint = Peer::answers(&json!({
        "/v1/credentials": { "body": answer, "needs": { "authorization": "pod-token" } },
        "/malformed": { "body": "<html>" },
    }));
    let url = format!("http://{}/v1/credentials", endpoint.host());
    // ECS: the token itself. EKS Pod Identity: a file with it.
    let ecs = without_credentials(&aws).with_env(variables([
        ("AWS_CONTAINER_CREDENTIALS_FULL_URI", url.as_str()),
        ("AWS_CONTAINER_AUTHORIZATION_TOKEN", "pod-token"),
    ]));
    ecs.plan().says(&["as role/ci"]);
    assert_renewal(&aws, &ecs, "the credentials endpoint of this machine returned expired credentials");
    let eks = without_credentials(&aws);
    let file = beside(&eks, "pod-token", "pod-token");
    let eks = eks.with_env(variables([
        ("AWS_CONTAINER_CREDENTIALS_FULL_URI", url.as_str()),
        ("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", &file),
    ]));
    eks.plan().says(&["as role/ci"]);

    let remedy = "check AWS_CONTAINER_CREDENTIALS_FULL_URI (or _RELATIVE_URI)";
    std::fs::write(&file, "another").unwrap();
    eks.run(&["plan"]).expect(1).says(&["the container credentials endpoint returned no credentials", "403", remedy]);
    std::fs::remove_file(&file).unwrap();
    eks.run(&["plan"]).expect(1).says(&["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"]);
    let at = |url: &str| ecs.run_with(&[("AWS_CONTAINER_CREDENTIALS_FULL_URI", url)], &["plan"]).expect(1);
    at(&format!("http://{}/malformed", endpoint.host())).says(&[remedy]);
    at("http://127.0.0.1:1/credentials")
        .says(&["the credentials cannot be loaded: http://127.0.0.1:1 cannot be reached: connection refused"]);
    // Only https, loopback and the addresses of ECS and EKS may be asked.
    at("http://192.0.2.1/credentials")
        .says(&["is not an allowed address", "set AWS_CONTAINER_CREDENTIALS_FULL_URI to an https URL"]);
}

/// The cache file of an `sso_session` called `corp` is named by the SHA-1 of its name.
const SSO_CACHE: &str = "../.aws/sso/cache/ee0bfd2552fbd840c02cc48b6e823320543c450f.json";

#[test]
fn identity_center_session_works_before_it_expires() {
    let aws = Emulator::moto();
    let keys = session(&aws);
    let role = json!({ "roleCredentials": {
        "accessKeyId": keys["AccessKeyId"], "secretAccessKey": keys["SecretAccessKey"], "sessionToken": keys["SessionToken"],
        "expiration": 4_070_908_800_000_i64,
    } });
    let refusal =
        |status: u16, code: &str| json!({ "status": status, "headers": { "x-amzn-errortype": code }, "body": "{}" });
    let portal_with = |refusal: Value| {
        Peer::answers(&json!({ "/federation/credentials": {
            "body": role.to_string(), "needs": { "x-amz-sso_bearer_token": "corp-token" }, "refusal": refusal,
        } }))
    };
    let portal = portal_with(refusal(401, "UnauthorizedException"));
    let stack = without_credentials(&aws);
    let config = "[profile dev]\nsso_session = corp\nsso_account_id = 123456789012\nsso_role_name = admin\n\n[sso-session corp]\n\
                  sso_region = us-east-1\nsso_start_url = https://corp.awsapps.com/start\n";
    let config = beside(&stack, "config", config);
    let stack = stack.with_env(variables([
        ("AWS_CONFIG_FILE", config.as_str()),
        ("AWS_PROFILE", "dev"),
        ("AWS_ENDPOINT_URL_SSO", &format!("http://{}", portal.host())),
        ("AWS_ENDPOINT_URL_SSO_OIDC", &format!("http://{}", portal.host())),
    ]));
    let remedy = "run `aws sso login --profile dev`";
    stack.run(&["plan"]).expect(1).says(&["the IAM Identity Center session is missing or has expired", remedy]);
    let cache = |token: &str, expires: &str| {
        let text = json!({ "accessToken": token, "expiresAt": expires, "region": "us-east-1", "startUrl": "https://corp.awsapps.com/start" });
        stack.write(SSO_CACHE, &text.to_string());
    };
    cache("corp-token", "2099-01-01T00:00:00Z");
    stack.plan().says(&["as role/ci"]);
    assert_renewal(&aws, &stack, remedy);
    cache("corp-token", "2020-01-01T00:00:00Z");
    stack.run(&["plan"]).expect(1).says(&["the IAM Identity Center session is missing or has expired", remedy]);
    // Signed out elsewhere: the portal refuses the token that the cache holds.
    cache("another", "2099-01-01T00:00:00Z");
    stack.run(&["plan"]).expect(1).says(&["the IAM Identity Center session is missing or has expired", remedy]);
    let portal = portal_with(refusal(403, "ForbiddenException"));
    let url = format!("http://{}", portal.host());
    let ran = stack.run_with(&[("AWS_ENDPOINT_URL_SSO", &url)], &["plan"]).expect(1);
    ran.says(&[
        "IAM Identity Center returned no credentials for this account and role",
        "correct sso_account_id and sso_role_name",
    ]);
}

#[test]
fn missing_credential_source_lists_the_sources() {
    let aws = Emulator::moto();
    without_credentials(&aws)
        .run(&["plan"])
        .expect(1)
        .says(&["no AWS credentials were found", "log in (`aws sso login`)"]);
    let half = without_credentials(&aws).with_env(variables([("AWS_ACCESS_KEY_ID", "test")]));
    half.run(&["plan"]).expect(1).says(&["AWS_ACCESS_KEY_ID is set but AWS_SECRET_ACCESS_KEY is not", "set both"]);
}
