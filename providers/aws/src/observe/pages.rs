//! Reads all pages of a list.

use std::collections::BTreeSet;
use std::future::Future;
use std::time::Duration;

use tokio::time::Instant;

use crate::failure::CallError;

/// One page of a list: its items, whether more pages follow, and the marker of the next page.
pub struct Page<T> {
    /// The items on the page.
    pub items: T,
    /// `IsTruncated` in IAM's answer: whether more pages follow.
    pub truncated: bool,
    /// The marker of the next page. `None` on the last page.
    pub marker: Option<String>,
}

/// Maximum number of pages of one list. The largest list, `GetAccountAuthorizationDetails` of an account with 10,000 roles, 5,000 users and
/// 10,000 policies (the highest quotas of IAM) in pages of 100, has 250.
const MAX_PAGES: usize = 10_000;

/// Time limit for all pages of one list, waits for throttling included.
const LIST_TIMEOUT: Duration = Duration::from_secs(1_800);

/// Reads pages until the service reports the last one. A page may be short or empty without being the last. A list that reports more pages
/// without a marker, or with a marker that it has reported before, is an error: otherwise the end of the list would be a guess, or never
/// come.
///
/// # Errors
/// A call fails, a page is rejected by `take`, the list reports more pages without a new marker, or it exceeds [`MAX_PAGES`] or
/// [`LIST_TIMEOUT`].
pub async fn read_all_pages<T, Fetched>(
    operation: &'static str,
    fetch: impl Fn(Option<String>) -> Fetched,
    mut take: impl FnMut(T) -> Result<(), CallError>,
) -> Result<(), CallError>
where
    Fetched: Future<Output = Result<Page<T>, CallError>>,
{
    let malformed = |message: String| Err(CallError::from_malformed_answer(operation, message));
    let start = Instant::now();
    let mut seen: BTreeSet<String> = BTreeSet::new();
    let mut marker = None;
    for _ in 0..MAX_PAGES {
        let page = fetch(marker).await?;
        take(page.items)?;
        if !page.truncated {
            return Ok(());
        }
        let Some(next) = page.marker else {
            return malformed(
                "the list has more pages, but the response contains no marker for the next page".to_owned(),
            );
        };
        if !seen.insert(next.clone()) {
            return malformed("the list repeats the marker of an earlier page, so it never ends".to_owned());
        }
        if start.elapsed() > LIST_TIMEOUT {
            return malformed(format!("the list is not complete after {} minutes", LIST_TIMEOUT.as_secs() / 60));
        }
        marker = Some(next);
    }
    malformed(format!("the list has more than {MAX_PAGES} pages"))
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    async fn read(pages: &[(bool, Option<&str>)]) -> (Vec<Option<String>>, Result<(), CallError>) {
        let asked = RefCell::new(Vec::new());
        let fetch = |marker| {
            asked.borrow_mut().push(marker);
            let (truncated, marker) = pages[asked.borrow().len() - 1];
            let page = Page { items: (), truncated, marker: marker.map(str::to_owned) };
            async move { Ok(page) }
        };
        let result = read_all_pages("iam:ListRoles", fetch, |()| Ok(())).await;
        (asked.into_inner(), result)
    }

    #[tokio::test]
    async fn a_list_is_read_to_its_end() {
        let (asked, result) = read(&[(true, Some("a")), (true, Some("b")), (false, None)]).await;
        assert!(result.is_ok());
        assert_eq!(asked, [None, Some("a".to_owned()), Some("b".to_owned())]);
    }

    #[tokio::test]
    async fn a_list_without_an_end_is_an_error() {
        for pages in [
            &[(true, None)][..],
            &[(true, Some("a")), (true, Some("a"))],
            &[(true, Some("a")), (true, Some("b")), (true, Some("a"))],
            &[(true, Some("a")), (true, Some("b")), (true, Some("c")), (true, Some("b"))],
        ] {
            let (asked, result) = read(pages).await;
            assert!(result.is_err(), "{pages:?}");
            assert_eq!(asked.len(), pages.len());
        }
    }

    #[tokio::test]
    async fn a_list_with_ever_new_markers_ends_with_an_error() {
        let asked = RefCell::new(0usize);
        let fetch = |_| {
            let mut asked = asked.borrow_mut();
            *asked += 1;
            let page = Page { items: (), truncated: true, marker: Some(asked.to_string()) };
            async move { Ok(page) }
        };
        let error = read_all_pages("iam:ListRoles", fetch, |()| Ok(())).await.unwrap_err();
        assert!(error.message.contains("more than 10000 pages"), "{}", error.message);
    }

    #[tokio::test(start_paused = true)]
    async fn list_over_the_time_limit_is_an_error() {
        let asked = RefCell::new(0usize);
        let fetch = |_| {
            let mut asked = asked.borrow_mut();
            *asked += 1;
            let page = Page { items: (), truncated: true, marker: Some(asked.to_string()) };
            async move {
                tokio::time::sleep(Duration::from_secs(100)).await;
                Ok(page)
            }
        };
        let error = read_all_pages("iam:ListRoles", fetch, |()| Ok(())).await.unwrap_err();
        assert!(error.message.contains("after 30 minutes"), "{}", error.message);
        assert_eq!(*asked.borrow(), 19);
    }
}
