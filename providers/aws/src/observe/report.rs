//! The credential report: which users have a key or a password, for all users at once. The report may be up to four hours old.

use std::collections::HashMap;

use jiff::Timestamp;

use super::AccountReader;
use crate::failure::CallError;
use crate::retry::{RetryClass, pause_between_polls};

const GENERATE: &str = "iam:GenerateCredentialReport";
const GET: &str = "iam:GetCredentialReport";

/// What the report says about one user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportRow {
    /// Whether the user has a password, or an access key of any status.
    pub has_credential: bool,
    /// Whether the user has a signing certificate of any status.
    pub has_certificate: bool,
    /// Whether the user has an MFA device.
    pub has_device: bool,
    /// The latest use of the password or an access key. `None` if no use is recorded.
    pub last_used: Option<Timestamp>,
}

impl AccountReader<'_> {
    /// Requests a new report if the existing one is old, and reads it.
    ///
    /// # Errors
    /// A call fails, the report is not ready after some minutes, or the report cannot be parsed.
    pub async fn read_credential_report(&self) -> Result<HashMap<String, ReportRow>, CallError> {
        let iam = &self.provider.clients.iam;
        let caller = &self.provider.caller;
        let mut ready = false;
        for attempt in 0..60 {
            let send = || iam.generate_credential_report().send();
            let answer = caller.call_with_retries(&self.calls, GENERATE, RetryClass::Idempotent, send).await?;
            if answer.state == Some(aws_sdk_iam::types::ReportStateType::Complete) {
                ready = true;
                break;
            }
            pause_between_polls(attempt).await;
        }
        if !ready {
            return Err(CallError::from_malformed_answer(
                GENERATE,
                "the credential report was not ready after several minutes",
            ));
        }
        let send = || iam.get_credential_report().send();
        let answer = caller.call_with_retries(&self.calls, GET, RetryClass::Idempotent, send).await?;
        let content = answer.content.map(aws_smithy_types::Blob::into_inner).unwrap_or_default();
        let text = String::from_utf8(content)
            .map_err(|_| CallError::from_malformed_answer(GET, "the credential report is not UTF-8"))?;
        parse_report(&text).map_err(|problem| CallError::from_malformed_answer(GET, problem))
    }
}

/// The columns that the report must have.
const NEEDED: [&str; 7] = [
    "user",
    "password_enabled",
    "mfa_active",
    "access_key_1_active",
    "access_key_2_active",
    "cert_1_active",
    "cert_2_active",
];

/// Parses the report's CSV by column names.
fn parse_report(text: &str) -> Result<HashMap<String, ReportRow>, String> {
    let mut lines = text.lines().filter(|line| !line.is_empty());
    let header = split_csv_line(lines.next().ok_or("the credential report is empty")?);
    for needed in NEEDED {
        if !header.iter().any(|name| name == needed) {
            return Err(format!("the credential report has no column {needed}"));
        }
    }
    let mut rows = HashMap::new();
    for line in lines {
        let values = split_csv_line(line);
        if values.len() != header.len() {
            return Err(format!(
                "a line of the credential report has {} columns instead of {}",
                values.len(),
                header.len()
            ));
        }
        let get = |name: &str| header.iter().position(|h| h == name).and_then(|at| values.get(at)).map(String::as_str);
        let reported = |name: &str| {
            get(name).is_some_and(|value| !["", "N/A", "no_information", "not_supported"].contains(&value))
        };
        let on = |name: &str| get(name) == Some("true");
        // A disabled key is not active but still has a rotation date.
        let has_credential = on("password_enabled")
            || on("access_key_1_active")
            || on("access_key_2_active")
            || reported("access_key_1_last_rotated")
            || reported("access_key_2_last_rotated");
        let has_certificate = ["cert_1", "cert_2"]
            .iter()
            .any(|one| on(&format!("{one}_active")) || reported(&format!("{one}_last_rotated")));
        let used = ["password_last_used", "access_key_1_last_used_date", "access_key_2_last_used_date"];
        let last_used = used.iter().filter_map(|name| get(name)?.parse::<Timestamp>().ok()).max();
        let user = get("user").unwrap_or_default().to_owned();
        let row = ReportRow { has_credential, has_certificate, has_device: on("mfa_active"), last_used };
        rows.insert(user, row);
    }
    Ok(rows)
}

/// Splits one line of CSV into fields: separated by commas, optionally in quotes, with a doubled quote as an escaped quote.
fn split_csv_line(line: &str) -> Vec<String> {
    let mut fields = Vec::new();
    let mut field = String::new();
    let mut quoted = false;
    let mut characters = line.chars().peekable();
    while let Some(c) = characters.next() {
        match c {
            '"' if quoted && characters.peek() == Some(&'"') => {
                characters.next();
                field.push('"');
            }
            '"' => quoted = !quoted,
            ',' if !quoted => fields.push(std::mem::take(&mut field)),
            _ => field.push(c),
        }
    }
    fields.push(field);
    fields
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = "user,password_enabled,password_last_used,access_key_1_active,access_key_1_last_rotated,\
                          access_key_1_last_used_date,access_key_2_active,mfa_active,cert_1_active,cert_1_last_rotated,\
                          cert_2_active";

    fn row(row: &str) -> ReportRow {
        parse_report(&format!("{HEADER}\n{row}\n")).unwrap()["x"].clone()
    }

    fn holds(first: &str) -> bool {
        row(&format!("{first},false,false,N/A,false")).has_credential
    }

    #[test]
    fn report_lists_users_with_credentials() {
        assert!(!holds("x,false,N/A,false,N/A,N/A,false"));
        assert!(!holds("\"x\",not_supported,no_information,false,N/A,N/A,false"));
        assert!(holds("x,true,no_information,false,N/A,N/A,false"));
        assert!(holds("x,false,N/A,true,2026-01-01T00:00:00+00:00,N/A,false"));
        assert!(holds("x,false,N/A,false,2026-01-01T00:00:00+00:00,N/A,false"), "a disabled credential still exists");
    }

    #[test]
    fn report_lists_certificates_and_mfa_devices() {
        let certificate = |rest: &str| row(&format!("x,false,N/A,false,N/A,N/A,false,{rest}")).has_certificate;
        assert!(!certificate("false,false,N/A,false"));
        assert!(certificate("false,true,2026-01-01T00:00:00+00:00,false"));
        assert!(certificate("false,false,2026-01-01T00:00:00+00:00,false"), "a disabled credential still exists");
        assert!(certificate("false,false,N/A,true"));
        assert!(row("x,true,N/A,false,N/A,N/A,false,true,false,N/A,false").has_device);
        assert!(!row("x,false,N/A,false,N/A,N/A,false,false,false,N/A,false").has_device);
    }

    #[test]
    fn the_latest_use_counts() {
        let used = row(
            "x,true,2026-03-01T00:00:00+00:00,true,2026-01-01T00:00:00Z,2026-02-01T00:00:00+00:00,false,false,false,N/A,false",
        );
        assert_eq!(used.last_used, Some("2026-03-01T00:00:00Z".parse().unwrap()));
    }

    #[test]
    fn a_report_that_does_not_read_is_an_error() {
        for broken in ["", "user,password_enabled\nx,true", &format!("{HEADER}\nx,true")] {
            assert!(parse_report(broken).is_err(), "{broken}");
        }
    }
}
