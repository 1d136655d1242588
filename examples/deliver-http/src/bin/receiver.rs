//! A receiver by itself, until it is interrupted: `cargo run -p deliver-http --bin receiver -- 127.0.0.1:8080 whsec_...`.
//!
//! Without a secret it makes one, and tells it. What it can be told to do is in the documentation of `receiver`.

#![expect(clippy::print_stdout, reason = "a program that talks to its user")]

use convio_core::delivery::{SigningSecret, Verifier};
use convio_core::service::{RandomIds, SystemClock};
use deliver_http::{Failure, Heard, receiver};
use futures_util::future::poll_immediate;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1);
    let address = arguments.next().unwrap_or_else(|| "127.0.0.1:8080".to_owned());
    let secret = match arguments.next() {
        Some(secret) => secret.parse()?,
        None => {
            let secret = SigningSecret::new(&RandomIds::default());
            println!("the secret to sign with: {}", secret.expose());
            secret
        }
    };
    let listener = tokio::net::TcpListener::bind(address).await?;
    // Before anybody is told that it listens, an interrupt ends it in order.
    let mut interrupted = Box::pin(tokio::signal::ctrl_c());
    drop(poll_immediate(&mut interrupted).await);
    println!("listening on http://{}/, with ?do=500 and others to try", listener.local_addr()?);
    axum::serve(listener, receiver(Verifier::of(secret), SystemClock, print))
        .with_graceful_shutdown(async { drop(interrupted.await) })
        .await?;
    Ok(())
}

fn print(event: &Heard) {
    let position = event.position.map(|position| format!(" at {position}")).unwrap_or_default();
    let again = if event.is_duplicate { ", again" } else { "" };
    println!("{} {}{position}{again}", event.id, event.kind);
}
