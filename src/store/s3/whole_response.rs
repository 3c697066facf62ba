//! Accepts a successful response of S3 only if it is whole.
//!
//! In: the response to a request. Out: the same response with its body in memory. Invariant: the body has the length that the response
//! states, and its end was checked. The body of a list ends with the closing tag of its root element, and says whether more follows. The
//! body of an object has the checksum that S3 stored with it.
//!
//! Why: a proxy may cut a body off and correct the `Content-Length`. A list that is cut off has fewer entries, so a ledger would end earlier;
//! an object without its end may read as an older or an empty one.
//!
//! ```text
//! <ListBucketResult …>…<IsTruncated>false</IsTruncated>…</ListBucketResult>   accepted
//! <ListBucketResult …>…<Contents><Key>ledger/1                                rejected
//! <ListBucketResult …>…<IsTruncated>true</IsTruncated></ListBucketResult>     rejected: no token for the next page
//! ```

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http_body_util::BodyExt as _;
use object_store::client::{HttpError, HttpErrorKind, HttpRequest, HttpResponse, HttpResponseBody};
use quick_xml::Reader;
use quick_xml::events::Event;
use reqwest::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
use sha2::{Digest as _, Sha256};

/// The header by which S3 includes the stored checksum in its response:
/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html#API_GetObject_RequestSyntax>
pub const CHECKSUM_MODE: &str = "x-amz-checksum-mode";
/// The stored checksum. Absent for objects that were written without one, and in stores that have no checksums.
const STORED_CHECKSUM: &str = "x-amz-checksum-sha256";

/// The maximum size of an object, in bytes. The largest record is the inventory: about 500 bytes for each of at most 250,000 identities.
const MAX_OBJECT_BYTES: usize = 256 << 20;
/// The maximum size of one page of a list, in bytes: 1,000 keys of at most 1,024 bytes, each byte at most 9 characters when escaped.
const MAX_PAGE_BYTES: usize = 16 << 20;

/// What a response must contain to be whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExpectedBody {
    /// A page of a list.
    ListPage,
    /// An object.
    StoredObject,
    /// Anything: the response to a write. Its status and headers say everything.
    Anything,
}

impl ExpectedBody {
    /// What the response to a request must contain.
    pub fn for_request(request: &HttpRequest) -> Self {
        let query = request.uri().query().unwrap_or_default();
        match request.method().as_str() {
            "GET" if query.split('&').any(|part| part == "list-type=2") => Self::ListPage,
            "GET" => Self::StoredObject,
            _ => Self::Anything,
        }
    }
}

/// Why a response is not whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IncompletePartError {
    /// It states neither a length nor chunks, so its end cannot be told from a lost connection.
    NoLength,
    /// It has another number of bytes than it states.
    WrongLength {
        /// The stated number.
        stated: u64,
        /// The number that arrived.
        arrived: usize,
    },
    /// It has another status than 200, such as 206 for a part of an object.
    Part(u16),
    /// The bytes do not have the checksum that the store keeps for the object.
    WrongChecksum,
    /// It is not the XML document of a list.
    NotList,
    /// It does not end with the closing tag of its root element.
    CutOff,
    /// It says that more pages follow and has no token for the next one, or the other way round.
    NoToken,
    /// It has more bytes than this.
    TooLong(usize),
}

impl fmt::Display for IncompletePartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the response is not complete: ")?;
        match self {
            Self::NoLength => f.write_str("it states no length"),
            Self::WrongLength { stated, arrived } => write!(f, "it states {stated} bytes, and {arrived} arrived"),
            Self::Part(status) => write!(f, "it has HTTP status {status} instead of 200"),
            Self::WrongChecksum => f.write_str("it does not have the checksum that the store keeps for the object"),
            Self::NotList => f.write_str("it is not the XML document of a list"),
            Self::CutOff => f.write_str("it does not end with </ListBucketResult>"),
            Self::NoToken => f.write_str("it does not say where the list continues"),
            Self::TooLong(bytes) => write!(f, "it has more than {} MiB", bytes >> 20),
        }
    }
}

