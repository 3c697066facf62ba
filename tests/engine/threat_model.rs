//! Every row of `docs/threat-model.md` names tests that exist.
//!
//! In: the tables of the page, whose last column is `tests`. Out: the named tests that no source defines, and the rows that name none.
#![allow(clippy::disallowed_methods, reason = "a test reads the sources")]

use std::path::Path;

use regex::Regex;

/// What a row says that has no test so far.
const NONE_YET: &str = "none yet";
/// How many rows have no test so far. Lower this number with each row that gets its tests.
const ROWS_WITHOUT_TESTS: usize = 0;

/// The rows of the tables whose last column is `tests`: the whole line, and its last cell.
fn rows(page: &str) -> Vec<(&str, &str)> {
    let mut rows = Vec::new();
    let mut in_table = false;
    for line in page.lines() {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        in_table = line.starts_with('|') && (in_table || cells.last() == Some(&"tests"));
        let is_head = cells.last() == Some(&"tests") || line.starts_with("| ---");
        if in_table && !is_head {
            rows.push((line, *cells.last().unwrap()));
        }
    }
    rows
}

/// What is wrong with the tests of a row. Empty: nothing.
fn problems(cell: &str, root: &Path) -> Vec<String> {
    let named = Regex::new(r"^`([A-Za-z0-9_/.-]+\.rs): ([a-z0-9_]+)`$").unwrap();
    let entries = Regex::new("`[^`]*`").unwrap();
    let rest = entries.replace_all(cell, "");
    let mut problems: Vec<String> =
        (!rest.trim().is_empty()).then(|| format!("{:?} is not the name of a test", rest.trim())).into_iter().collect();
    for entry in entries.find_iter(cell).map(|found| found.as_str()) {
        let Some(parts) = named.captures(entry) else {
            problems.push(format!("{entry} does not have the form `file.rs: function`"));
            continue;
        };
        let (file, function) = (&parts[1], &parts[2]);
        let text = std::fs::read_to_string(root.join(file)).unwrap_or_default();
        // A test function follows its attribute, directly or after other attributes.
        let test = format!(r"#\[(tokio::)?test[^\n]*\]\s*(#\[[^\n]*\]\s*)*(async )?fn {function}\(");
        if !Regex::new(&test).unwrap().is_match(&text) {
            problems.push(format!("{file} has no test {function}"));
        }
    }
    problems
}

#[test]
fn every_row_of_the_threat_model_names_tests_that_exist() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = std::fs::read_to_string(root.join("docs/threat-model.md")).unwrap();
    let rows = rows(&page);
    assert!(rows.len() > 30, "the tables are found: {}", rows.len());
    let (open, proved): (Vec<_>, Vec<_>) = rows.into_iter().partition(|(_, cell)| *cell == NONE_YET);
    assert_eq!(open.len(), ROWS_WITHOUT_TESTS, "{open:#?}");
    let wrong: Vec<String> = proved
        .into_iter()
        .flat_map(|(line, cell)| {
            let empty = cell.is_empty().then(|| "the row names no test".to_owned());
            empty.into_iter().chain(problems(cell, root)).map(move |problem| format!("{problem}\n  {line}"))
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_wrong_name_is_found() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let own = "`tests/engine/threat_model.rs: a_wrong_name_is_found`";
    assert_eq!(problems(own, root), Vec::<String>::new());
    for cell in [
        "`tests/engine/threat_model.rs: nothing`",
        "`tests/engine/threat_model.rs: problems`",
        "`tests/engine/nowhere.rs: a_wrong_name_is_found`",
        "`a_wrong_name_is_found`",
        "to be done",
    ] {
        assert!(!problems(cell, root).is_empty(), "{cell}");
    }
    assert!(!problems(&format!("{own} and others"), root).is_empty());
}
