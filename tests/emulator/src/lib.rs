//! Test support: installs and starts an emulator of AWS IAM, and stops it at the end of the test.
//!
//! ```no_run
//! use leasehold_emulator::{Emulator, Fault};
//!
//! let aws = Emulator::moto();
//! aws.order(Fault::throttle("CreateRole").times(2));
//! // … run something with `aws.env()` …
//! let roles = aws.boto3("print([r['RoleName'] for r in iam.list_roles()['Roles']])");
//! assert_eq!(aws.calls("CreateRole"), 3);
//! ```
//!
//! moto runs in a Python virtual environment below the target directory, which is created once. Failures panic, since
//! this crate is for tests only.

// Test support: a failure here is a failure of the test.
#![allow(clippy::expect_used, clippy::panic, clippy::disallowed_methods)]

mod fault;
mod http;
mod managed;
mod peer;
mod python;
mod seaweedfs;
mod tools;

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use serde::Deserialize;
use serde_json::Value;

pub use fault::Fault;
pub use managed::managed_policies;
pub use peer::{Peer, PeerRequest};
pub use seaweedfs::SeaweedFs;
pub use tools::linter;

/// One call that reached the emulator, with or without a fault. Calls of [`Emulator::boto3`] are not recorded.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Request {
    /// The name of the API action, such as `CreateRole`; for S3 the method, such as `S3:PUT`.
    pub action: String,
    /// The account of the caller.
    pub account: String,
    /// The parameters that identify the object of the call: names, ARNs, ids, markers. No documents.
    pub parameters: BTreeMap<String, String>,
    /// The HTTP status of the response; `None` while there is no response, or if it was dropped.
    pub status: Option<u16>,
    /// The fault that affected the call; `None` if no fault did.
    pub fault: Option<String>,
    /// The result of an independent check of signature and payload: [`VALID`], `anonymous` or the problem.
    pub signature: String,
}

impl Request {
    /// Whether the call writes to IAM: all actions except `Get…`, `List…`, `Generate…`, `Simulate…`, and those of STS and S3.
    #[must_use]
    pub fn writes(&self) -> bool {
        !["Get", "List", "Generate", "Simulate", "AssumeRole", "S3:"]
            .iter()
            .any(|reading| self.action.starts_with(reading))
    }
}

/// A running emulator with its own account. It stops when it is dropped, and when the test process ends.
#[derive(Debug)]
pub struct Emulator {
    server: Child,
    port: u16,
}

impl Emulator {
    /// The account id of the emulator.
    pub const ACCOUNT: &'static str = "123456789012";

    /// Starts moto. Installs its Python environment first if it is missing.
    #[must_use]
    pub fn moto() -> Self {
        Self::launch_moto(Command::new(python::interpreter()))
    }

    /// Starts moto with policy enforcement, as far as moto supports it: its action and the resource `*` must be allowed; a statement with a condition denies.
    /// [`Emulator::boto3`] has all permissions; the credentials of [`Emulator::env`] have none.
    #[must_use]
    pub fn moto_with_auth() -> Self {
        let mut python = Command::new(python::interpreter());
        python.env("INITIAL_NO_AUTH_ACTION_COUNT", "0");
        Self::launch_moto(python)
    }

    fn launch_moto(mut python: Command) -> Self {
        python.env("MOTO_IAM_LOAD_MANAGED_POLICIES", "true");
        Self::launch(
            python,
            concat!(
                include_str!("snippet.py"),
                include_str!("signatures.py"),
                "\n",
                include_str!("models.py"),
                "\n",
                include_str!("launcher.py")
            ),
        )
    }

    /// Starts ministack. It does not support faults or record requests; use a proxy in front of it.
    #[must_use]
    pub fn ministack() -> Self {
        Self::launch(Command::new(python::ministack()), MINISTACK)
    }

    /// Starts ministack with policy enforcement. The credentials of [`Emulator::env`] are those of the root user.
    #[must_use]
    pub fn ministack_with_auth() -> Self {
        let mut python = Command::new(python::ministack());
        python.env("AUTH", "true");
        Self::launch(python, MINISTACK)
    }

    fn launch(python: Command, launcher: &str) -> Self {
        let (server, port) = start(python, launcher);
        Self { server, port }
    }

    /// The URL of the emulator, for `AWS_ENDPOINT_URL`.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The environment for a program under test: the endpoint, credentials and a region, without settings of the user who
    /// runs the test.
    #[must_use]
    pub fn env(&self) -> Vec<(String, String)> {
        env_of(&self.endpoint())
    }

    /// Variables that a program under test must not inherit in addition to [`Emulator::env`].
    pub const ENV_REMOVE: [&'static str; 6] = [
        "AWS_PROFILE",
        "AWS_SESSION_TOKEN",
        "AWS_ENDPOINT_URL_IAM",
        "AWS_ENDPOINT_URL_STS",
        "AWS_ROLE_ARN",
        "AWS_WEB_IDENTITY_TOKEN_FILE",
    ];

    /// All calls since the start or the last [`Emulator::clear_requests`], in order of arrival.
    #[must_use]
    pub fn requests(&self) -> Vec<Request> {
        serde_json::from_value(self.control("requests", &Value::Null)).expect("the launcher lists requests")
    }