impl std::error::Error for IncompletePartError {}

/// Reads a successful response to its end, and checks it.
///
/// # Errors
/// The connection is lost, or the response is not whole.
pub async fn read_whole_response(response: HttpResponse, expected: ExpectedBody) -> Result<HttpResponse, HttpError> {
    let (parts, body) = response.into_parts();
    let limit = match expected {
        ExpectedBody::Anything => return Ok(HttpResponse::from_parts(parts, body)),
        ExpectedBody::ListPage => MAX_PAGE_BYTES,
        ExpectedBody::StoredObject => MAX_OBJECT_BYTES,
    };
    let stated = parts.headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if stated.is_none() && !parts.headers.contains_key(TRANSFER_ENCODING) {
        return Err(incomplete_error(IncompletePartError::NoLength));
    }
    let bytes = read_bounded(body, limit).await?;
    if let Some(stated) = stated.filter(|stated| u64::try_from(bytes.len()).ok() != Some(*stated)) {
        return Err(incomplete_error(IncompletePartError::WrongLength { stated, arrived: bytes.len() }));
    }
    let checked = match expected {
        ExpectedBody::ListPage => check_list_page(&bytes),
        _ if parts.status.as_u16() != 200 => Err(IncompletePartError::Part(parts.status.as_u16())),
        _ => check_object(&bytes, parts.headers.get(STORED_CHECKSUM).and_then(|value| value.to_str().ok())),
    };
    checked.map_err(incomplete_error)?;
    Ok(HttpResponse::from_parts(parts, HttpResponseBody::from(bytes)))
}

async fn read_bounded(mut body: HttpResponseBody, limit: usize) -> Result<Vec<u8>, HttpError> {
    let mut bytes = Vec::new();
    while let Some(frame) = body.frame().await {
        let frame = frame?;
        bytes.extend_from_slice(frame.data_ref().map_or(&[][..], |data| data));
        if bytes.len() > limit {
            return Err(incomplete_error(IncompletePartError::TooLong(limit)));
        }
    }
    Ok(bytes)
}

fn incomplete_error(error: IncompletePartError) -> HttpError {
    HttpError::new(HttpErrorKind::Unknown, error)
}

/// Compares the bytes of an object with its stored checksum. The checksum of an object that was written in parts (`…-2`) is not one of its
/// bytes; Leasehold writes no such object.
fn check_object(bytes: &[u8], stored: Option<&str>) -> Result<(), IncompletePartError> {
    match stored {
        Some(stored) if !stored.contains('-') && STANDARD.encode(Sha256::digest(bytes)) != stored => {
            Err(IncompletePartError::WrongChecksum)
        }
        _ => Ok(()),
    }
}

