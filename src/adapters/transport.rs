//! DNS over UDP and TCP sockets.

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use async_trait::async_trait;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};
use tokio::time::{Instant, timeout_at};

use crate::evidence::Proto;
use crate::ports::{ExchangeError, Transport};

/// The port of DNS.
const DNS_PORT: u16 = 53;
/// Octets of a message header.
const HEADER: usize = 12;
/// The largest message.
const LARGEST: usize = 65_535;
/// Begins the text of [`ExchangeError::Failed`] where no connection came about, so that nothing was sent.
pub(super) const NOT_CONNECTED: &str = "cannot connect";

/// Which socket address stands for which: for labs, tests and tunnels.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AddressMap(BTreeMap<SocketAddr, SocketAddr>);

/// A text that is no entry of an [`AddressMap`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is not an address (expected for example 192.0.2.11, 192.0.2.11:5300 or [2001:db8::1]:53)")]
pub struct AddressMapError(String);

impl AddressMap {
    /// Nothing stands for anything.
    pub fn new() -> AddressMap {
        AddressMap::default()
    }

    /// Reads pairs of texts; an address without a port means its port 53.
    ///
    /// # Errors
    /// The first text that is no address.
    pub fn parse<'a>(
        pairs: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<AddressMap, AddressMapError> {
        pairs
            .into_iter()
            .map(|(from, to)| Ok((parse_address(from)?, parse_address(to)?)))
            .collect::<Result<BTreeMap<_, _>, _>>()
            .map(AddressMap)
    }

    /// `to` stands for `from` from now on.
    pub fn insert(&mut self, from: SocketAddr, to: SocketAddr) {
        self.0.insert(from, to);
    }

    /// Where a message for `address` really goes.
    pub fn real(&self, address: SocketAddr) -> SocketAddr {
        self.0.get(&address).copied().unwrap_or(address)
    }
}

impl From<BTreeMap<SocketAddr, SocketAddr>> for AddressMap {
    fn from(map: BTreeMap<SocketAddr, SocketAddr>) -> Self {
        AddressMap(map)
    }
}

impl From<BTreeMap<IpAddr, SocketAddr>> for AddressMap {
    fn from(map: BTreeMap<IpAddr, SocketAddr>) -> Self {
        AddressMap(
            map.into_iter()
                .map(|(from, to)| (SocketAddr::new(from, DNS_PORT), to))
                .collect(),
        )
    }
}

/// An address with or without a port (53).
///
/// # Errors
/// If it is neither.
pub fn parse_address(text: &str) -> Result<SocketAddr, AddressMapError> {
    text.parse::<SocketAddr>()
        .or_else(|_| {
            text.parse::<IpAddr>()
                .map(|address| SocketAddr::new(address, DNS_PORT))
        })
        .map_err(|_| AddressMapError(text.to_owned()))
}

/// The network: a fresh connected socket on a random port for each question.
#[derive(Clone, Debug, Default)]
pub struct NetTransport {
    map: AddressMap,
}

impl NetTransport {
    /// With `map` saying what stands for which address.
    pub fn new(map: impl Into<AddressMap>) -> NetTransport {
        NetTransport { map: map.into() }
    }

    async fn udp(&self, server: SocketAddr, message: &[u8]) -> Result<Vec<u8>, Fault> {
        let local: IpAddr = match server {
            SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
            SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
        };
        // Port 0: the system picks a random free one.
        let socket = UdpSocket::bind(SocketAddr::new(local, 0))
            .await
            .map_err(Fault::connect)?;
        socket.connect(server).await.map_err(Fault::connect)?;
        socket.send(message).await.map_err(Fault::io)?;
        let mut buffer = Vec::with_capacity(LARGEST);
        loop {
            buffer.clear();
            socket.recv_buf(&mut buffer).await.map_err(Fault::io)?;
            if belongs(message, &buffer) {
                return Ok(buffer.as_slice().to_vec());
            }
        }
    }

    async fn tcp(&self, server: SocketAddr, message: &[u8]) -> Result<Vec<u8>, Fault> {
        let mut stream = open(server, message).await?;
        loop {
            let answer = read_framed(&mut stream).await?;
            if belongs(message, &answer) {
                return Ok(answer);
            }
        }
    }
}

#[async_trait]
impl Transport for NetTransport {
    async fn exchange(
        &self,
        server: SocketAddr,
        proto: Proto,
        message: &[u8],
        timeout: Duration,
    ) -> Result<Vec<u8>, ExchangeError> {
        let real = self.map.real(server);
        let work = async {
            match proto {
                Proto::Udp => self.udp(real, message).await,
                Proto::Tcp => self.tcp(real, message).await,
            }
        };
        within(timeout, work).await
    }

