//! The way of one request: recorded, met by a fault or not, sent on, told.

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

use crate::fault::{Fault, How, Point};
use crate::past::Past;
use crate::record::{Answer, Request, writes};

/// What tests and requests share.
#[derive(Debug, Default)]
pub struct Desk {
    pub faults: Vec<Fault>,
    pub past: Option<Past>,
    pub requests: Vec<Request>,
    /// Rises when the record begins anew: what belongs to an older one is not written down any more.
    pub epoch: u64,
    answered: usize,
    /// How many were sent on and not answered yet.
    pub on_their_way: usize,
    /// Who waits to be swapped.
    first: Option<oneshot::Sender<()>>,
}

/// Whether what is held goes on, or is dropped; and how often that was decided.
#[derive(Debug, Clone, Copy)]
struct Gate {
    times: u64,
    go_on: bool,
}

/// The proxy without its socket.
#[derive(Debug)]
pub struct Relay {
    upstream: String,
    client: Client<HttpConnector, Full<Bytes>>,
    desk: Mutex<Desk>,
    gate: watch::Sender<Gate>,
    /// One write at a time while states are saved before each.
    writing: tokio::sync::Mutex<()>,
}

/// A request as it came.
struct Call {
    parts: Parts,
    body: Bytes,
    action: String,
    entry: Entry,
}

/// Its place in the record.
#[derive(Clone, Copy)]
struct Entry {
    epoch: u64,
    index: usize,
}

/// Nobody is answered: the connection is closed.
#[derive(Debug, Clone, Copy)]
pub struct HungUp;

impl std::fmt::Display for HungUp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ordered by the test")
    }
}

impl std::error::Error for HungUp {}

type Told = Result<Response<Full<Bytes>>, HungUp>;

