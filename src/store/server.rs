//! Reads the server's clock, which `object_store` does not expose.
//!
//! In: the HTTP responses of the store. Out: the difference between the two clocks, as a [`ServerClock`].

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
#[cfg(any(feature = "azure", feature = "gcs"))]
use object_store::client::{ClientOptions, HttpConnector, ReqwestConnector};
use object_store::client::{HttpClient, HttpError, HttpRequest, HttpResponse, HttpService};

/// The stored value before the first measurement.
const UNKNOWN: i64 = i64::MIN;

/// How far this machine's clock is ahead of the server's, from the `Date` header of its responses.
#[derive(Debug, Clone)]
pub struct ServerClock(Arc<AtomicI64>);

impl Default for ServerClock {
    fn default() -> Self {
        Self(Arc::new(AtomicI64::new(UNKNOWN)))
    }
}

impl ServerClock {
    /// The difference in whole seconds, negative if this machine is behind. `None` until a response with a `Date` header has come.
    pub fn measured_skew(&self) -> Option<SignedDuration> {
        match self.0.load(Ordering::Relaxed) {
            UNKNOWN => None,
            seconds => Some(SignedDuration::from_secs(seconds)),
        }
    }

    /// The same HTTP client, which sets this clock from each response.
    pub fn read_from_client(&self, client: HttpClient) -> HttpClient {
        HttpClient::new(DatedClient { client, clock: self.clone() })
    }

    fn read_date(&self, answer: &HttpResponse) {
        let date = answer.headers().get("date").and_then(|value| value.to_str().ok());
        let date = date.and_then(|text| jiff::fmt::rfc2822::parse(text).ok()).map(|date| date.timestamp());
        if let Some(date) = date {
            let ahead = Timestamp::now().duration_since(date).as_secs();
            self.0.store(ahead, Ordering::Relaxed);
        }
    }
}

/// Creates HTTP clients that read the server's clock from each response.
#[cfg(any(feature = "azure", feature = "gcs"))]
#[derive(Debug, Default)]
pub struct DatedConnector {
    /// Where the measurement is stored.
    clock: ServerClock,
}

#[cfg(any(feature = "azure", feature = "gcs"))]
impl HttpConnector for DatedConnector {
    fn connect(&self, options: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(self.clock.read_from_client(ReqwestConnector::default().connect(options)?))
    }
}

#[derive(Debug)]
struct DatedClient {
    client: HttpClient,
    clock: ServerClock,
}

#[async_trait]
impl HttpService for DatedClient {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let answer = self.client.execute(request).await?;
        self.clock.read_date(&answer);
        Ok(answer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_of_an_answer_is_read() {
        let clock = ServerClock::default();
        assert_eq!(clock.measured_skew(), None);
        let http = |date: &str| {
            let mut answer = HttpResponse::new(object_store::client::HttpResponseBody::from(Vec::new()));
            answer.headers_mut().insert("date", date.parse().unwrap());
            answer
        };
        let two_hours_ago = Timestamp::now().checked_sub(SignedDuration::from_hours(2)).unwrap();
        let date = two_hours_ago.to_zoned(jiff::tz::TimeZone::UTC).strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
        clock.read_date(&http(&date));
        let skew = clock.measured_skew().unwrap().as_secs();
        assert!((7199..=7202).contains(&skew), "{skew}");
        clock.read_date(&http("yesterday"));
        assert!(clock.measured_skew().unwrap().as_secs() > 7000, "what does not read says nothing");
    }
}