    async fn stream(
        &self,
        server: SocketAddr,
        message: &[u8],
        timeout: Duration,
        more: &mut (dyn for<'m> FnMut(&'m [u8]) -> bool + Send),
    ) -> Result<(), ExchangeError> {
        let real = self.map.real(server);
        let mut stream = within(timeout, open(real, message)).await?;
        let mut first = true;
        loop {
            let answer = within(timeout, read_framed(&mut stream)).await?;
            // Only the first message of a transfer has to repeat the question (RFC 5936 section 2.2.1).
            let ours = if first {
                belongs(message, &answer)
            } else {
                same_exchange(message, &answer)
            };
            if !ours {
                continue;
            }
            first = false;
            if !more(&answer) {
                return Ok(());
            }
        }
    }
}

async fn within<T>(
    timeout: Duration,
    work: impl Future<Output = Result<T, Fault>>,
) -> Result<T, ExchangeError> {
    match timeout_at(Instant::now() + timeout, work).await {
        Ok(done) => done.map_err(|fault| fault.0),
        Err(_) => Err(ExchangeError::Timeout(timeout)),
    }
}

async fn open(server: SocketAddr, message: &[u8]) -> Result<TcpStream, Fault> {
    let length = u16::try_from(message.len())
        .map_err(|_| Fault::say(format!("{NOT_CONNECTED}: a message of {} octets", message.len())))?;
    let mut stream = TcpStream::connect(server).await.map_err(Fault::connect)?;
    // Without this the question may wait for an acknowledgement; not being able to set it harms nothing.
    let _ = stream.set_nodelay(true);
    let mut framed = Vec::with_capacity(message.len() + 2);
    framed.extend_from_slice(&length.to_be_bytes());
    framed.extend_from_slice(message);
    stream.write_all(&framed).await.map_err(Fault::io)?;
    Ok(stream)
}

async fn read_framed(stream: &mut TcpStream) -> Result<Vec<u8>, Fault> {
    let length = usize::from(stream.read_u16().await.map_err(Fault::io)?);
    let mut answer = vec![0; length];
    stream.read_exact(&mut answer).await.map_err(Fault::io)?;
    Ok(answer)
}

/// Whether `answer` has the identifier and operation of `question` and is a response.
fn same_exchange(question: &[u8], answer: &[u8]) -> bool {
    let (Some(asked), Some(got)) = (question.get(..HEADER), answer.get(..HEADER)) else {
        return false;
    };
    asked[..2] == got[..2] && got[2] & 0x80 != 0 && asked[2] & 0x78 == got[2] & 0x78
}

/// The same, and the question is repeated (letters in any case).
///
/// A message without a question belongs to it where the standards allow that: an error other than NXDOMAIN, or the
/// answer to an UPDATE (RFC 2136 section 3.8).
fn belongs(question: &[u8], answer: &[u8]) -> bool {
    if !same_exchange(question, answer) {
        return false;
    }
    let update = question[2] & 0x78 == 0x28;
    let rcode = answer[3] & 0x0f;
    if answer[4..6] == [0, 0] {
        return update || !matches!(rcode, 0 | 3);
    }
    let Some(asked) = question_octets(question) else {
        return question[4..6] == answer[4..6];
    };
    let Some(got) = answer.get(HEADER..HEADER + asked.len()) else {
        return false;
    };
    let name = asked.len().saturating_sub(4);
    answer[4..6] == question[4..6]
        && got[..name].eq_ignore_ascii_case(&asked[..name])
        && got[name..] == asked[name..]
}

/// The first question: name, type and class.
fn question_octets(message: &[u8]) -> Option<&[u8]> {
    let mut at = HEADER;
    loop {
        let length = usize::from(*message.get(at)?);
        if length > 63 {
            return None;
        }
        at += length + 1;
        if length == 0 {
            return message.get(HEADER..at + 4);
        }
    }
}

struct Fault(ExchangeError);

impl Fault {
    fn say(said: String) -> Fault {
        Fault(ExchangeError::Failed(said))
    }

    fn io(error: io::Error) -> Fault {
        Fault(classify(&error, ""))
    }

    fn connect(error: io::Error) -> Fault {
        Fault(classify(&error, NOT_CONNECTED))
    }
}

fn classify(error: &io::Error, prefix: &str) -> ExchangeError {
    /// EAFNOSUPPORT has no kind in the standard library: Linux, then the BSDs and macOS.
    const NO_FAMILY: [i32; 2] = [97, 47];
    let unreachable = matches!(
        error.kind(),
        io::ErrorKind::NetworkUnreachable
            | io::ErrorKind::HostUnreachable
            | io::ErrorKind::NetworkDown
            | io::ErrorKind::AddrNotAvailable
    ) || error.raw_os_error().is_some_and(|code| NO_FAMILY.contains(&code));
    let said = match error.kind() {
        io::ErrorKind::UnexpectedEof => "the connection was closed before the answer was whole".to_owned(),
        _ => error.to_string(),
    };
    if unreachable {
        ExchangeError::NoRoute(said)
    } else if prefix.is_empty() {
        ExchangeError::Failed(said)
    } else {
        ExchangeError::Failed(format!("{prefix}: {said}"))
    }
}

#[cfg(test)]
mod tests {
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
}
