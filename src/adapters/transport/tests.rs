//! Sockets on the loopback interface that answer well and badly.

use super::*;
use crate::dns::{Message, Name, QueryOptions, Rtype, query_message};

fn question(id: u16) -> Vec<u8> {
    query_message(
        id,
        &Name::parse("shop.test").unwrap(),
        Rtype::SOA,
        QueryOptions::default(),
    )
}

fn reply(question: &[u8]) -> Vec<u8> {
    let mut answer = question.to_vec();
    answer[2] |= 0x84;
    answer
}

async fn udp_server(answers: impl Fn(&[u8]) -> Vec<Vec<u8>> + Send + 'static) -> SocketAddr {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap();
    tokio::spawn(async move {
        let mut buffer = [0; 4096];
        while let Ok((length, peer)) = socket.recv_from(&mut buffer).await {
            for answer in answers(&buffer[..length]) {
                socket.send_to(&answer, peer).await.unwrap();
            }
        }
    });
    address
}

async fn tcp_server(octets: impl Fn(&[u8]) -> Vec<u8> + Send + 'static) -> SocketAddr {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let length = stream.read_u16().await.unwrap();
            let mut message = vec![0; usize::from(length)];
            stream.read_exact(&mut message).await.unwrap();
            stream.write_all(&octets(&message)).await.unwrap();
        }
    });
    address
}

fn framed(message: &[u8]) -> Vec<u8> {
    let mut out = u16::try_from(message.len()).unwrap().to_be_bytes().to_vec();
    out.extend_from_slice(message);
    out
}

const SHORT: Duration = Duration::from_millis(200);

#[tokio::test]
async fn takes_only_what_belongs_to_the_question() {
    let server = udp_server(|question| {
        let good = reply(question);
        let mut wrong_id = good.clone();
        wrong_id[0] ^= 1;
        let mut not_a_response = good.clone();
        not_a_response[2] &= 0x7f;
        let mut other_name = good.clone();
        other_name[13] = b'x';
        let mut other_type = good.clone();
        other_type[24] ^= 1;
        let mut no_question = good.clone();
        no_question.truncate(HEADER);
        no_question[4..].fill(0);
        let mut upper = good;
        upper[13] = b'S';
        vec![
            vec![],
            vec![1, 2, 3],
            wrong_id,
            not_a_response,
            other_name,
            other_type,
            no_question,
            upper,
        ]
    })
    .await;
    let transport = NetTransport::default();
    let answer = transport
        .exchange(server, Proto::Udp, &question(7), SHORT)
        .await
        .unwrap();
    assert_eq!(answer[13], b'S');
    assert_eq!(Message::parse(&answer).unwrap().id, 7);
}

#[tokio::test]
async fn spoofed_answers_alone_end_in_a_timeout() {
    let server = udp_server(|question| {
        let mut wrong = reply(question);
        wrong[1] ^= 0xff;
        vec![wrong; 20]
    })
    .await;
    let got = NetTransport::default()
        .exchange(server, Proto::Udp, &question(7), SHORT)
        .await;
    assert_eq!(got, Err(ExchangeError::Timeout(SHORT)));
}

#[tokio::test]
async fn an_error_without_a_question_is_an_answer() {
    let server = udp_server(|question| {
        let mut header = reply(question);
        header.truncate(HEADER);
        header[4..].fill(0);
        header[3] = 1;
        vec![header]
    })
    .await;
    let got = NetTransport::default()
        .exchange(server, Proto::Udp, &question(7), SHORT)
        .await
        .unwrap();
    assert_eq!(got.len(), HEADER);
}

#[tokio::test]
async fn large_datagrams_and_large_tcp_messages_arrive_whole() {
    let big = |question: &[u8]| {
        let mut answer = reply(question);
        answer.resize(60_000, 0);
        answer
    };
    let udp = udp_server(move |question| vec![big(question)]).await;
    let tcp = tcp_server(move |question| framed(&big(question))).await;
    let transport = NetTransport::default();
    for (server, proto) in [(udp, Proto::Udp), (tcp, Proto::Tcp)] {
        let got = transport
            .exchange(server, proto, &question(1), Duration::from_secs(2))
            .await;
        assert_eq!(got.unwrap().len(), 60_000);
    }
}

#[tokio::test]
async fn a_connection_closed_in_the_middle_is_a_failure() {
    let server = tcp_server(|question| framed(&reply(question))[..20].to_vec()).await;
    let got = NetTransport::default()
        .exchange(server, Proto::Tcp, &question(1), SHORT)
        .await;
    assert!(
        matches!(&got, Err(ExchangeError::Failed(said)) if said.contains("closed")),
        "{got:?}"
    );
}

#[tokio::test]
async fn nobody_there_and_no_way_there_differ() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let closed = listener.local_addr().unwrap();
    drop(listener);
    let transport = NetTransport::default();
    let got = transport.exchange(closed, Proto::Tcp, &question(1), SHORT).await;
    assert!(
        matches!(&got, Err(ExchangeError::Failed(said)) if said.starts_with(NOT_CONNECTED)),
        "{got:?}"
    );
    let family = io::Error::from_raw_os_error(97);
    assert!(matches!(classify(&family, ""), ExchangeError::NoRoute(_)));
    let network = io::Error::from(io::ErrorKind::NetworkUnreachable);
    assert!(matches!(
        classify(&network, NOT_CONNECTED),
        ExchangeError::NoRoute(_)
    ));
}

#[tokio::test]
async fn what_stands_for_an_address_is_asked_instead() {
    let server = udp_server(|question| vec![reply(question)]).await;
    let map = AddressMap::parse([("192.0.2.11", server.to_string().as_str())]).unwrap();
    let asked = parse_address("192.0.2.11").unwrap();
    let transport = NetTransport::new(map.clone());
    assert!(
        transport
            .exchange(asked, Proto::Udp, &question(1), SHORT)
            .await
            .is_ok()
    );
    let other_port = SocketAddr::new(asked.ip(), 54);
    assert_eq!(map.real(other_port), other_port);
    assert!(AddressMap::parse([("ns.test", "127.0.0.1")]).is_err());
}

#[tokio::test]
async fn a_stream_gives_message_after_message() {
    let server = tcp_server(|question| {
        let first = reply(question);
        let mut later = first.clone();
        later.truncate(HEADER);
        later[4..].fill(0);
        [framed(&first), framed(&later), framed(&later)].concat()
    })
    .await;
    let mut lengths = Vec::new();
    NetTransport::default()
        .stream(server, &question(9), SHORT, &mut |message| {
            lengths.push(message.len());
            lengths.len() < 3
        })
        .await
        .unwrap();
    assert_eq!(lengths.len(), 3);
    assert_eq!(lengths[1], HEADER);
}