/// Checks the end of a page, and that it says whether more pages follow.
fn check_list_page(bytes: &[u8]) -> Result<(), IncompletePartError> {
    let text = std::str::from_utf8(bytes).map_err(|_| IncompletePartError::NotList)?;
    let mut reader = Reader::from_str(text);
    let mut path: Vec<String> = Vec::new();
    let (mut ended, mut truncated, mut token) = (false, String::new(), String::new());
    loop {
        match reader.read_event() {
            Ok(Event::Start(start)) => {
                path.push(String::from_utf8_lossy(start.local_name().as_ref()).into_owned());
                if ended || path.first().is_some_and(|root| root != "ListBucketResult") {
                    return Err(IncompletePartError::NotList);
                }
            }
            Ok(Event::End(_)) => {
                path.pop();
                ended = path.is_empty();
            }
            Ok(Event::Text(found)) => {
                let found = found.decode().map_err(|_| IncompletePartError::NotList)?;
                match path.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
                    [_, "IsTruncated"] => truncated.push_str(found.trim()),
                    [_, "NextContinuationToken"] => token.push_str(found.trim()),
                    _ => {}
                }
            }
            Ok(Event::Eof) if ended => break,
            Ok(Event::Eof) if path.is_empty() => return Err(IncompletePartError::NotList),
            Ok(Event::Eof) | Err(_) => return Err(IncompletePartError::CutOff),
            Ok(_) => {}
        }
    }
    match (truncated.as_str(), token.is_empty()) {
        ("true", false) | ("false", true) => Ok(()),
        _ => Err(IncompletePartError::NoToken),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">\
                        <Name>records</Name><KeyCount>1</KeyCount><IsTruncated>false</IsTruncated>\
                        <Contents><Key>ledger/1.json</Key><Size>12</Size></Contents></ListBucketResult>";

    #[test]
    fn every_cut_of_a_list_is_rejected() {
        assert_eq!(check_list_page(PAGE.as_bytes()), Ok(()));
        assert_eq!(check_list_page(format!("{PAGE}\r\n").as_bytes()), Ok(()));
        for end in 0..PAGE.len() {
            assert!(check_list_page(&PAGE.as_bytes()[..end]).is_err(), "{}", &PAGE[..end]);
        }
    }

    #[test]
    fn a_list_that_does_not_say_how_it_continues_is_rejected() {
        let token = "<NextContinuationToken>t</NextContinuationToken>";
        for (from, to, is_whole) in [
            ("<IsTruncated>false</IsTruncated>", "", false),
            ("<IsTruncated>false", "<IsTruncated>true", false),
            ("<IsTruncated>false", "<IsTruncated>maybe", false),
            ("<KeyCount>", &format!("{token}<KeyCount>"), false),
            ("<IsTruncated>false", &format!("{token}<IsTruncated>true"), true),
            ("ListBucketResult", "html", false),
            ("</ListBucketResult>", "</ListBucketResult><x/>", true),
            ("</ListBucketResult>", "</ListBucketResult><ListBucketResult>", false),
        ] {
            let page = PAGE.replace(from, to);
            assert_eq!(check_list_page(page.as_bytes()).is_ok(), is_whole, "{page}");
        }
        assert_eq!(check_list_page(b"{}"), Err(IncompletePartError::NotList));
        assert_eq!(check_list_page(b"\xff"), Err(IncompletePartError::NotList));
    }

    async fn read(status: u16, headers: &[(&str, &str)], body: &[u8]) -> Result<(), String> {
        let mut response = HttpResponse::new(HttpResponseBody::from(body.to_vec()));
        *response.status_mut() = status.try_into().unwrap();
        for (name, value) in headers {
            response
                .headers_mut()
                .insert(reqwest::header::HeaderName::try_from(*name).unwrap(), value.parse().unwrap());
        }
        let read = read_whole_response(response, ExpectedBody::StoredObject).await;
        read.map(|_| ()).map_err(|error| error.to_string())
    }

    #[tokio::test]
    async fn object_has_the_stated_length_and_the_stored_checksum() {
        let entry = b"{\"entry\": 1}";
        let length = ("content-length", "12");
        let sum = STANDARD.encode(Sha256::digest(entry));
        assert_eq!(read(200, &[length], entry).await, Ok(()));
        assert_eq!(read(200, &[length, (STORED_CHECKSUM, &sum)], entry).await, Ok(()));
        assert_eq!(read(200, &[length, (STORED_CHECKSUM, "xy-2")], entry).await, Ok(()));
        assert_eq!(read(200, &[("transfer-encoding", "chunked")], entry).await, Ok(()));
        for end in 0..entry.len() {
            let cut = &entry[..end];
            let fitting = end.to_string();
            assert!(read(200, &[length], cut).await.is_err(), "{end} bytes");
            assert!(
                read(200, &[("content-length", &fitting), (STORED_CHECKSUM, &sum)], cut).await.is_err(),
                "{end} bytes"
            );
        }
        assert!(read(200, &[], entry).await.unwrap_err().contains("states no length"));
        assert!(read(206, &[length], entry).await.unwrap_err().contains("206"));
    }
}
