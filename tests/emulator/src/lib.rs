//! Test support: an emulator of AWS IAM, set up by itself and ended with the test.
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
//! moto runs in a Python virtual environment under the target directory, made once. Whatever fails here panics: it is
//! for tests only.

// What follows is test support: a failure here is a failure of the test.
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

/// One call that reached the emulator, faulty or not. Calls of [`Emulator::boto3`] are not among them.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Request {
    /// The API's name, such as `CreateRole`; of S3 the method, such as `S3:PUT`.
    pub action: String,
    /// The account in whose name it was made.
    pub account: String,
    /// The parameters that say what the call was about: names, ARNs, ids, markers. No documents.
    pub parameters: BTreeMap<String, String>,
    /// The status of the answer; `None` while there is none, or when it was never told.
    pub status: Option<u16>,
    /// The fault that was ordered for it.
    pub fault: Option<String>,
    /// What an independent check says of its signature and its payload: [`VALID`], `anonymous` or the problem.
    pub signature: String,
}

impl Request {
    /// Whether the call changes anything in IAM: all but `Get…`, `List…`, `Generate…`, `Simulate…` and those of STS and S3.
    #[must_use]
    pub fn writes(&self) -> bool {
        !["Get", "List", "Generate", "Simulate", "AssumeRole", "S3:"]
            .iter()
            .any(|reading| self.action.starts_with(reading))
    }
}

/// A running emulator with an account of its own. Dropping it ends it; so does the death of the test.
#[derive(Debug)]
pub struct Emulator {
    server: Child,
    port: u16,
}

impl Emulator {
    /// The account that the emulator is.
    pub const ACCOUNT: &'static str = "123456789012";

    /// Starts moto, setting up its Python environment first where that has not been done.
    #[must_use]
    pub fn moto() -> Self {
        Self::launch_moto(Command::new(python::interpreter()))
    }

    /// Starts moto enforcing policies, as far as it does: a call must be allowed by its action and `*`; a statement with a condition denies.
    /// [`Emulator::boto3`] may do everything; the credentials of [`Emulator::env`] may do nothing.
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

    /// Starts ministack. It takes no faults and records no requests: a proxy in front of it does.
    #[must_use]
    pub fn ministack() -> Self {
        Self::launch(Command::new(python::ministack()), MINISTACK)
    }

    /// Starts ministack enforcing policies. The credentials of [`Emulator::env`] are the root's.
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

    /// Where it listens: for `AWS_ENDPOINT_URL`.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The environment for a program under test: the endpoint, credentials and a region, and nothing of the person who
    /// runs the test.
    #[must_use]
    pub fn env(&self) -> Vec<(String, String)> {
        env_of(&self.endpoint())
    }

    /// Names that a program under test must not inherit beside [`Emulator::env`].
    pub const ENV_REMOVE: [&'static str; 6] = [
        "AWS_PROFILE",
        "AWS_SESSION_TOKEN",
        "AWS_ENDPOINT_URL_IAM",
        "AWS_ENDPOINT_URL_STS",
        "AWS_ROLE_ARN",
        "AWS_WEB_IDENTITY_TOKEN_FILE",
    ];

    /// All calls since the start, or since they were last forgotten, in the order of their coming.
    #[must_use]
    pub fn requests(&self) -> Vec<Request> {
        serde_json::from_value(self.control("requests", &Value::Null)).expect("the launcher lists requests")
    }

    /// The number of calls by API.
    #[must_use]
    pub fn counts(&self) -> BTreeMap<String, usize> {
        serde_json::from_value(self.control("counts", &Value::Null)).expect("the launcher counts requests")
    }

    /// The number of calls of one API.
    #[must_use]
    pub fn calls(&self, action: &str) -> usize {
        self.counts().get(action).copied().unwrap_or(0)
    }

    /// The number of calls by what the check of signatures says of them: [`VALID`], `anonymous` or the problem. On moto since calls were
    /// last forgotten, on ministack since the start. Calls of [`Emulator::boto3`] are not among them.
    #[must_use]
    pub fn signatures(&self) -> BTreeMap<String, usize> {
        serde_json::from_value(self.control("signatures", &Value::Null)).expect("the launcher counts verdicts")
    }

    /// Begins counting anew.
    pub fn forget_requests(&self) {
        self.control("forget", &Value::Null);
    }

    /// Orders a fault. Several may stand; the first that matches a call is taken.
    pub fn order(&self, fault: Fault) {
        self.control("fault", &serde_json::to_value(fault).expect("a fault is plain data"));
    }

    /// Withdraws all faults.
    pub fn heal(&self) {
        self.control("faults", &Value::Array(Vec::new()));
    }

    /// How many calls are held.
    #[must_use]
    pub fn held(&self) -> usize {
        serde_json::from_value(self.control("held", &Value::Null)).expect("the launcher counts what it holds")
    }

    /// Lets all go that are held.
    pub fn let_go(&self) {
        self.control("let_go", &Value::Null);
    }

    /// Remembers what IAM holds now under a name. A request that names it in the header [`AS_OF`] is answered as if it were still so.
    pub fn save(&self, name: &str) {
        self.control("save", &Value::from(name));
    }

    /// Puts IAM back to what it was when that name was given.
    pub fn restore(&self, name: &str) {
        self.control("restore", &Value::from(name));
    }

    /// Empties the account, withdraws faults, forgets requests.
    pub fn reset(&self) {
        self.control("reset", &Value::Null);
    }

    /// Runs a snippet of Python with `iam`, `iam_of(account)`, `sts`, `client(service)` and `json` at hand. What it prints comes back: as
    /// JSON where it reads as such, as text otherwise. `print` turns values other than text into JSON.
    ///
    /// # Panics
    /// With Python's own words, when the snippet fails.
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

/// The verdict on a request whose signature and payload are as AWS requires.
pub const VALID: &str = "valid";

/// The header by which a request asks for the past.
pub const AS_OF: &str = "x-leasehold-as-of";

const MINISTACK: &str =
    concat!(include_str!("snippet.py"), include_str!("signatures.py"), "\n", include_str!("ministack.py"));

/// Starts a server by a program in Python, which prints the server's port as its first line. It ends when its standard input does.
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
    let stdout = server.stdout.take().expect("stdout was asked for");
    BufReader::new(stdout).read_line(&mut line).expect("the emulator says its port");
    #[derive(Deserialize)]
    struct Ready {
        port: u16,
    }
    let Ok(Ready { port }) = serde_json::from_str(&line) else {
        let _ = server.kill();
        let _ = server.wait();
        panic!("the emulator ended before it was ready; it said {line:?}");
    };
    (server, port)
}

/// The environment of a program whose AWS is at `endpoint`.
fn env_of(endpoint: &str) -> Vec<(String, String)> {
    [
        ("AWS_ENDPOINT_URL", endpoint),
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
        ("AWS_REGION", "us-east-1"),
        ("AWS_DEFAULT_REGION", "us-east-1"),
        ("AWS_CONFIG_FILE", NOWHERE),
        ("AWS_SHARED_CREDENTIALS_FILE", NOWHERE),
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

const NOWHERE: &str = if cfg!(windows) { "NUL" } else { "/dev/null" };

/// Takes away the indentation that all lines share, so that a snippet can stand indented in a test.
fn dedent(text: &str) -> String {
    let indent = |line: &str| line.len() - line.trim_start().len();
    let common = text.lines().filter(|line| !line.trim().is_empty()).map(indent).min().unwrap_or(0);
    text.lines().map(|line| line.get(common..).unwrap_or("")).collect::<Vec<_>>().join("\n")
}
