use convio_core::page::PAGE_ITEMS_MAX;
use convio_core::{Error, Page, PageRequest};

/// Every item of a list, page after page.
pub(crate) async fn all<T>(
    list: impl AsyncFn(PageRequest) -> Result<Page<T>, Error>,
) -> Result<Vec<T>, Error> {
    let mut items = Vec::new();
    each(list, |item| items.push(item)).await?;
    Ok(items)
}

/// Every item of a list to `item`, while no more than a page is held.
pub(crate) async fn each<T>(
    list: impl AsyncFn(PageRequest) -> Result<Page<T>, Error>,
    mut item: impl FnMut(T),
) -> Result<(), Error> {
    let mut request = PageRequest::first(PAGE_ITEMS_MAX);
    loop {
        let page = list(request).await?;
        page.items.into_iter().for_each(&mut item);
        match page.next {
            Some(cursor) => request = PageRequest::after(cursor, PAGE_ITEMS_MAX),
            None => return Ok(()),
        }
    }
}
