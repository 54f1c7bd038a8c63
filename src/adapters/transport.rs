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
            // A packet filter or a prohibiting route of this machine.
            | io::ErrorKind::PermissionDenied
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
mod tests;
