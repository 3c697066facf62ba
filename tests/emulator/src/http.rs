//! One request to the launcher. It uses HTTP/1.0, so that the response ends with the connection.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, TcpStream};

/// The status and body of the response to a POST.
pub fn post(port: u16, path: &str, body: &str) -> io::Result<(u16, String)> {
    let length = body.len();
    let head = format!(
        "POST {path} HTTP/1.0\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: {length}"
    );
    exchange(port, &format!("{head}\r\n\r\n{body}"))
}

/// The status and body of the response to a GET.
pub fn get(port: u16, path: &str) -> io::Result<(u16, String)> {
    exchange(port, &format!("GET {path} HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n"))
}

fn exchange(port: u16, request: &str) -> io::Result<(u16, String)> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    stream.write_all(request.as_bytes())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let malformed = || io::Error::new(io::ErrorKind::InvalidData, format!("not an HTTP response: {answer:?}"));
    let (head, body) = answer.split_once("\r\n\r\n").ok_or_else(malformed)?;
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).ok_or_else(malformed)?;
    Ok((status, body.to_owned()))
}
