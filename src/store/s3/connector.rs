//! Creates the HTTP clients for a bucket: they sign each request, and read the server's clock from each response.

use std::sync::Arc;

use object_store::client::{ClientOptions, HttpClient, HttpConnector};

use super::credentials::S3Credentials;
use super::requests::{RequestSettings, SigningClient};
use crate::store::server::ServerClock;

/// How requests to S3 are sent and signed.
#[derive(Debug)]
pub struct S3Connector {
    /// The HTTP client.
    pub client: reqwest::Client,
    /// Set from the responses.
    pub clock: ServerClock,
    /// The credentials for the signature.
    pub credentials: Arc<S3Credentials>,
    /// The headers to add before signing, and the region to sign for.
    pub settings: RequestSettings,
}

impl HttpConnector for S3Connector {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(HttpClient::new(SigningClient {
            client: self.clock.read_from_client(HttpClient::new(self.client.clone())),
            credentials: Arc::clone(&self.credentials),
            settings: self.settings.clone(),
        }))
    }
}