/// Serves until the runtime ends.
pub async fn serve(listener: TcpListener, relay: Arc<Relay>) {
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        let relay = Arc::clone(&relay);
        tokio::spawn(async move {
            let service = service_fn(|request| Arc::clone(&relay).handle(request));
            // A connection that breaks is what tests are about.
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

impl Relay {
    pub fn to(upstream: &str) -> Self {
        Self {
            upstream: upstream.to_owned(),
            client: Client::builder(TokioExecutor::new()).build_http(),
            desk: Mutex::default(),
            gate: watch::Sender::new(Gate { times: 0, go_on: true }),
            writing: tokio::sync::Mutex::default(),
        }
    }

    pub fn desk(&self) -> MutexGuard<'_, Desk> {
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn held(&self) -> usize {
        self.gate.receiver_count()
    }

    pub fn release(&self, go_on: bool) {
        self.gate.send_modify(|gate| *gate = Gate { times: gate.times.wrapping_add(1), go_on });
    }

    async fn handle(self: Arc<Self>, request: hyper::Request<Incoming>) -> Told {
        let (parts, body) = request.into_parts();
        let body = body.collect().await.map_err(|_| HungUp)?.to_bytes();
        let (call, fault) = self.receive(parts, body);
        let call = Arc::new(call);
        let told = match fault {
            None => self.send_on(&call).await,
            Some(How::Swap(within)) => self.swap(&call, within).await,
            Some(how) => self.disturb(&call, how).await,
        };
        if let Ok(response) = &told {
            let status = response.status().as_u16();
            self.note(call.entry, |request| request.told = Some(status));
        }
        told
    }

    /// Writes the request down and finds what meets it.
    fn receive(&self, parts: Parts, body: Bytes) -> (Call, Option<How>) {
        let mut parameters: BTreeMap<String, String> = BTreeMap::new();
        if parts.uri.path() == "/" && parts.method == Method::POST {
            parameters.extend(form_urlencoded::parse(&body).into_owned());
        }
        // What is no call of a query API is one of S3: its method is its name, and the object's key what it is about.
        let action = parameters.remove("Action").unwrap_or_else(|| format!("S3:{}", parts.method));
        if action.starts_with("S3:") {
            parameters.extend(s3_parameters(&parts));
        }
        let mut hasher = DefaultHasher::new();
        (&action, parts.uri.path(), &body).hash(&mut hasher);
        let fingerprint = hasher.finish();
        let mut desk = self.desk();
        let fault =
            desk.faults.iter_mut().find_map(|fault| fault.meets(&action, fingerprint).then(|| fault.how.clone()));
        let request =
            Request { action: action.clone(), parameters, fault: fault.as_ref().map(How::name), ..Request::default() };
        let entry = Entry { epoch: desk.epoch, index: desk.requests.len() };
        desk.requests.push(request);
        drop(desk);
        (Call { parts, body, action, entry }, fault)
    }

    async fn disturb(self: &Arc<Self>, call: &Arc<Call>, how: How) -> Told {
        match how {
            How::Error { point, status, code, message } => {
                if point == Point::After {
                    self.send_on(call).await?;
                }
                Ok(error(&call.action, status, &code, &message))
            }
            How::Lose(Point::Before) => Err(HungUp),
            How::Lose(Point::After) => {
                self.send_on(call).await?;
                Err(HungUp)
            }
            How::Stall(Point::Before, how_long) => {
                tokio::time::sleep(how_long).await;
                self.send_on(call).await
            }
            How::Stall(Point::After, how_long) => {
                let told = self.send_on(call).await;
                tokio::time::sleep(how_long).await;
                told
            }
            How::Hold(Point::Before) => {
                self.hold().await?;
                self.send_on(call).await
            }
            How::Hold(Point::After) => {
                let told = self.send_on(call).await;
                self.hold().await?;
                told
            }
            How::Swap(within) => self.swap(call, within).await,
        }
    }

    async fn hold(&self) -> Result<(), HungUp> {
        let mut gate = self.gate.subscribe();
        gate.changed().await.map_err(|_| HungUp)?;
        if gate.borrow().go_on { Ok(()) } else { Err(HungUp) }
    }

    /// The first of two waits until the second was carried out.
    async fn swap(self: &Arc<Self>, call: &Arc<Call>, within: Duration) -> Told {
        let first = self.desk().first.take();
        if let Some(first) = first {
            let told = self.send_on(call).await;
            // It may have gone on alone meanwhile.
            let _ = first.send(());
            return told;
        }
        let (sender, second) = oneshot::channel();
        self.desk().first = Some(sender);
        if tokio::time::timeout(within, second).await.is_err() {
            self.desk().first = None;
        }
        self.send_on(call).await
    }

    /// Sends a request on, to its end whether or not somebody still waits for it.
    async fn send_on(self: &Arc<Self>, call: &Arc<Call>) -> Told {
        let (relay, call) = (Arc::clone(self), Arc::clone(call));
        {
            let mut desk = relay.desk();
            desk.on_their_way = desk.on_their_way.saturating_add(1);
        }
        let sent = tokio::spawn(async move {
            let told = relay.carry_out(&call).await;
            let mut desk = relay.desk();
            desk.on_their_way = desk.on_their_way.saturating_sub(1);
            drop(desk);
            told
        });
        sent.await.map_err(|_| HungUp)?
    }

    /// Lets the emulator answer, from the past where that is ordered.
    async fn carry_out(&self, call: &Call) -> Told {
        let is_write = writes(&call.action);
        if !is_write {
            let past = self.desk().past.as_mut().and_then(Past::seen);
            return self.ask(call, past).await;
        }
        let name = self.desk().past.as_mut().map(Past::next_name);
        let Some(name) = name else { return self.ask(call, None).await };
        let one_at_a_time = self.writing.lock().await;
        self.save(&name).await?;
        let told = self.ask(call, None).await;
        if let Some(past) = &mut self.desk().past {
            past.wrote(name);
        }
        drop(one_at_a_time);
        told
    }

    async fn ask(&self, call: &Call, past: Option<String>) -> Told {
        let path = call.parts.uri.path_and_query().map_or("/", |path| path.as_str());
        let uri: Uri = format!("{}{path}", self.upstream).parse().map_err(|_| HungUp)?;
        let mut request = hyper::Request::builder().method(call.parts.method.clone()).uri(uri);
        if let Some(headers) = request.headers_mut() {
            headers.extend(call.parts.headers.clone());
            headers.remove(TRANSFER_ENCODING);
            headers.insert(CONTENT_LENGTH, HeaderValue::from(call.body.len()));
            if let Some(past) = past.and_then(|past| HeaderValue::from_str(&past).ok()) {
                headers.insert(leasehold_emulator::AS_OF, past);
            }
        }
        let request = request.body(Full::new(call.body.clone())).map_err(|_| HungUp)?;
        let answer = self.client.request(request).await.map_err(|_| HungUp)?;
        let (mut parts, body) = answer.into_parts();
        let body = body.collect().await.map_err(|_| HungUp)?.to_bytes();
        parts.headers.remove(TRANSFER_ENCODING);
        let order = {
            let mut desk = self.desk();
            desk.answered = desk.answered.wrapping_add(1);
            desk.answered
        };
        let answer = Answer { order, status: parts.status.as_u16(), text: String::from_utf8_lossy(&body).into_owned() };
        self.note(call.entry, |request| request.answer = Some(answer));
        Ok(Response::from_parts(parts, Full::new(body)))
    }

    async fn save(&self, name: &str) -> Result<(), HungUp> {
        let uri: Uri = format!("{}/leasehold-test/save", self.upstream).parse().map_err(|_| HungUp)?;
        let body = Full::new(Bytes::from(format!("\"{name}\"")));
        let request = hyper::Request::builder().method(Method::POST).uri(uri).body(body).map_err(|_| HungUp)?;
        let answer = self.client.request(request).await.map_err(|_| HungUp)?;
        assert!(answer.status().is_success(), "the emulator cannot save its state");
        Ok(())
    }

    fn note(&self, entry: Entry, what: impl FnOnce(&mut Request)) {
        let mut desk = self.desk();
        if desk.epoch == entry.epoch
            && let Some(request) = desk.requests.get_mut(entry.index)
        {
            what(request);
        }
    }
}

/// What a request to S3 is about: its path as `Key`, its query, and the headers that need rights of their own.
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

/// An error in the form of the service that the call is for.
fn error(action: &str, status: u16, code: &str, message: &str) -> Response<Full<Bytes>> {
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
