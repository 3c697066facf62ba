//! Handles one request: records it, applies a fault, forwards it to the emulator, and returns the response.
//!
//! In: an HTTP request. Out: the emulator's response, an error response, or a closed connection. Every request is
//! recorded, whatever happens to it. A forwarded request runs to its end even if the client disconnects, so that the
//! record says what was executed.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_LENGTH, HeaderValue, TRANSFER_ENCODING};
use hyper::http::request::Parts;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Response, Uri};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpListener;
use tokio::sync::{oneshot, watch};

use crate::fault::{FaultEffect, FaultPoint, ProxyFault};
use crate::recorded_request::{RecordedRequest, RecordedResponse, is_write_action};
use crate::stale_reads::StaleReads;

/// State shared by the test and all requests.
#[derive(Debug, Default)]
pub struct RelayState {
    pub faults: Vec<ProxyFault>,
    pub stale_reads: Option<StaleReads>,
    pub requests: Vec<RecordedRequest>,
    /// Incremented when the record is cleared. Requests of an earlier epoch no longer update the record.
    pub epoch: u64,
    /// Number of responses of the emulator so far.
    answered: usize,
    /// Number of requests forwarded and not answered yet.
    pub in_flight: usize,
    /// Resumes the request that waits to be swapped with the next one.
    swap_waiter: Option<oneshot::Sender<()>>,
}

/// The last decision about held requests. `times` makes two equal decisions differ, so that waiters notice the second.
#[derive(Debug, Clone, Copy)]
struct HoldGate {
    times: u64,
    /// Whether to continue held requests; otherwise they are dropped.
    go_on: bool,
}

/// The proxy without its socket.
#[derive(Debug)]
pub struct Relay {
    upstream: String,
    client: Client<HttpConnector, Full<Bytes>>,
    state: Mutex<RelayState>,
    gate: watch::Sender<HoldGate>,
    /// Serializes writes while the emulator's state is saved before each of them.
    writing: tokio::sync::Mutex<()>,
}

/// A received request.
struct ReceivedRequest {
    parts: Parts,
    body: Bytes,
    action: String,
    record: RecordIndex,
}

/// Position of a request in the record.
#[derive(Clone, Copy)]
struct RecordIndex {
    epoch: u64,
    index: usize,
}

/// The connection is closed without a response.
#[derive(Debug, Clone, Copy)]
pub struct ConnectionClosedError;

impl std::fmt::Display for ConnectionClosedError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("connection closed: injected by the test")
    }
}

impl std::error::Error for ConnectionClosedError {}

type ClientResponse = Result<Response<Full<Bytes>>, ConnectionClosedError>;

