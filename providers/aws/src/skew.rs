//! Measures how far this machine's clock differs from the service's, using the date header of an answer.

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use jiff::{SignedDuration, Timestamp};

/// How far this machine's clock is ahead of the service's; negative if it is behind. `None` if the answer has no readable date.
pub fn measure_skew(response: &HttpResponse, now: Timestamp) -> Option<SignedDuration> {
    let date = response.headers().get("date")?;
    let server = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(date).ok()?;
    Some(now.duration_since(server))
}

/// Describes what is wrong with the clock, as part of a message.
pub fn describe_skew(ahead: Option<SignedDuration>) -> String {
    let Some(ahead) = ahead else {
        return "this machine's clock and AWS's differ by more than five minutes".to_owned();
    };
    let minutes = ahead.as_secs().unsigned_abs().div_ceil(60);
    let by = match minutes {
        0..=4 => {
            return "AWS rejects the time of the request although the clocks agree: the request was delayed in transit"
                .to_owned();
        }
        5..=119 => format!("{minutes} minutes"),
        _ => format!("{} hours", minutes / 60),
    };
    format!("this machine's clock is {by} {} AWS's", if ahead.is_positive() { "ahead of" } else { "behind" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn skew_message_states_the_difference() {
        let after = |seconds| describe_skew(Some(SignedDuration::from_secs(seconds)));
        assert_eq!(after(-780), "this machine's clock is 13 minutes behind AWS's");
        assert_eq!(after(7200), "this machine's clock is 2 hours ahead of AWS's");
        assert!(after(20).contains("delayed in transit"));
        assert!(describe_skew(None).contains("more than five minutes"));
    }

    #[test]
    fn invalid_date_header_gives_no_skew() {
        let mut response = HttpResponse::new(400.try_into().unwrap(), aws_smithy_types::body::SdkBody::empty());
        let now: Timestamp = "2026-11-21T08:00:00Z".parse().unwrap();
        assert_eq!(measure_skew(&response, now), None);
        response.headers_mut().insert("date", "Sat, 21 Nov 2026 07:00:00 GMT");
        assert_eq!(measure_skew(&response, now), Some(SignedDuration::from_hours(1)));
        response.headers_mut().insert("date", "soon");
        assert_eq!(measure_skew(&response, now), None);
    }
}
