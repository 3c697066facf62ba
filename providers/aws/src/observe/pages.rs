//! Reads all pages of a list.

use std::future::Future;

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

/// Reads pages until the service reports the last one. A page may be short or empty without being the last. A list that reports more pages
/// without a marker, or repeats a marker, is an error: otherwise the end of the list would be a guess.
///
/// # Errors
/// A call fails, a page is rejected by `take`, or the list reports more pages without a new marker.
pub async fn read_all_pages<T, Fetched>(
    operation: &'static str,
    fetch: impl Fn(Option<String>) -> Fetched,
    mut take: impl FnMut(T) -> Result<(), CallError>,
) -> Result<(), CallError>
where
    Fetched: Future<Output = Result<Page<T>, CallError>>,
{
    let mut marker = None;
    loop {
        let page = fetch(marker.clone()).await?;
        take(page.items)?;
        if !page.truncated {
            return Ok(());
        }
        if page.marker.is_none() || page.marker == marker {
            return Err(CallError::from_malformed_answer(operation, "a list says that it goes on, and not where"));
        }
        marker = page.marker;
    }
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
        assert!(read(&[(true, None)]).await.1.is_err());
        assert!(read(&[(true, Some("a")), (true, Some("a"))]).await.1.is_err());
    }
}