/// Accepts connections until the runtime shuts down.
pub async fn serve_connections(listener: TcpListener, relay: Arc<Relay>) {
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        let relay = Arc::clone(&relay);
        tokio::spawn(async move {
            let service = service_fn(|request| Arc::clone(&relay).handle_request(request));
            // Closed connections are among the faults: not an error here.
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

impl Relay {
    pub fn with_upstream(upstream: &str) -> Self {
        Self {
            upstream: upstream.to_owned(),
            client: Client::builder(TokioExecutor::new()).build_http(),
            state: Mutex::default(),
            gate: watch::Sender::new(HoldGate { times: 0, go_on: true }),
            writing: tokio::sync::Mutex::default(),
        }
    }

    pub fn lock_state(&self) -> MutexGuard<'_, RelayState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn held_count(&self) -> usize {
        self.gate.receiver_count()
    }

    pub fn release_held(&self, go_on: bool) {
        self.gate.send_modify(|gate| *gate = HoldGate { times: gate.times.wrapping_add(1), go_on });
    }

    async fn handle_request(self: Arc<Self>, request: hyper::Request<Incoming>) -> ClientResponse {
        let (parts, body) = request.into_parts();
        let body = body.collect().await.map_err(|_| ConnectionClosedError)?.to_bytes();
        let (received, fault) = self.record_request(parts, body);
        let received = Arc::new(received);
        let response = match fault {
            None => self.forward_request(&received).await,
            Some(FaultEffect::Swap(within)) => self.swap_with_next(&received, within).await,
            Some(effect) => self.apply_fault(&received, effect).await,
        };
        if let Ok(response) = &response {
            let status = response.status().as_u16();
            self.update_record(received.record, |request| request.client_status = Some(status));
        }
        response
    }

    /// Records the request and finds the first fault that affects it.
    fn record_request(&self, parts: Parts, body: Bytes) -> (ReceivedRequest, Option<FaultEffect>) {
        let mut parameters: BTreeMap<String, String> = BTreeMap::new();
        if parts.uri.path() == "/" && parts.method == Method::POST {
            parameters.extend(form_urlencoded::parse(&body).into_owned());
        }
        // Requests without `Action` are S3 requests: the method names the action, and the path is the key of the
        // object.
        let action = parameters.remove("Action").unwrap_or_else(|| format!("S3:{}", parts.method));
        if action.starts_with("S3:") {
            parameters.extend(s3_parameters(&parts));
        }
        let mut hasher = DefaultHasher::new();
        (&action, parts.uri.path(), &body).hash(&mut hasher);
        let fingerprint = hasher.finish();
        let mut state = self.lock_state();
        let fault = state
            .faults
            .iter_mut()
            .find_map(|fault| fault.matches_request(&action, fingerprint).then(|| fault.effect.clone()));
        let request = RecordedRequest {
            action: action.clone(),
            parameters,
            fault: fault.as_ref().map(FaultEffect::name),
            ..RecordedRequest::default()
        };
        let record = RecordIndex { epoch: state.epoch, index: state.requests.len() };
        state.requests.push(request);
        drop(state);
        (ReceivedRequest { parts, body, action, record }, fault)
    }

    async fn apply_fault(self: &Arc<Self>, received: &Arc<ReceivedRequest>, effect: FaultEffect) -> ClientResponse {
        match effect {
            FaultEffect::Error { point, status, code, message } => {
                if point == FaultPoint::After {
                    self.forward_request(received).await?;
                }
                Ok(error_response(&received.action, status, &code, &message))
            }
            FaultEffect::CloseConnection(FaultPoint::Before) => Err(ConnectionClosedError),
            FaultEffect::CloseConnection(FaultPoint::After) => {
                self.forward_request(received).await?;
                Err(ConnectionClosedError)
            }
            FaultEffect::Delay(FaultPoint::Before, delay) => {
                tokio::time::sleep(delay).await;
                self.forward_request(received).await
            }
            FaultEffect::Delay(FaultPoint::After, delay) => {
                let response = self.forward_request(received).await;
                tokio::time::sleep(delay).await;
                response
            }
            FaultEffect::Hold(FaultPoint::Before) => {
                self.wait_at_gate().await?;
                self.forward_request(received).await
            }
            FaultEffect::Hold(FaultPoint::After) => {
                let response = self.forward_request(received).await;
                self.wait_at_gate().await?;
                response
            }
            FaultEffect::Swap(within) => self.swap_with_next(received, within).await,
        }
    }

    /// Waits for the test's decision about held requests.
    async fn wait_at_gate(&self) -> Result<(), ConnectionClosedError> {
        let mut gate = self.gate.subscribe();
        gate.changed().await.map_err(|_| ConnectionClosedError)?;
        if gate.borrow().go_on { Ok(()) } else { Err(ConnectionClosedError) }
    }

    /// The first of two requests waits until the second has been executed.
    async fn swap_with_next(self: &Arc<Self>, received: &Arc<ReceivedRequest>, within: Duration) -> ClientResponse {
        let first = self.lock_state().swap_waiter.take();
        if let Some(first) = first {
            let response = self.forward_request(received).await;
            // The first request may have timed out and continued alone.
            let _ = first.send(());
            return response;
        }
        let (sender, second) = oneshot::channel();
        self.lock_state().swap_waiter = Some(sender);
        if tokio::time::timeout(within, second).await.is_err() {
            self.lock_state().swap_waiter = None;
        }
        self.forward_request(received).await
    }

    /// Forwards a request in its own task, which completes even if the client disconnects.
    async fn forward_request(self: &Arc<Self>, received: &Arc<ReceivedRequest>) -> ClientResponse {
        let (relay, received) = (Arc::clone(self), Arc::clone(received));
        {
            let mut state = relay.lock_state();
            state.in_flight = state.in_flight.saturating_add(1);
        }
        let sent = tokio::spawn(async move {
            let response = relay.forward_with_state(&received).await;
            let mut state = relay.lock_state();
            state.in_flight = state.in_flight.saturating_sub(1);
            drop(state);
            response
        });
        sent.await.map_err(|_| ConnectionClosedError)?
    }

    /// Forwards a request. With stale reads, a read names the saved state to answer from, and the state is saved before
    /// a write.
    async fn forward_with_state(&self, received: &ReceivedRequest) -> ClientResponse {
        let is_write = is_write_action(&received.action);
        if !is_write {
            let saved_state = self.lock_state().stale_reads.as_mut().and_then(StaleReads::visible_state);
            return self.send_upstream(received, saved_state).await;
        }
        let name = self.lock_state().stale_reads.as_mut().map(StaleReads::next_state_name);
        let Some(name) = name else { return self.send_upstream(received, None).await };
        let write_guard = self.writing.lock().await;
        self.save_state(&name).await?;
        let response = self.send_upstream(received, None).await;
        if let Some(stale_reads) = &mut self.lock_state().stale_reads {
            stale_reads.record_write(name);
        }
        drop(write_guard);
        response
    }

    /// Sends a request to the emulator, and records its response.
    async fn send_upstream(&self, received: &ReceivedRequest, saved_state: Option<String>) -> ClientResponse {
        let path = received.parts.uri.path_and_query().map_or("/", |path| path.as_str());
        let uri: Uri = format!("{}{path}", self.upstream).parse().map_err(|_| ConnectionClosedError)?;
        let mut request = hyper::Request::builder().method(received.parts.method.clone()).uri(uri);
        if let Some(headers) = request.headers_mut() {
            headers.extend(received.parts.headers.clone());
            headers.remove(TRANSFER_ENCODING);
            headers.insert(CONTENT_LENGTH, HeaderValue::from(received.body.len()));
            if let Some(name) = saved_state.and_then(|name| HeaderValue::from_str(&name).ok()) {
                headers.insert(leasehold_emulator::AS_OF, name);
            }
        }
        let request = request.body(Full::new(received.body.clone())).map_err(|_| ConnectionClosedError)?;
        let response = self.client.request(request).await.map_err(|_| ConnectionClosedError)?;
        let (mut parts, body) = response.into_parts();
        let body = body.collect().await.map_err(|_| ConnectionClosedError)?.to_bytes();
        parts.headers.remove(TRANSFER_ENCODING);
        let sequence = {
            let mut state = self.lock_state();
            state.answered = state.answered.wrapping_add(1);
            state.answered
        };
        let recorded = RecordedResponse {
            sequence,
            status: parts.status.as_u16(),
            text: String::from_utf8_lossy(&body).into_owned(),
        };
        self.update_record(received.record, |request| request.response = Some(recorded));
        Ok(Response::from_parts(parts, Full::new(body)))
    }

    /// Saves the emulator's state under a name.
    async fn save_state(&self, name: &str) -> Result<(), ConnectionClosedError> {
        let uri: Uri = format!("{}/leasehold-test/save", self.upstream).parse().map_err(|_| ConnectionClosedError)?;
        let body = Full::new(Bytes::from(format!("\"{name}\"")));
        let request =
            hyper::Request::builder().method(Method::POST).uri(uri).body(body).map_err(|_| ConnectionClosedError)?;
        let response = self.client.request(request).await.map_err(|_| ConnectionClosedError)?;
        assert!(response.status().is_success(), "the emulator cannot save its state");
        Ok(())
    }

    /// Updates a request in the record, unless the record was cleared since.
    fn update_record(&self, record: RecordIndex, update: impl FnOnce(&mut RecordedRequest)) {
        let mut state = self.lock_state();
        if state.epoch == record.epoch
            && let Some(request) = state.requests.get_mut(record.index)
        {
            update(request);
        }
    }
}

/// The parameters of an S3 request: its path as `Key`, its query, and the headers that need separate permissions.
fn s3_parameters(parts: &Parts) -> BTreeMap<String, String> {
    let query = parts.uri.query().unwrap_or_default();
    let mut parameters: BTreeMap<String, String> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    parameters.insert("Key".to_owned(), parts.uri.path().to_owned());
    for name in ["if-match", "x-amz-object-lock-mode"] {
        let value = parts.headers.get(name).and_then(|value| value.to_str().ok());
        parameters.extend(value.map(|value| (name.to_owned(), value.to_owned())));
    }
    parameters
}

/// An error response in the format of the service.
fn error_response(action: &str, status: u16, code: &str, message: &str) -> Response<Full<Bytes>> {
    let kind = if status < 500 { "Sender" } else { "Receiver" };
    let text = if action.starts_with("S3:") {
        format!("<Error><Code>{code}</Code><Message>{message}</Message></Error>")
    } else {
        format!(
            "<ErrorResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\"><Error><Type>{kind}</Type><Code>{code}</Code>\
             <Message>{message}</Message></Error><RequestId>fault-proxy</RequestId></ErrorResponse>"
        )
    };
    let mut response = Response::new(Full::new(Bytes::from(text)));
    *response.status_mut() = hyper::StatusCode::from_u16(status).unwrap_or(hyper::StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(hyper::header::CONTENT_TYPE, HeaderValue::from_static("text/xml"));
    response
}
