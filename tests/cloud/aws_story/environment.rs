//! Environment variables, by the table of those that are read: empty is unset, malformed is a diagnostic, and the docs show the table.

use std::collections::BTreeMap;

use leasehold::cli::environment::{NEVER_EMPTY, all_variables};
use leasehold_aws::environment::{EnvironmentVariable, ValueForm, VariableReader};
use leasehold_emulator::{Emulator, Fault, Peer};
use serde_json::json;

use super::HEAD;
use leasehold_test_harness::{Ran, Stack};

/// The variables of a program that reaches the emulator, with every endpoint given twice: without one of them, none is AWS's.
fn base(aws: &Emulator) -> BTreeMap<String, String> {
    let mut env: BTreeMap<String, String> = aws.env().into_iter().collect();
    for service in ["IAM", "STS", "S3"] {
        env.insert(format!("AWS_ENDPOINT_URL_{service}"), aws.endpoint());
    }
    env
}

fn plan_with(env: &BTreeMap<String, String>) -> Ran {
    // What the program sets itself is cleared, so that a variable of the table can be absent.
    let stack = Stack::of(HEAD).with_env(env.clone());
    let mut command = stack.command(&["plan", "--now", "2026-11-20T22:00:00Z"]);
    for name in ["USER", "NO_COLOR", "HOME"].into_iter().filter(|name| !env.contains_key(*name)) {
        command.env_remove(name);
    }
    Ran::of(&["plan"], command.output().unwrap(), &stack.dir())
}

#[test]
fn an_empty_variable_counts_as_unset() {
    let aws = Emulator::moto();
    let base = base(&aws);
    let plain = plan_with(&base).expect(0);
    let others = all_variables().filter(|variable| variable.name != NEVER_EMPTY);
    for variable in others.filter(|variable| !variable.name.ends_with('*')) {
        let unset = match base.contains_key(variable.name) {
            false => plain.clone(),
            true => plan_with(&base.clone().into_iter().filter(|(name, _)| name != variable.name).collect()),
        };
        let mut env = base.clone();
        env.insert(variable.name.to_owned(), String::new());
        let empty = plan_with(&env);
        assert_eq!(
            (empty.code, &empty.stdout, &empty.stderr),
            (unset.code, &unset.stdout, &unset.stderr),
            "{} empty and unset differ",
            variable.name
        );
    }
}

#[test]
fn an_empty_value_of_a_stacks_variable_is_a_value() {
    let aws = Emulator::moto();
    let text = format!(
        "{HEAD}variable \"team\" {{\n  validation {{\n    condition     = var.team != \"\"\n    error_message = \"the team is empty\"\n  }}\n}}\n"
    );
    let stack = Stack::of(&text).with_env(aws.env()).with_env([("LEASEHOLD_VAR_team".to_owned(), String::new())]);
    stack.run(&["plan"]).expect(1).says(&["the team is empty"]);
}

#[test]
fn an_empty_signing_key_is_none() {
    let checkpoint = ["audit", "checkpoint", "--out", "checkpoint.json"];
    let signed_with = |key: &str| {
        let stack = Stack::example("quickstart").at(leasehold_test_harness::START);
        let stack = stack.with_env([("LEASEHOLD_SIGNING_KEY".to_owned(), key.to_owned())]);
        stack.command(&["apply", "--auto-approve"]).env_remove("LEASEHOLD_SIGNING_KEY").output().unwrap();
        stack.run(&checkpoint)
    };
    signed_with("").expect(0);
    signed_with("/nowhere/key").expect(1).says(&["/nowhere/key"]);
}

/// A value that the form does not accept; `None` where it accepts all.
fn malformed(form: ValueForm) -> Option<&'static str> {
    match form {
        ValueForm::Text | ValueForm::Secret | ValueForm::Path => None,
        ValueForm::HeaderSecret | ValueForm::Header => Some("a\nb"),
        ValueForm::Flag => Some("maybe"),
        ValueForm::Count => Some("many"),
        ValueForm::OneOf(_) => Some("neither"),
        ValueForm::Region => Some("us east 1"),
        ValueForm::Endpoint | ValueForm::MetadataEndpoint => Some("localhost:5000"),
        ValueForm::Url => Some("nonsense"),
        ValueForm::UrlPath => Some("v2/credentials"),
        ValueForm::Proxy => Some("socks5://proxy:1080"),
    }
}

#[test]
fn a_malformed_value_is_refused_with_the_name_of_its_variable() {
    let aws = Emulator::moto();
    let base = base(&aws);
    let by_form = all_variables()
        .filter(|variable| variable.reader != VariableReader::Nothing)
        .filter_map(|variable| malformed(variable.form).map(|value| (variable.name, value)));
    let by_content = [("AWS_PROFILE", "nobody"), ("AWS_CA_BUNDLE", "/nowhere/ca.pem"), ("RUST_LOG", "===")];
    aws.clear_requests();
    for (name, value) in by_form.chain(by_content) {
        let mut env = base.clone();
        env.insert(name.to_owned(), value.to_owned());
        let ran = plan_with(&env).expect(1).says(&[name]).does_not_say(&["panicked", "RUST_BACKTRACE"]);
        assert_eq!(ran.stdout, "", "no plan");
    }
    assert_eq!(aws.requests(), [], "nothing is called");
}

#[test]
fn the_docs_show_the_table() {
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/environment.md")).unwrap();
    let shown: Vec<&str> = text.lines().filter(|line| line.starts_with("| `")).collect();
    let rows: Vec<String> = all_variables().map(row).collect();
    assert_eq!(shown, rows, "docs/environment.md has to hold these rows:\n{}", rows.join("\n"));
}

fn row(variable: &EnvironmentVariable) -> String {
    format!("| `{}` | {} | {} |", variable.name, variable.sets, variable.reader.name())
}

