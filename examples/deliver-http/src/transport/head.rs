use convio_core::delivery::{Request, SendError};
use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{CONNECTION, HOST};
use url::{Position, Url};

/// The request as hyper sends it: path and query as the guard read them, the headers of the request, its body, and what HTTP asks for
/// beyond them. `accept-encoding` is not there, so that nothing comes compressed; if it does all the same, it stays so.
pub(super) fn build(request: &Request, url: &Url) -> Result<hyper::Request<Full<Bytes>>, SendError> {
    // Without the user, the port where it is the scheme's own, and the fragment.
    let host = &url[Position::BeforeHost..Position::AfterPort];
    let target = &url[Position::BeforePath..Position::AfterQuery];
    let head = hyper::Request::builder().method(request.method).uri(target);
    let head = head.header(HOST, host).header(CONNECTION, "close");
    let each = request.headers.iter();
    let head = each.fold(head, |head, (name, value)| head.header(*name, value));
    // A URL that HTTP has no place for.
    head.body(Full::new(request.body.clone().into())).map_err(|_| SendError::Refused)
}
