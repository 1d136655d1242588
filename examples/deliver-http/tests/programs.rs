//! Both programs as they are started.

use std::process::Stdio;

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;

#[tokio::test]
async fn the_demo_delivers_each_event_once_and_asks_no_proxy() {
    let mut demo = Command::new(env!("CARGO_BIN_EXE_deliver-http"));
    // Nobody listens there: whoever goes by these gets nowhere.
    for proxy in ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"] {
        demo.env(proxy, "http://127.0.0.1:9");
    }
    let output = demo.env_remove("NO_PROXY").env_remove("no_proxy").output().await.unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(text.lines().last(), Some("3 deliveries, 3 arrived in 4 attempts"));
    assert_eq!(text.matches("attempt 1: 500 in").count(), 1);
    assert_eq!(text.matches("attempt 2: 200 in").count(), 1);
    assert_eq!(text.matches("attempt 1: 200 in").count(), 2);
}

#[cfg(unix)]
#[tokio::test]
async fn the_receiver_ends_in_order_when_it_is_interrupted() {
    let mut receiver = Command::new(env!("CARGO_BIN_EXE_receiver"));
    let mut receiver = receiver.arg("127.0.0.1:0").stdout(Stdio::piped()).kill_on_drop(true).spawn().unwrap();
    let mut lines = BufReader::new(receiver.stdout.take().unwrap()).lines();
    let secret = lines.next_line().await.unwrap().unwrap();
    assert!(secret.starts_with("the secret to sign with: whsec_"), "{secret}");
    let listening = lines.next_line().await.unwrap().unwrap();
    assert!(listening.starts_with("listening on http://127.0.0.1:"), "{listening}");
    let id = receiver.id().unwrap().to_string();
    assert!(Command::new("kill").args(["-INT", &id]).status().await.unwrap().success());
    assert!(receiver.wait().await.unwrap().success());
}