#[test]
fn a_private_authority_is_trusted_by_its_bundle_only() {
    let aws = Emulator::moto();
    let front = Peer::tls(&aws, "good");
    let stack = Stack::of(HEAD).with_env(aws.env());
    stack.write("../ca.pem", front.authority());
    let ca = stack.path("../ca.pem").canonicalize().unwrap().display().to_string();
    let stack = stack.with_env([("AWS_ENDPOINT_URL".to_owned(), format!("https://{}", front.host()))]);
    stack.run(&["plan"]).expect(1).says(&["signed by an authority that is not trusted", "set AWS_CA_BUNDLE to a file"]);

    // By the profile, then by the variable, which wins over a profile that names another.
    let other = Peer::tls(&aws, "good");
    stack.write("../other.pem", other.authority());
    stack.write("../config", &format!("[default]\nca_bundle = {ca}\n"));
    let config = stack.path("../config").canonicalize().unwrap().display().to_string();
    let stack = stack.with_env([("AWS_CONFIG_FILE".to_owned(), config.clone())]);
    stack.plan();
    std::fs::write(&config, format!("[default]\nca_bundle = {}\n", ca.replace("ca.pem", "other.pem"))).unwrap();
    stack.run(&["plan"]).expect(1).says(&["signed by an authority that is not trusted"]);
    let stack = stack.with_env([("AWS_CA_BUNDLE".to_owned(), ca.clone())]);
    stack.plan();

    // A bundle replaces the system's authorities, and one that holds no certificate is refused.
    std::fs::write(&ca, other.authority()).unwrap();
    stack
        .run(&["plan"])
        .expect(1)
        .says(&["add the PEM certificate of the authority that signed the certificate to", "(AWS_CA_BUNDLE)"]);
    std::fs::write(&ca, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n").unwrap();
    stack.run(&["plan"]).expect(1).says(&["AWS_CA_BUNDLE is", "certificate 1 in it cannot be parsed"]);
}

#[test]
fn proxies_are_used_in_both_cases_and_left_out_by_no_proxy() {
    let aws = Emulator::moto();
    let proxy = Peer::proxy(&json!({}));
    let url = format!("http://{}", proxy.host());
    let count = || proxy.requests().len();
    let run = |variables: &[(&str, &str)]| {
        let mut env = base(&aws);
        env.extend(variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let before = count();
        plan_with(&env).expect(0);
        count() - before
    };
    for used in [
        [("HTTP_PROXY", url.as_str()), ("NO_PROXY", "")],
        [("http_proxy", &url), ("no_proxy", "other.example.com")],
        [("ALL_PROXY", &url), ("HTTPS_PROXY", "http://127.0.0.1:1")],
        // Empty counts as unset: the other case is read.
        [("HTTP_PROXY", ""), ("http_proxy", &url)],
    ] {
        assert!(run(&used) > 0, "{used:?} is used");
    }
    for unused in [
        [("HTTP_PROXY", url.as_str()), ("NO_PROXY", "127.0.0.1")],
        [("http_proxy", &url), ("no_proxy", "127.0.0.0/8")],
        [("HTTPS_PROXY", &url), ("NO_PROXY", "")],
    ] {
        assert_eq!(run(&unused), 0, "{unused:?} is not used");
    }
    let request = &proxy.requests()[0];
    assert!(request.method == "POST" && request.target.starts_with(&aws.endpoint()), "{request:?}");
}

#[test]
fn https_goes_through_a_tunnel_of_the_proxy() {
    let aws = Emulator::moto();
    let (front, proxy) = (Peer::tls(&aws, "good"), Peer::proxy(&json!({ "login": "ann:se%cret" })));
    let stack = Stack::of(HEAD).with_env(aws.env());
    stack.write("../ca.pem", front.authority());
    let stack = stack.with_env([
        ("AWS_CA_BUNDLE".to_owned(), "../ca.pem".to_owned()),
        ("AWS_ENDPOINT_URL".to_owned(), format!("https://{}", front.host())),
        ("HTTPS_PROXY".to_owned(), format!("http://ann:se%25cret@{}", proxy.host())),
    ]);
    stack.plan();
    let requests = proxy.requests();
    assert!(
        requests.iter().all(|request| request.method == "CONNECT" && request.target == front.host()),
        "{requests:?}"
    );
    let stack = stack.with_env([("HTTPS_PROXY".to_owned(), format!("http://{}", proxy.host()))]);
    stack.run(&["plan"]).expect(1).says(&["requires a user name and a password (HTTP 407)", "set them in HTTPS_PROXY"]);
}

#[test]
fn the_password_of_a_proxy_is_never_shown() {
    let stack = Stack::of(HEAD).with_env([
        ("AWS_ENDPOINT_URL".to_owned(), "http://127.0.0.1:9".to_owned()),
        ("AWS_ACCESS_KEY_ID".to_owned(), "test".to_owned()),
        ("AWS_SECRET_ACCESS_KEY".to_owned(), "test".to_owned()),
        ("HTTP_PROXY".to_owned(), "http://ann:hunter2@127.0.0.1:1".to_owned()),
    ]);
    stack.run(&["plan"]).expect(1).says(&["the proxy http://127.0.0.1:1 cannot be reached"]).does_not_say(&["hunter2"]);
}

#[test]
fn attempts_are_those_of_the_variable() {
    let aws = Emulator::moto();
    let mut env = base(&aws);
    env.insert("AWS_MAX_ATTEMPTS".to_owned(), "2".to_owned());
    aws.order(Fault::error("ListRoles", 500, "ServiceFailure"));
    plan_with(&env).expect(1);
    assert_eq!(aws.calls("ListRoles"), 2);
}
