//! Reading a list to its end.

use std::future::Future;

use crate::failure::CallError;

/// One page of a list: what is on it, whether more follows, and the marker that continues it.
pub struct Page<T> {
    /// What is on it.
    pub items: T,
    /// What the service calls `IsTruncated`.
    pub truncated: bool,
    /// Where the next page begins.
    pub marker: Option<String>,
}

/// Fetches pages until the service says that it was the last. A page may come short or empty and still not be the last. A
/// list that says there is more and not where, or repeats itself, is an error: its end would be guessed.
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
