//! Failures between here and AWS, on real sockets: each is told by its own cause and next step, and nothing was changed.

use leasehold_emulator::{Emulator, Peer};
use serde_json::json;

use super::HEAD;
use leasehold_test_harness::Stack;

/// A stack that reaches `url`, trusting the authority of a TLS front.
fn towards(aws: &Emulator, url: &str, authority: &str) -> Stack {
    let stack = Stack::of(HEAD).with_env(aws.env()).with_env([("AWS_ENDPOINT_URL".to_owned(), url.to_owned())]);
    if authority.is_empty() {
        return stack;
    }
    stack.write("../ca.pem", authority);
    stack.with_env([("AWS_CA_BUNDLE".to_owned(), "../ca.pem".to_owned())])
}

fn assert_told(stack: &Stack, message: &str, remedy: &str) {
    stack.run(&["plan"]).expect(1).says(&[message, remedy, "Nothing was changed."]);
}

#[test]
fn invalid_certificates_have_specific_errors() {
    let aws = Emulator::moto();
    for (certificate, message, remedy) in [
        ("expired", "has expired", "check this machine's clock, which shows 20"),
        ("future", "is not valid yet", "set this machine's clock"),
        ("other_name", "is for another host name", "use the host name of the certificate"),
    ] {
        let front = Peer::tls(&aws, certificate);
        let url = format!("https://{}", front.host());
        assert_told(&towards(&aws, &url, front.authority()), &format!("the certificate of {url} {message}"), remedy);
    }
    let other = Peer::tls(&aws, "good");
    let url = aws.endpoint().replace("http://", "https://");
    assert_told(
        &towards(&aws, &url, other.authority()),
        &format!("{url} does not speak TLS"),
        "use http:// instead of https://",
    );
}

#[test]
fn unreachable_hosts_have_specific_errors() {
    let aws = Emulator::moto();
    for (url, message, remedy) in [
        (
            "https://nowhere.invalid",
            "the host name of https://nowhere.invalid does not resolve",
            "correct the host in AWS_ENDPOINT_URL",
        ),
        (
            "http://127.0.0.1:1",
            "http://127.0.0.1:1 cannot be reached: connection refused",
            "start the service on http://127.0.0.1:1",
        ),
    ] {
        assert_told(&towards(&aws, url, ""), message, remedy);
    }
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", silent.local_addr().unwrap());
    let closing = std::thread::spawn(move || {
        // It reads the request, so that closing is no reset, and answers nothing.
        use std::io::Read as _;
        while let Ok((mut connection, _)) = silent.accept() {
            let mut request = [0; 4096];
            if connection.read(&mut request).unwrap_or(0) == 1 {
                break;
            }
        }
    });
    assert_told(
        &towards(&aws, &url, ""),
        "closed the connection without a response",
        "check for a device that closes connections",
    );
    use std::io::Write as _;
    std::net::TcpStream::connect(url.trim_start_matches("http://")).unwrap().write_all(b"x").unwrap();
    closing.join().unwrap();
}

#[test]
fn refusing_proxies_have_specific_errors() {
    let aws = Emulator::moto();
    let front = Peer::tls(&aws, "good");
    let (http, https) = (aws.endpoint(), format!("https://{}", front.host()));
    let login = Peer::proxy(&json!({ "login": "ann:secret" }));
    let refusing = Peer::proxy(&json!({ "refuse": 403 }));
    let failing = Peer::proxy(&json!({ "refuse": 502 }));
    let gone = "127.0.0.1:1".to_owned();
    for (endpoint, proxy, message, remedy) in [
        (
            &http,
            login.host(),
            "requires a user name and a password (HTTP 407)",
            "set the user name and the password in HTTP_PROXY",
        ),
        (&https, login.host(), "requires a user name and a password (HTTP 407)", "set them in HTTPS_PROXY"),
        (&http, refusing.host(), "HTTP 403 without an error code", "the response does not come from AWS: allow"),
        (&https, refusing.host(), "refuses to connect to https://", "allow https://"),
        (&http, failing.host(), "returned HTTP 502 in place of http://", "can reach http://"),
        (
            &http,
            gone.clone(),
            "the proxy http://127.0.0.1:1 cannot be reached",
            "start the proxy on http://127.0.0.1:1",
        ),
        (&https, gone, "the proxy http://127.0.0.1:1 cannot be reached", "start the proxy on http://127.0.0.1:1"),
    ] {
        let variable = if endpoint.starts_with("https") { "HTTPS_PROXY" } else { "HTTP_PROXY" };
        let stack = towards(&aws, endpoint, front.authority());
        let stack = stack.with_env([
            (variable.to_owned(), format!("http://{proxy}")),
            ("AWS_MAX_ATTEMPTS".to_owned(), "1".to_owned()),
        ]);
        assert_told(&stack, message, remedy);
    }
    let nowhere =
        towards(&aws, &http, "").with_env([("HTTP_PROXY".to_owned(), "http://nowhere.invalid:3128".to_owned())]);
    assert_told(
        &nowhere,
        "the host name of the proxy http://nowhere.invalid:3128 does not resolve",
        "correct the proxy's host",
    );
}

#[test]
fn response_not_from_aws_is_an_error() {
    let aws = Emulator::moto();
    let page = Peer::answers(
        &json!({ "/": { "status": 200, "headers": { "Content-Type": "text/html" }, "body": "<html>Welcome</html>" } }),
    );
    let login = Peer::answers(
        &json!({ "/": { "status": 302, "headers": { "Location": "https://login.example.com/" }, "body": "" } }),
    );
    for (peer, message, remedy) in [
        (
            &page,
            "does not have the form of AWS: it contains no request id",
            "the response does not come from AWS: allow",
        ),
        (
            &login,
            "redirects (HTTP 302) to https://login.example.com/",
            "correct the region (us-east-1) or AWS_ENDPOINT_URL",
        ),
    ] {
        assert_told(&towards(&aws, &format!("http://{}", peer.host()), ""), message, remedy);
    }
}
