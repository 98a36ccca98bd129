//! Going down: browsers are told, nobody is left behind, and it takes seconds.

use std::time::Duration;

use server::shutdown::Outcome;
use wire::{Encoding, message::ServerMessage};

use crate::client::{Client, demo_server};

#[tokio::test]
async fn sockets_are_closed_with_1012_and_all_tasks_end() {
    let server = demo_server(|_| {}).await;
    let mut clients = Vec::new();
    for number in 0..10 {
        let encoding = if number % 2 == 0 { Encoding::Binary } else { Encoding::Json };
        let mut client = Client::greet(&server, encoding).await;
        client.subscribe(1, &["quote:demo:*", "book:demo:*", "status"]).await;
        client.advance("quote:demo:ADA-SIM", 1).await;
        clients.push(client);
    }
    // One that has not even said hello, and one that never reads again.
    clients.push(Client::connect(&server, Encoding::Json).await);
    let _deaf = Client::greet(&server, Encoding::Json).await;
    let begin = tokio::time::Instant::now();
    server.shutdown().begin();
    let drained = async {
        for client in &mut clients {
            let bye = client.until(|message| matches!(message, ServerMessage::Bye(_))).await;
            assert!(matches!(bye, ServerMessage::Bye(bye) if bye.code.0 == 1012 && bye.reason == "restart"));
            assert_eq!(client.drain().await, 1012);
        }
        begin.elapsed()
    };
    let (outcome, all_told) = tokio::join!(server.shutdown().finish(), drained);
    assert_eq!(outcome, Outcome::Clean);
    assert!(all_told < Duration::from_secs(2), "{all_told:?}");
    assert!(begin.elapsed() < Duration::from_secs(10), "{:?}", begin.elapsed());
    assert!(tokio::net::TcpStream::connect(server.address()).await.is_err(), "still listening");
}

#[tokio::test]
async fn a_second_server_on_the_same_port_says_what_to_do() {
    let server = demo_server(|_| {}).await;
    let mut config = crate::client::demo_config();
    config.server.listen = server.address();
    let error = server::serve::Server::start(config).await.unwrap_err().to_string();
    assert!(error.contains("in use") && error.contains("--listen"), "{error}");
}
