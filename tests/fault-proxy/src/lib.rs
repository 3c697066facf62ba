//! Test support: an HTTP proxy in front of an emulator of AWS IAM. It disturbs requests as a test orders, tells stale reads, and records
//! every request with what became of it.
//!
//! ```no_run
//! use leasehold_emulator::Emulator;
//! use leasehold_fault_proxy::{Fault, FaultProxy, Point};
//!
//! let aws = Emulator::ministack();
//! let proxy = FaultProxy::in_front_of(&aws);
//! proxy.order(Fault::lose("CreateUser", Point::After).times(1));
//! // ... run a program with the variables of `proxy.env()` ...
//! assert!(proxy.requests().iter().any(|request| request.action == "CreateUser" && request.committed()));
//! ```
//!
//! The proxy runs in the test's process on a thread of its own. Whatever fails here panics: it is for tests only.

// What follows is test support: a failure here is a failure of the test.
#![allow(clippy::expect_used, clippy::panic, clippy::disallowed_methods)]

mod fault;
mod past;
mod record;
mod relay;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use leasehold_emulator::Emulator;
use tokio::runtime::Runtime;

pub use fault::{Fault, Point};
pub use record::{Answer, Request};
use relay::Relay;

/// A running proxy. Dropping it ends it.
#[derive(Debug)]
pub struct FaultProxy {
    relay: Arc<Relay>,
    address: SocketAddr,
    env: Vec<(String, String)>,
    /// `None` once it ends.
    runtime: Option<Runtime>,
}

impl FaultProxy {
    /// Starts a proxy in front of an emulator, without faults.
    #[must_use]
    pub fn in_front_of(emulator: &Emulator) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime starts");
        let relay = Arc::new(Relay::to(&emulator.endpoint()));
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).expect("a loopback port is free");
        let address = listener.local_addr().expect("a listener has an address");
        runtime.spawn(relay::serve(listener, Arc::clone(&relay)));
        let own = format!("http://{address}");
        let redirect = |(name, value): (String, String)| {
            let value = if name == "AWS_ENDPOINT_URL" { own.clone() } else { value };
            (name, value)
        };
        let env = emulator.env().into_iter().map(redirect).collect();
        Self { relay, address, env, runtime: Some(runtime) }
    }

    /// Where it listens: for `AWS_ENDPOINT_URL`.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The environment for a program under test: that of the emulator, with the proxy's endpoint.
    #[must_use]
    pub fn env(&self) -> Vec<(String, String)> {
        self.env.clone()
    }

    /// Orders a fault. Several may stand; the first that meets a request is taken.
    pub fn order(&self, fault: Fault) {
        self.relay.desk().faults.push(fault);
    }

    /// From now on a read is answered as a copy would that is `lag` behind, on a clock that goes `speed` times as fast as the real one.
    pub fn lag_behind(&self, lag: Duration, speed: f64) {
        self.relay.desk().past = Some(past::Past::new(lag, speed));
    }

    /// Withdraws all faults. Reads go on lagging behind where they do.
    pub fn withdraw(&self) {
        self.relay.desk().faults.clear();
    }

    /// Withdraws all faults, and lets reads see the present.
    pub fn heal(&self) {
        let mut desk = self.relay.desk();
        desk.faults.clear();
        desk.past = None;
    }

    /// How many requests are held.
    #[must_use]
    pub fn held(&self) -> usize {
        self.relay.held()
    }

    /// Lets all go on that are held.
    pub fn let_go(&self) {
        self.relay.release(true);
    }

    /// Drops all that are held: what was held before it was sent on never is, and nobody is answered.
    pub fn drop_held(&self) {
        self.relay.release(false);
    }

    /// Waits until the emulator has answered everything that was sent on, whether or not anybody still waits for it.
    pub fn settle(&self) {
        while self.relay.desk().on_their_way > 0 {
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// All requests since the start, or since they were last forgotten, in the order of their coming.
    #[must_use]
    pub fn requests(&self) -> Vec<Request> {
        self.relay.desk().requests.clone()
    }

    /// What was carried out and changes IAM, in the order in which it took effect.
    #[must_use]
    pub fn writes(&self) -> Vec<Request> {
        let mut writes = self.requests();
        writes.retain(|request| request.writes() && request.committed());
        writes.sort_by_key(|request| request.answer.as_ref().map(|answer| answer.order));
        writes
    }

    /// Begins the record anew.
    pub fn forget(&self) {
        let mut desk = self.relay.desk();
        desk.requests.clear();
        desk.epoch = desk.epoch.wrapping_add(1);
    }
}

impl Drop for FaultProxy {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