    /// The number of calls by API action.
    #[must_use]
    pub fn counts(&self) -> BTreeMap<String, usize> {
        serde_json::from_value(self.control("counts", &Value::Null)).expect("the launcher counts requests")
    }

    /// The number of calls of one API action.
    #[must_use]
    pub fn calls(&self, action: &str) -> usize {
        self.counts().get(action).copied().unwrap_or(0)
    }

    /// The number of calls by the result of the signature check: [`VALID`], `anonymous` or the problem. On moto since the last
    /// [`Emulator::clear_requests`], on ministack since the start. Calls of [`Emulator::boto3`] are not counted.
    #[must_use]
    pub fn signatures(&self) -> BTreeMap<String, usize> {
        serde_json::from_value(self.control("signatures", &Value::Null)).expect("the launcher counts verdicts")
    }

    /// Clears the record of calls.
    pub fn clear_requests(&self) {
        self.control("forget", &Value::Null);
    }

    /// Injects a fault. If several faults match a call, the one injected first is applied.
    pub fn order(&self, fault: Fault) {
        self.control("fault", &serde_json::to_value(fault).expect("a fault serializes to JSON"));
    }

    /// Removes all faults.
    pub fn clear_faults(&self) {
        self.control("faults", &Value::Array(Vec::new()));
    }

    /// The number of held calls.
    #[must_use]
    pub fn held(&self) -> usize {
        serde_json::from_value(self.control("held", &Value::Null)).expect("the launcher counts held calls")
    }

    /// Releases all held calls.
    pub fn release_held(&self) {
        self.control("let_go", &Value::Null);
    }

    /// Saves the current state of IAM under a name. A request with this name in the header [`AS_OF`] is answered from the saved state.
    pub fn save(&self, name: &str) {
        self.control("save", &Value::from(name));
    }

    /// Restores the state of IAM that was saved under this name.
    pub fn restore(&self, name: &str) {
        self.control("restore", &Value::from(name));
    }

    /// Empties the account, removes all faults, and clears the record of calls.
    pub fn reset(&self) {
        self.control("reset", &Value::Null);
    }

    /// Runs a Python snippet that can use `iam`, `iam_of(account)`, `sts`, `client(service)` and `json`. Returns its output, parsed as JSON
    /// if possible, otherwise as text. `print` converts values other than text to JSON.
    ///
    /// # Panics
    /// The snippet fails. The message is Python's traceback.
    pub fn boto3(&self, snippet: &str) -> Value {
        self.control("boto3", &Value::from(dedent(snippet)))
    }

    fn control(&self, path: &str, value: &Value) -> Value {
        let (status, body) = http::post(self.port, &format!("/leasehold-test/{path}"), &value.to_string())
            .unwrap_or_else(|error| panic!("the emulator does not answer: {error}"));
        let value: Value = serde_json::from_str(&body).expect("the launcher answers in JSON");
        let problem = value.get("error").and_then(Value::as_str).filter(|_| status != 200);
        assert!(status == 200, "{}", problem.unwrap_or(&body));
        value
    }
}

/// The result of the check for a request whose signature and payload are as AWS requires.
pub const VALID: &str = "valid";

/// The header with the name of the saved state to answer from.
pub const AS_OF: &str = "x-leasehold-as-of";

const MINISTACK: &str =
    concat!(include_str!("snippet.py"), include_str!("signatures.py"), "\n", include_str!("ministack.py"));

/// Starts a Python program that runs a server and prints the server's port as its first line. It exits at the end of its standard input.
fn start(mut python: Command, launcher: &str) -> (Child, u16) {
    let mut server = python
        .arg("-c")
        .arg(launcher)
        .env_remove("PYTHONPATH")
        .env_remove("PYTHONHOME")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the emulator's Python starts");
    let mut line = String::new();
    let stdout = server.stdout.take().expect("stdout is piped");
    BufReader::new(stdout).read_line(&mut line).expect("the emulator prints its port");
    #[derive(Deserialize)]
    struct Ready {
        port: u16,
    }
    let Ok(Ready { port }) = serde_json::from_str(&line) else {
        let _ = server.kill();
        let _ = server.wait();
        panic!("the emulator exited before it was ready; it printed {line:?}");
    };
    (server, port)
}

/// The environment of a program that calls AWS at `endpoint`.
fn env_of(endpoint: &str) -> Vec<(String, String)> {
    [
        ("AWS_ENDPOINT_URL", endpoint),
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
        ("AWS_REGION", "us-east-1"),
        ("AWS_DEFAULT_REGION", "us-east-1"),
        ("AWS_CONFIG_FILE", NULL_DEVICE),
        ("AWS_SHARED_CREDENTIALS_FILE", NULL_DEVICE),
        ("AWS_EC2_METADATA_DISABLED", "true"),
    ]
    .map(|(key, value)| (key.to_owned(), value.to_owned()))
    .to_vec()
}

impl Drop for Emulator {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

const NULL_DEVICE: &str = if cfg!(windows) { "NUL" } else { "/dev/null" };

/// Removes the common indentation of all lines, so that a snippet can be indented in a test.
fn dedent(text: &str) -> String {
    let indent = |line: &str| line.len() - line.trim_start().len();
    let common = text.lines().filter(|line| !line.trim().is_empty()).map(indent).min().unwrap_or(0);
    text.lines().map(|line| line.get(common..).unwrap_or("")).collect::<Vec<_>>().join("\n")
}
