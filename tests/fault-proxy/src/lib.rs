//! Test support: an HTTP proxy between a program under test and an emulator of AWS IAM. It injects faults, answers
//! reads from an earlier state, and records every request with its outcome.
//!
//! ```no_run
//! use leasehold_emulator::Emulator;
//! use leasehold_fault_proxy::{FaultPoint, FaultProxy, ProxyFault};
//!
//! let aws = Emulator::ministack();
//! let proxy = FaultProxy::start_for_emulator(&aws);
//! proxy.inject_fault(ProxyFault::close_connection("CreateUser", FaultPoint::After).limit_times(1));
//! // ... run a program with the variables of `proxy.env()` ...
//! assert!(proxy.requests().iter().any(|request| request.action == "CreateUser" && request.is_committed()));
//! ```
//!
//! The proxy runs in the process of the test, on its own thread. It panics on failure, since it is for tests only.

// Test support: a failure here is a failure of the test.
#![allow(clippy::expect_used, clippy::panic, clippy::disallowed_methods)]

mod fault;
mod recorded_request;
mod relay;
mod stale_reads;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use leasehold_emulator::Emulator;
use tokio::runtime::Runtime;

pub use fault::{FaultPoint, ProxyFault};
pub use recorded_request::{RecordedRequest, RecordedResponse};
use relay::Relay;

/// A running proxy. Dropping it stops it.
#[derive(Debug)]
pub struct FaultProxy {
    relay: Arc<Relay>,
    address: SocketAddr,
    env: Vec<(String, String)>,
    /// `None` only while the proxy is dropped.
    runtime: Option<Runtime>,
}

impl FaultProxy {
    /// Starts a proxy for an emulator on a free loopback port, without faults.
    ///
    /// # Panics
    ///
    /// No thread can be started or no port is free.
    #[must_use]
    pub fn start_for_emulator(emulator: &Emulator) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime starts");
        let relay = Arc::new(Relay::with_upstream(&emulator.endpoint()));
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).expect("a loopback port is free");
        let address = listener.local_addr().expect("a listener has an address");
        runtime.spawn(relay::serve_connections(listener, Arc::clone(&relay)));
        let own = format!("http://{address}");
        let redirect = |(name, value): (String, String)| {
            let value = if name == "AWS_ENDPOINT_URL" { own.clone() } else { value };
            (name, value)
        };
        let env = emulator.env().into_iter().map(redirect).collect();
        Self { relay, address, env, runtime: Some(runtime) }
    }

    /// URL of the proxy, for `AWS_ENDPOINT_URL`.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Environment variables for a program under test: those of the emulator, with the URL of the proxy.
    #[must_use]
    pub fn env(&self) -> Vec<(String, String)> {
        self.env.clone()
    }

    /// Adds a fault. If several faults affect a request, only the one added first is applied.
    pub fn inject_fault(&self, fault: ProxyFault) {
        self.relay.lock_state().faults.push(fault);
    }

    /// Answers reads from now on as a replica would that is `lag` behind, on a clock that runs `speed` times as fast as
    /// real time.
    pub fn enable_stale_reads(&self, lag: Duration, speed: f64) {
        self.relay.lock_state().stale_reads = Some(stale_reads::StaleReads::new(lag, speed));
    }

    /// Removes all faults. Stale reads continue if enabled.
    pub fn clear_faults(&self) {
        self.relay.lock_state().faults.clear();
    }

    /// Removes all faults and disables stale reads.
    pub fn clear_disturbances(&self) {
        let mut state = self.relay.lock_state();
        state.faults.clear();
        state.stale_reads = None;
    }

    /// Returns the number of held requests.
    #[must_use]
    pub fn held_count(&self) -> usize {
        self.relay.held_count()
    }

    /// Continues all held requests.
    pub fn release_held(&self) {
        self.relay.release_held(true);
    }

    /// Drops all held requests: their connections are closed without a response, and those held before forwarding are
    /// never executed.
    pub fn drop_held(&self) {
        self.relay.release_held(false);
    }

    /// Waits until the emulator has answered all forwarded requests, including those whose client has disconnected.
    pub fn wait_until_idle(&self) {
        while self.relay.lock_state().in_flight > 0 {
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// Returns all requests since the start or the last [`clear_requests`](Self::clear_requests), in order of arrival.
    #[must_use]
    pub fn requests(&self) -> Vec<RecordedRequest> {
        self.relay.lock_state().requests.clone()
    }

    /// Returns the executed requests that write to IAM, in the order in which they took effect.
    #[must_use]
    pub fn committed_writes(&self) -> Vec<RecordedRequest> {
        let mut writes = self.requests();
        writes.retain(|request| request.is_write() && request.is_committed());
        writes.sort_by_key(|request| request.response.as_ref().map(|response| response.sequence));
        writes
    }

    /// Clears the record of requests.
    pub fn clear_requests(&self) {
        let mut state = self.relay.lock_state();
        state.requests.clear();
        state.epoch = state.epoch.wrapping_add(1);
    }
}

impl Drop for FaultProxy {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
