//! Parses an error response of S3.
//!
//! In: an HTTP response whose status is not a success. Out: a [`S3Refusal`] with S3's code and message, and the region of the bucket if S3
//! names it: <https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html>

use http_body_util::BodyExt as _;
use object_store::client::HttpResponse;
use quick_xml::Reader;
use quick_xml::events::Event;

/// The header with the region of the bucket, on redirects and on responses that refuse a signature for another region.
const BUCKET_REGION: &str = "x-amz-bucket-region";

/// The number of bytes after which reading stops. An error body has a few hundred bytes; a proxy's error page may have more.
const LARGEST_BODY: usize = 64 * 1024;

/// An error response of S3.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct S3Refusal {
    /// The HTTP status.
    pub status: u16,
    /// S3's code, such as `AccessDenied`. Empty if the response has none, because it has no body or is from a proxy.
    pub code: String,
    /// S3's message. Empty if the response has none.
    pub message: String,
    /// The region of the bucket. `None` if S3 does not name it.
    pub bucket_region: Option<String>,
}

impl std::fmt::Display for S3Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.code.as_str(), self.message.as_str()) {
            ("", _) => write!(f, "HTTP status {}", self.status),
            (code, "") => write!(f, "{code} (HTTP status {})", self.status),
            (code, message) => write!(f, "{code}: {message}"),
        }
    }
}

impl std::error::Error for S3Refusal {}

impl S3Refusal {
    /// Reads and parses an error response.
    pub async fn read_response(response: HttpResponse) -> Self {
        let status = response.status().as_u16();
        let region = response.headers().get(BUCKET_REGION).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let mut bytes = Vec::new();
        let mut body = response.into_body();
        // If the body breaks off, the status remains, which is enough to classify the error.
        while let Some(Ok(frame)) = body.frame().await {
            bytes.extend_from_slice(frame.data_ref().map_or(&[][..], |data| data));
            if bytes.len() > LARGEST_BODY {
                break;
            }
        }
        let read = Self::parse_xml(&String::from_utf8_lossy(&bytes));
        Self { status, bucket_region: region.or(read.bucket_region), ..read }
    }

    /// The parts of an `<Error>` element: its direct children `Code`, `Message` and `Region`.
    fn parse_xml(text: &str) -> Self {
        let mut refusal = Self::default();
        let mut reader = Reader::from_str(text);
        let mut path: Vec<String> = Vec::new();
        loop {
            match reader.read_event() {
                Ok(Event::Start(element)) => {
                    path.push(String::from_utf8_lossy(element.local_name().as_ref()).into_owned());
                }
                Ok(Event::End(_)) => {
                    path.pop();
                }
                Ok(Event::Text(piece)) => refusal.add_element(&path, &piece.decode().unwrap_or_default()),
                Ok(Event::GeneralRef(entity)) => {
                    let name = entity.decode().unwrap_or_default();
                    refusal.add_element(&path, quick_xml::escape::resolve_predefined_entity(&name).unwrap_or("?"));
                }
                Ok(Event::Eof) | Err(_) => return refusal,
                Ok(_) => {}
            }
        }
    }

    fn add_element(&mut self, path: &[String], text: &str) {
        match path {
            [.., parent, child] if parent == "Error" => match child.as_str() {
                "Code" => self.code.push_str(text),
                "Message" => self.message.push_str(text),
                "Region" => self.bucket_region.get_or_insert_default().push_str(text),
                _ => {}
            },
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use object_store::client::HttpResponseBody;

    use super::*;

    async fn read(status: u16, region: Option<&str>, body: &str) -> S3Refusal {
        let mut response = HttpResponse::new(HttpResponseBody::from(body.as_bytes().to_vec()));
        *response.status_mut() = status.try_into().unwrap();
        if let Some(region) = region {
            response.headers_mut().insert(BUCKET_REGION, region.parse().unwrap());
        }
        S3Refusal::read_response(response).await
    }

    #[tokio::test]
    async fn code_message_and_region_are_read() {
        let body = r#"<?xml version="1.0"?><Error><Code>AuthorizationHeaderMalformed</Code>
            <Message>the region &apos;us-east-1&apos; is wrong; expecting &lt;eu-west-1&gt;</Message><Region>eu-west-1</Region></Error>"#;
        let refusal = read(400, None, body).await;
        assert_eq!(refusal.bucket_region.as_deref(), Some("eu-west-1"));
        assert_eq!(
            refusal.to_string(),
            "AuthorizationHeaderMalformed: the region 'us-east-1' is wrong; expecting <eu-west-1>"
        );
        assert_eq!(read(301, Some("eu-central-1"), "").await.bucket_region.as_deref(), Some("eu-central-1"));
    }

    #[tokio::test]
    async fn what_is_no_error_document_leaves_the_status() {
        for body in ["", "<html><body>Bad gateway</body></html>", "<Error><Code", "{\"Code\": \"AccessDenied\"}"] {
            assert_eq!(read(502, None, body).await.to_string(), "HTTP status 502", "{body}");
        }
        assert_eq!(read(503, None, &"x".repeat(10 * LARGEST_BODY)).await.status, 503);
    }
}
