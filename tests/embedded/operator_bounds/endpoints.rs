//! Endpoints that a stack or the environment names: https, loopback, or what the operator lists.

use std::net::TcpListener;

use leasehold_test_harness::{Stack, snapshot};

use super::{COMMANDS, bounded, stack_with};

fn backend_at(endpoint: &str) -> Stack {
    stack_with(
        &format!(
            "  backend \"s3\" {{\n    bucket   = \"acme\"\n    region   = \"eu-west-1\"\n    endpoint = \"{endpoint}\"\n  }}"
        ),
        "",
    )
}

#[test]
fn http_backend_is_refused_at_its_line() {
    let stack = backend_at("http://other");
    snapshot!(stack.run(&["validate"]).expect(1), @r#"
    $ leasehold validate
    exit 1
    ─── stderr
    operator::bounds

      × the backend names the endpoint "http://other": it is http and not a loopback address, so that
      │ others on the network could read the session token
       ╭─[stack.hcl:6:16]
     5 │     region   = "eu-west-1"
     6 │     endpoint = "http://other"
       ·                ───────┬──────
       ·                       ╰── not allowed
     7 │   }
       ╰────
      help: use https, or a loopback address such as http://127.0.0.1:9000; only the operator can
            allow other endpoints (LEASEHOLD_OPERATOR, docs/operator.md)
    "#);
    for command in COMMANDS {
        stack.run(command).says(&["http://other", "not a loopback address"]).expect(match command[0] {
            "plan" | "apply" | "sweep" | "drift" => 1,
            _ => 3,
        });
    }
}

#[test]
fn endpoints_that_only_look_like_loopback_are_refused_and_get_no_request() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let port = listener.local_addr().unwrap().port();
    for endpoint in [
        "http://127.0.0.1.evil.example",
        "http://localhost.evil",
        "HTTP://evil.example",
        &format!("HTTP://127.0.0.1:{port}"),
        &format!("http://127.0.0.1@localhost:{port}"),
        "http://127.0.0.1@evil.example",
        &format!("http://2130706433:{port}"),
        &format!("http://0177.0.0.1:{port}"),
        &format!("http://0x7f.1:{port}"),
        &format!("http://127.1:{port}"),
        &format!("http://localhost.:{port}"),
        "http://[::2]",
        "http://10.0.0.1",
        "ftp://127.0.0.1",
        "file:///etc/passwd",
        "minio.example",
    ] {
        let stack = backend_at(endpoint);
        for command in [&["validate"][..], &["plan"], &["apply", "--auto-approve"], &["sweep", "--auto-approve"]] {
            stack.run(command).expect(1).says(&["operator::bounds"]);
        }
        stack.run(&["audit", "verify"]).expect(3);
        assert!(listener.accept().is_err(), "{endpoint} received a request");
    }
    // A loopback address in its usual form is used: the same listener gets the request.
    let stack = backend_at(&format!("http://127.0.0.1:{port}"));
    stack.ok(&["validate"]);
    let reading = stack.start(&["lock", "show"]);
    let start = std::time::Instant::now();
    while listener.accept().is_err() {
        assert!(start.elapsed().as_secs() < 20, "no request arrived");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    reading.signal("KILL");
    reading.wait();
}

#[test]
fn operator_allows_an_endpoint_and_then_only_that() {
    let operator = "allow {\n  endpoints = [\"http://minio.internal:9000\"]\n}\n";
    bounded(backend_at("http://minio.internal:9000"), operator).ok(&["validate"]);
    let stack = bounded(backend_at("https://evil.example"), operator);
    stack.run(&["validate"]).expect(1).says(&["https://evil.example", "operator.hcl:2", "stack.hcl:6"]);
}

#[test]
fn environment_names_an_endpoint_that_is_refused_by_its_name() {
    let stack = stack_with("", "provider \"aws\" {}");
    for name in ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_IAM", "AWS_ENDPOINT_URL_STS"] {
        let ran = stack.run_with(&[(name, "http://127.0.0.1.evil.example")], &["plan"]);
        ran.expect(1).says(&[name, "not a loopback address"]);
    }
    let stack = stack_with("  backend \"s3\" {\n    bucket = \"acme\"\n  }", "");
    let ran = stack.run_with(&[("AWS_ENDPOINT_URL_S3", "http://other")], &["audit", "verify"]);
    ran.expect(1).says(&["AWS_ENDPOINT_URL_S3", "not a loopback address"]);
    let stack = bounded(stack, "allow {\n  endpoints = []\n}\n");
    let ran = stack.run_with(&[("AWS_ENDPOINT_URL_S3", "https://other")], &["audit", "verify"]);
    ran.expect(1).says(&["AWS_ENDPOINT_URL_S3", "operator.hcl:2"]);
}

#[test]
fn profile_names_an_endpoint_that_is_refused_by_its_name() {
    let stack = stack_with("", "provider \"aws\" {\n  profile = \"prod\"\n}");
    let config = "[profile prod]\naws_access_key_id = AKIA\naws_secret_access_key = x\nendpoint_url = http://other\n";
    stack.write("../.aws/config", config);
    stack.run(&["plan"]).expect(1).says(&["endpoint_url of profile \"prod\"", "not a loopback address"]);
}

#[test]
fn region_and_bucket_cannot_choose_another_host() {
    for name in
        ["evil.example/", "x@evil.example", "evil.example#", "evil.example?", "evil\u{3002}example#", "a b", "[::1]:9"]
    {
        for settings in [
            format!("  backend \"s3\" {{\n    bucket = \"acme\"\n    region = \"{name}\"\n  }}"),
            format!("  backend \"s3\" {{\n    bucket = \"{name}\"\n    region = \"eu-west-1\"\n  }}"),
        ] {
            let stack = stack_with(&settings, "");
            stack.run(&["validate"]).expect(1).says(&["operator::bounds", "part of the host"]);
            stack.run(&["lock", "show"]).expect(3).says(&["part of the host"]);
        }
        let stack = stack_with("", &format!("provider \"aws\" {{\n  region = \"{name}\"\n}}"));
        stack.run(&["plan"]).expect(1).says(&["operator::bounds", "part of the host"]);
    }
}
