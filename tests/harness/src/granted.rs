//! Checks that a printed policy grants exactly what the requests to the bucket of records need.
//!
//! In: the policy and the recorded requests. They are evaluated by `leasehold-policy`, because emulators do not check all of it: none
//! answers 403 for a missing key that the caller may not list, and none has separate permissions for retention or for the bucket's KMS key.

use leasehold_fault_proxy::RecordedRequest;
use leasehold_policy::{AccessRequest, PolicyDocument, PolicySet, RequestCaller, Truth, evaluate_request};
use serde_json::{Value, json};

/// The IAM requests that S3 authorizes for these HTTP requests. `key`: the ARN of the KMS key that encrypts the bucket.
pub fn checked(requests: &[RecordedRequest], key: Option<&str>) -> Vec<AccessRequest> {
    let of_s3 = requests.iter().filter(|request| request.action.starts_with("S3:"));
    of_s3.flat_map(|request| checked_for(request, key)).collect()
}

fn checked_for(request: &RecordedRequest, kms_key: Option<&str>) -> Vec<AccessRequest> {
    let path = request.parameter("Key").trim_start_matches('/');
    let (bucket, key) = path.split_once('/').unwrap_or((path, ""));
    let caller = || RequestCaller::Aws("arn:aws:iam::123456789012:user/operator".to_owned());
    let object = |action: &str| AccessRequest::new(caller(), action, &format!("arn:aws:s3:::{path}"));
    let listed = |prefix: &str| {
        AccessRequest::new(caller(), "s3:ListBucket", &format!("arn:aws:s3:::{bucket}"))
            .with_context_value("s3:prefix", prefix)
    };
    let encryption = |action: &str| {
        let request = AccessRequest::new(caller(), action, kms_key?);
        Some(request.with_context_value("kms:ViaService", "s3.us-east-1.amazonaws.com"))
    };
    match (request.action.as_str(), key) {
        ("S3:GET", "") => vec![listed(request.parameter("prefix"))],
        // For a missing key, S3 also checks s3:ListBucket, and answers 403 if it is not allowed.
        ("S3:GET", key) => match request.response.as_ref().map(|response| response.status) {
            Some(404) => vec![object("s3:GetObject"), listed(key)],
            _ => [Some(object("s3:GetObject")), encryption("kms:Decrypt")].into_iter().flatten().collect(),
        },
        ("S3:PUT", _) => {
            let reads = request.parameters.contains_key("if-match").then(|| object("s3:GetObject"));
            let retains =
                request.parameters.contains_key("x-amz-object-lock-mode").then(|| object("s3:PutObjectRetention"));
            let all = [Some(object("s3:PutObject")), reads, retains, encryption("kms:GenerateDataKey")];
            all.into_iter().flatten().collect()
        }
        (other, _) => panic!("{other} of {path}: no purpose is known to need it"),
    }
}

/// Asserts that a policy grants all of these requests.
#[track_caller]
pub fn assert_granted(policy: &Value, asked: &[AccessRequest], what: &str) {
    for request in asked {
        assert!(grants(policy, request), "{what}: not granted: {}\n{policy:#}", request.to_value());
    }
}

/// Asserts that each action of a policy on S3 and KMS is needed, for each of its resources and prefixes: without it, one of these requests
/// would be denied.
#[track_caller]
pub fn assert_needed(policy: &Value, asked: &[AccessRequest], what: &str) {
    for (taken, without) in policies_without_each_action(policy) {
        assert!(asked.iter().any(|request| !grants(&without, request)), "{what}: never needed: {taken}\n{policy:#}");
    }
}

fn grants(policy: &Value, request: &AccessRequest) -> bool {
    let document = PolicyDocument::parse(&policy.to_string()).unwrap();
    evaluate_request(&PolicySet::new(vec![document]), request).is_allowed() == Truth::Yes
}

/// The policy without one action on one resource or prefix, for each combination.
fn policies_without_each_action(policy: &Value) -> Vec<(String, Value)> {
    let statements = policy["Statement"].as_array().unwrap();
    let mut taken = Vec::new();
    for (number, statement) in statements.iter().enumerate() {
        for action in
            list(&statement["Action"]).into_iter().filter(|it| it.starts_with("s3:") || it.starts_with("kms:"))
        {
            let rest = without(&list(&statement["Action"]), &action);
            let prefixes = list(&statement["Condition"]["StringLike"]["s3:prefix"]);
            let (path, objects) = if prefixes.is_empty() {
                ("/Resource", list(&statement["Resource"]))
            } else {
                ("/Condition/StringLike/s3:prefix", prefixes)
            };
            for object in &objects {
                // The statement is split in two: this action on all other resources, and the other actions on all resources.
                let mut narrower = statement.clone();
                narrower["Action"] = json!([action]);
                *narrower.pointer_mut(path).unwrap() = json!(without(&objects, object));
                let mut others = statement.clone();
                others["Action"] = json!(rest);
                let pieces = [(objects.len() > 1, narrower), (!rest.is_empty(), others)];
                let pieces = pieces.into_iter().filter(|(is_there, _)| *is_there).map(|(_, piece)| piece);
                let mut all = statements.clone();
                all.splice(number..=number, pieces);
                for statement in &mut all {
                    statement.as_object_mut().unwrap().remove("Sid");
                }
                taken.push((format!("{action} on {object}"), json!({ "Version": "2012-10-17", "Statement": all })));
            }
        }
    }
    taken
}

fn without(all: &[String], one: &str) -> Vec<String> {
    all.iter().filter(|other| *other != one).cloned().collect()
}

fn list(value: &Value) -> Vec<String> {
    match value {
        Value::Array(items) => items.iter().map(|item| item.as_str().unwrap().to_owned()).collect(),
        Value::String(item) => vec![item.clone()],
        _ => Vec::new(),
    }
}
