//! Reads all pages of a list of objects in a bucket.
//!
//! In: a store that gives one page at a time. Out: the names, or an error. Invariant: the list ends with a page that says so. A list that
//! repeats the token of an earlier page or a key, or exceeds the bounds on pages and time, is an error: otherwise its end would be a guess,
//! or never come.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use object_store::list::{PaginatedListOptions, PaginatedListStore};
use object_store::path::Path;
use tokio::time::Instant;

use super::{StoreError, StoreErrorKind};

/// Maximum number of pages of one list. A page has up to 1,000 names, so that the largest ledger has ten million entries.
const MAX_PAGES: usize = 10_000;
/// Time limit for all pages of one list.
const LIST_TIMEOUT: Duration = Duration::from_secs(600);

/// A store that gives one page of a list at a time.
#[derive(Clone)]
pub struct PageSource(Arc<dyn PaginatedListStore>);

impl fmt::Debug for PageSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PageSource")
    }
}

impl PageSource {
    /// The pages of a bucket.
    pub fn from_bucket(bucket: Arc<dyn PaginatedListStore>) -> Self {
        Self(bucket)
    }

    /// The first `limit` names below `folder` that sort after `after`, sorted. `place` and `key` name the list in errors.
    ///
    /// # Errors
    /// A request fails, or the list has no reliable end.
    pub async fn list_names(
        &self,
        (place, key): (&str, &str),
        folder: &Path,
        after: Option<&Path>,
        limit: usize,
    ) -> Result<Vec<String>, StoreError> {
        let unreliable = |message: String| StoreError {
            kind: StoreErrorKind::Incomplete,
            doing: "list",
            key: key.to_owned(),
            place: place.to_owned(),
            message,
        };
        let (start, prefix) = (Instant::now(), format!("{folder}/"));
        let (mut names, mut tokens) = (BTreeSet::new(), BTreeSet::new());
        let mut token: Option<String> = None;
        for _ in 0..MAX_PAGES {
            let options = PaginatedListOptions {
                offset: after.map(ToString::to_string),
                page_token: token,
                ..PaginatedListOptions::default()
            };
            let page = self.0.list_paginated(Some(&prefix), options).await;
            let page = page.map_err(|error| StoreError::from_objects(place, key, "list", &error))?;
            for name in page.result.objects.iter().filter_map(|object| object.location.filename()) {
                if !names.insert(name.to_owned()) {
                    return Err(unreliable(format!("the list repeats {name}")));
                }
            }
            let Some(next) = page.page_token else { return Ok(names.into_iter().take(limit).collect()) };
            if names.len() >= limit {
                return Ok(names.into_iter().take(limit).collect());
            }
            if !tokens.insert(next.clone()) {
                return Err(unreliable("the list repeats the token of an earlier page, so it never ends".to_owned()));
            }
            if start.elapsed() > LIST_TIMEOUT {
                let minutes = LIST_TIMEOUT.as_secs() / 60;
                return Err(unreliable(format!("the list is not complete after {minutes} minutes")));
            }
            token = Some(next);
        }
        Err(unreliable(format!("the list has more than {MAX_PAGES} pages")))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use async_trait::async_trait;
    use object_store::list::PaginatedListResult;
    use object_store::{ListResult, ObjectMeta};

    use super::*;

    /// Gives these pages in turn, then new ones for ever: the names of a page, and the token of the next one.
    struct Scripted {
        pages: Vec<(Vec<&'static str>, Option<&'static str>)>,
        pause: Duration,
        asked: Mutex<Vec<Option<String>>>,
    }

    #[async_trait]
    impl PaginatedListStore for Scripted {
        async fn list_paginated(
            &self,
            _: Option<&str>,
            options: PaginatedListOptions,
        ) -> object_store::Result<PaginatedListResult> {
            tokio::time::sleep(self.pause).await;
            let mut asked = self.asked.lock().unwrap();
            asked.push(options.page_token);
            let (names, token) = match self.pages.get(asked.len() - 1) {
                Some((names, token)) => (names.clone(), token.map(str::to_owned)),
                None => (Vec::new(), Some(format!("page {}", asked.len()))),
            };
            let object = |name: &&str| ObjectMeta {
                location: Path::from(format!("ledger/{name}")),
                last_modified: Default::default(),
                size: 1,
                e_tag: None,
                version: None,
            };
            let objects = names.iter().map(object).collect();
            let result = ListResult { objects, common_prefixes: Vec::new(), extensions: Default::default() };
            Ok(PaginatedListResult { result, page_token: token })
        }
    }

    type ScriptedPages = Vec<(Vec<&'static str>, Option<&'static str>)>;

    async fn list(pages: ScriptedPages, pause: u64, limit: usize) -> Result<Vec<String>, String> {
        let pause = Duration::from_secs(pause);
        let source = PageSource::from_bucket(Arc::new(Scripted { pages, pause, asked: Mutex::default() }));
        let listed = source.list_names(("s3://records", "ledger"), &Path::from("ledger"), None, limit).await;
        listed.map_err(|error| error.to_string())
    }

    #[tokio::test]
    async fn a_list_is_read_to_its_end() {
        let pages = || vec![(vec!["1", "2"], Some("a")), (vec![], Some("b")), (vec!["3"], None)];
        assert_eq!(list(pages(), 0, usize::MAX).await.unwrap(), ["1", "2", "3"]);
        assert_eq!(list(pages(), 0, 2).await.unwrap(), ["1", "2"]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_list_without_an_end_is_an_error_that_names_it() {
        for (pages, pause, problem) in [
            (vec![(vec!["1"], Some("a")), (vec!["2"], Some("a"))], 0, "repeats the token"),
            (vec![(vec![], Some("a")), (vec![], Some("b")), (vec![], Some("a"))], 0, "repeats the token"),
            (vec![(vec!["1"], Some("a")), (vec!["1"], None)], 0, "repeats 1"),
            (vec![], 0, "more than 10000 pages"),
            (vec![], 100, "after 10 minutes"),
        ] {
            let error = list(pages, pause, usize::MAX).await.unwrap_err();
            assert!(error.contains("cannot list ledger in s3://records") && error.contains(problem), "{error}");
        }
    }
}
