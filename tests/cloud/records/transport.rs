//! Between here and the bucket: certificates, names, proxies. IAM is reached without any of them.

use leasehold_emulator::{Emulator, Peer, Request};
use serde_json::json;

use crate::records::on_s3;
use leasehold_test_harness::Stack;

/// The stack with its bucket behind `endpoint`, and more in the environment.
fn behind(aws: &Emulator, endpoint: &str, env: &[(&str, &str)]) -> Stack {
    let stack = on_s3(aws);
    stack.edit("stack.hcl", "lock_lease = \"2s\"", &format!("lock_lease = \"60s\"\n    endpoint   = \"{endpoint}\""));
    stack.with_env(env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())))
}

#[test]
fn a_private_authority_of_the_bucket_is_trusted_by_its_bundle_only() {
    let aws = Emulator::moto();
    let (front, other) = (Peer::tls(&aws, "good"), Peer::tls(&aws, "good"));
    let endpoint = format!("https://{}", front.host());
    behind(&aws, &endpoint, &[]).run(&["apply", "--auto-approve"]).expect(1).says(&["certificate", "AWS_CA_BUNDLE"]);
    let stack = behind(&aws, &endpoint, &[("AWS_CA_BUNDLE", "../ca.pem")]);
    stack.write("../ca.pem", other.authority());
    stack.run(&["apply", "--auto-approve"]).expect(1).says(&["AWS_CA_BUNDLE"]);
    stack.write("../ca.pem", front.authority());
    stack.apply();
    stack.ok(&["audit", "verify"]).says(&["The ledger is intact"]);
    aws.clear_requests();
    let stack = behind(&aws, "https://[::1]:1", &[("AWS_CA_BUNDLE", "../none.pem")]);
    stack.run(&["apply", "--auto-approve"]).expect(1).says(&["AWS_CA_BUNDLE"]);
    assert!(aws.requests().iter().all(|request| !Request::writes(request)));
}

#[test]
fn each_failure_on_the_way_to_the_bucket_has_its_own_remedy() {
    let aws = Emulator::moto();
    let front = Peer::tls(&aws, "good");
    let expired = Peer::tls(&aws, "expired");
    let proxy = Peer::proxy(&json!({ "login": "ann:secret" }));
    let url = |peer: &Peer| format!("https://{}", peer.host());
    let through = format!("http://{}", proxy.host());
    for (endpoint, env, remedy) in [
        (url(&expired), &[][..], "the certificate has expired"),
        ("https://nowhere.invalid".to_owned(), &[], "then DNS and the proxy"),
        ("https://127.0.0.1:1".to_owned(), &[], "Check that the store is running"),
        (url(&front), &[("HTTPS_PROXY", through.as_str())], "the proxy's user and password"),
        (url(&front), &[("HTTPS_PROXY", "http://127.0.0.1:1")], "the network and proxy"),
    ] {
        aws.reset();
        let stack = behind(&aws, &endpoint, env);
        aws.clear_requests();
        stack.run(&["apply", "--auto-approve"]).expect(1).says(&["cannot read lock.json in s3://records", remedy]);
        assert!(aws.requests().iter().all(|request| !Request::writes(request)), "{endpoint}");
    }
}

#[test]
fn the_bucket_is_reached_through_a_proxy() {
    let aws = Emulator::moto();
    let (front, proxy) = (Peer::tls(&aws, "good"), Peer::proxy(&json!({})));
    let through = format!("http://{}", proxy.host());
    let env = [("HTTPS_PROXY", through.as_str()), ("AWS_CA_BUNDLE", "../ca.pem")];
    let stack = behind(&aws, &format!("https://{}", front.host()), &env);
    stack.write("../ca.pem", front.authority());
    stack.apply();
    assert!(proxy.requests().iter().any(|request| request.method == "CONNECT" && request.target == front.host()));
}
