//! The store of the records is a server whose answers are fixed bytes: what is not whole is an error, and never an absent object.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use leasehold_test_harness::{Ran, Stack};

/// A server that gives every request this answer, and closes the connection. It counts the requests.
fn serve(answer: String) -> (u16, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (port, count) = (listener.local_addr().unwrap().port(), Arc::new(AtomicUsize::new(0)));
    let counted = Arc::clone(&count);
    std::thread::spawn(move || {
        for connection in listener.incoming() {
            let mut connection = connection.unwrap();
            let mut head = Vec::new();
            let mut piece = [0; 4096];
            while !head.windows(4).any(|end| end == b"\r\n\r\n") {
                match connection.read(&mut piece) {
                    Ok(read) if read > 0 => head.extend_from_slice(&piece[..read]),
                    _ => break,
                }
            }
            counted.fetch_add(1, Ordering::Relaxed);
            let _ = connection.write_all(answer.as_bytes());
        }
    });
    (port, count)
}

/// Reads the lock of a stack whose records are at this server.
fn read_lock(port: u16) -> Ran {
    let stack = Stack::of(&format!(
        "leasehold {{\n  stack = \"payments\"\n  backend \"s3\" {{\n    bucket   = \"acme\"\n    region   = \"eu-west-1\"\n    \
         endpoint = \"http://127.0.0.1:{port}\"\n  }}\n}}\n"
    ));
    let credentials = [("AWS_ACCESS_KEY_ID", "AKIA"), ("AWS_SECRET_ACCESS_KEY", "secret")];
    stack.run_with(&credentials, &["lock", "show"])
}

const HEAD: &str = "ETag: \"1\"\r\nLast-Modified: Mon, 30 Nov 2026 12:00:00 GMT\r\n";

#[test]
fn what_is_not_whole_is_never_an_absent_lock() {
    let absent = "<Error><Code>NoSuchKey</Code><Message>no such key</Message></Error>";
    let page = "<html><body>Not found in this network</body></html>";
    let sum = "x-amz-checksum-sha256: 47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\r\n";
    let cases = [
        (format!("HTTP/1.1 200 OK\r\n{HEAD}Content-Length: 900\r\n\r\n{{\"stack\""), "lock.json"),
        (format!("HTTP/1.1 200 OK\r\n{HEAD}Transfer-Encoding: chunked\r\n\r\n8\r\n{{\"stack\"\r\n"), "lock.json"),
        (format!("HTTP/1.1 200 OK\r\n{HEAD}\r\n{{\"stack\""), "states no length"),
        (format!("HTTP/1.1 200 OK\r\n{HEAD}Content-Length: 0\r\n\r\n"), "lock.json"),
        (format!("HTTP/1.1 200 OK\r\n{HEAD}{sum}Content-Length: 8\r\n\r\n{{\"stack\""), "checksum"),
        (format!("HTTP/1.1 206 Partial Content\r\n{HEAD}Content-Length: 2\r\n\r\n{{}}"), "206"),
        (format!("HTTP/1.1 404 Not Found\r\nContent-Length: {}\r\n\r\n{page}", page.len()), "HTTP status 404"),
        ("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n".to_owned(), "HTTP status 404"),
        ("HTTP/1.1 404 Not Found\r\nContent-Length: 22\r\n\r\n<Error><Code>NoSuchKe".to_owned(), "lock.json"),
    ];
    std::thread::scope(|scope| {
        for (answer, problem) in cases {
            scope.spawn(move || {
                let ran = read_lock(serve(answer.clone()).0);
                assert!([1, 3].contains(&ran.code), "{ran}");
                assert!(ran.stderr.contains(problem) && ran.stderr.contains("s3://acme"), "{answer}\n{ran}");
            });
        }
    });
    let whole = format!("HTTP/1.1 404 Not Found\r\nContent-Length: {}\r\n\r\n{absent}", absent.len());
    read_lock(serve(whole).0).expect(0).says(&["The lock is not held."]);
}

#[test]
fn redirect_is_not_followed() {
    let (port, requests) = serve("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}".to_owned());
    for status in ["301 Moved Permanently", "302 Found", "307 Temporary Redirect", "308 Permanent Redirect"] {
        let location = format!("HTTP/1.1 {status}\r\nLocation: http://127.0.0.1:{port}/\r\nContent-Length: 0\r\n\r\n");
        read_lock(serve(location).0).expect(1);
    }
    assert_eq!(requests.load(Ordering::Relaxed), 0);
}
