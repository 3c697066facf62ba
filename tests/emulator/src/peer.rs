//! Servers next to an emulator: a TLS front end with a private authority, an HTTP proxy, and a server with fixed responses. They run in the emulator's Python.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use serde::Deserialize;
use serde_json::{Value, json};

use crate::{Emulator, http, python};

/// A running server on loopback. It stops when it is dropped, and when the test process ends.
#[derive(Debug)]
pub struct Peer {
    server: Child,
    port: u16,
    authority: String,
}

/// A request that a proxy or a server with fixed responses received.
#[derive(Debug, Clone, Deserialize)]
pub struct PeerRequest {
    /// The method: `POST`, `CONNECT`.
    pub method: String,
    /// The target of the request line: a path; for a proxy a URL, or `host:port`.
    pub target: String,
    /// The headers, by name in lower case.
    pub headers: BTreeMap<String, String>,
}

impl Peer {
    /// A TLS front end of an emulator, with a certificate for 127.0.0.1 and localhost from a private authority. `certificate`: `good`,
    /// `expired`, `future`, `other_name`.
    #[must_use]
    pub fn tls(emulator: &Emulator, certificate: &str) -> Self {
        Self::start(&json!({ "kind": "tls", "to": emulator.port, "certificate": certificate }))
    }

    /// An HTTP proxy that records requests. Settings: `login` (the `USER:PASSWORD` to require), `refuse` (an HTTP status for every request).
    #[must_use]
    pub fn proxy(settings: &Value) -> Self {
        Self::start(&json!({ "kind": "proxy", "proxy": settings }))
    }

    /// A server that answers by path: `{"/path": {"status": 200, "headers": {}, "body": "…", "needs": {"authorization": "…"}}}`; 404
    /// for other paths. A request without the headers in `needs` gets `refusal`, or 403.
    #[must_use]
    pub fn answers(routes: &Value) -> Self {
        Self::start(&json!({ "kind": "answers", "routes": routes }))
    }

    fn start(settings: &Value) -> Self {
        let mut server = Command::new(python::interpreter())
            .args(["-c", include_str!("peers.py"), &settings.to_string()])
            .env_remove("PYTHONPATH")
            .env_remove("PYTHONHOME")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the emulator's Python starts");
        let mut line = String::new();
        let stdout = server.stdout.take().expect("stdout is piped");
        BufReader::new(stdout).read_line(&mut line).expect("the server prints its port");
        #[derive(Deserialize)]
        struct Ready {
            port: u16,
            authority: String,
        }
        let Ready { port, authority } = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line:?}"));
        Self { server, port, authority }
    }

    /// `127.0.0.1:PORT`.
    #[must_use]
    pub fn host(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// The certificate of the private authority, as PEM.
    #[must_use]
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// All requests that a proxy or a server with fixed responses received.
    #[must_use]
    pub fn requests(&self) -> Vec<PeerRequest> {
        let (_, body) = http::get(self.port, "/leasehold-test/requests").expect("the server answers");
        serde_json::from_str(&body).expect("the server lists requests")
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}
