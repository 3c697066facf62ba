//! Cases as JUnit XML, which most CI systems display as tests.

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesEnd, BytesStart, BytesText, Event};

use super::{AlertCase, AlertLevel};
use crate::views::inert::escape_steering;

/// One test suite with a test for each case. A test fails if its case has a warning or an error.
#[must_use]
pub fn render_alerts_junit(suite: &str, cases: &[AlertCase]) -> String {
    let mut xml = Writer::new_with_indent(Vec::new(), b' ', 2);
    // Writing to memory cannot fail.
    let _ = write_suite(&mut xml, suite, cases);
    let mut text = String::from_utf8_lossy(&xml.into_inner()).into_owned();
    text.push('\n');
    text
}

fn write_suite(xml: &mut Writer<Vec<u8>>, suite: &str, cases: &[AlertCase]) -> std::io::Result<()> {
    let failed = cases.iter().filter(|case| has_failure(case)).count().to_string();
    let tests = cases.len().to_string();
    let counts = [("tests", tests.as_str()), ("failures", &failed), ("errors", "0")];
    let name = escape_xml(suite);
    xml.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    let named = std::iter::once(("name", name.as_str())).chain(counts);
    xml.write_event(Event::Start(BytesStart::new("testsuites").with_attributes(counts)))?;
    xml.write_event(Event::Start(BytesStart::new("testsuite").with_attributes(named)))?;
    for case in cases {
        let subject = escape_xml(&case.subject);
        let place = case.alerts.iter().find_map(|alert| alert.place.as_ref());
        let place = place.map(|place| [("file", escape_xml(&place.file)), ("line", place.start.0.to_string())]);
        let attributes = [("classname", name.as_str()), ("name", &subject)];
        let place = place.iter().flatten().map(|(name, value)| (*name, value.as_str()));
        let test = BytesStart::new("testcase").with_attributes(attributes.into_iter().chain(place));
        if case.alerts.is_empty() {
            xml.write_event(Event::Empty(test))?;
            continue;
        }
        xml.write_event(Event::Start(test))?;
        for alert in &case.alerts {
            let text = escape_xml(&format!("{} {}", alert.message, alert.remedy));
            let element = if alert.level >= AlertLevel::Warning { "failure" } else { "system-out" };
            let mut start = BytesStart::new(element);
            if alert.level >= AlertLevel::Warning {
                start.extend_attributes([
                    ("type", escape_xml(&alert.rule).as_str()),
                    ("message", &escape_xml(&alert.message)),
                ]);
            }
            xml.write_event(Event::Start(start))?;
            xml.write_event(Event::Text(BytesText::new(&text)))?;
            xml.write_event(Event::End(BytesEnd::new(element)))?;
        }
        xml.write_event(Event::End(BytesEnd::new("testcase")))?;
    }
    xml.write_event(Event::End(BytesEnd::new("testsuite")))?;
    xml.write_event(Event::End(BytesEnd::new("testsuites")))
}

fn has_failure(case: &AlertCase) -> bool {
    case.alerts.iter().any(|alert| alert.level >= AlertLevel::Warning)
}

/// The text without characters that XML forbids: control characters are shown as their escapes, and U+FFFE and U+FFFF as U+FFFD.
fn escape_xml(text: &str) -> String {
    escape_steering(text).replace(['\u{fffe}', '\u{ffff}'], "\u{fffd}")
}
