//! A world on real sockets: every server address stands on a free port of 127.0.0.1, UDP and TCP.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::{LabError, World};
use crate::evidence::Proto;
use crate::ports::Clock;

/// TCP connections that one address serves at the same time.
const CONNECTIONS: usize = 64;
/// A connection on which nothing comes for so long is closed.
const IDLE: Duration = Duration::from_secs(5);
/// A port that is free for UDP may be taken for TCP; so often another one is tried.
const PORT_TRIES: usize = 32;
/// Longest message over UDP.
const UDP_ROOM: usize = 65_535;

/// A world that listens. It stops when this is dropped.
pub struct Served {
    /// Where each server address really is.
    pub map: BTreeMap<SocketAddr, SocketAddr>,
    _tasks: JoinSet<()>,
}

impl Served {
    /// Opens the sockets and serves. Must be called inside a tokio runtime.
    ///
    /// # Errors
    /// If no port is free.
    pub async fn start(world: Arc<World>, clock: Arc<dyn Clock>) -> Result<Served, LabError> {
        let mut map = BTreeMap::new();
        let mut tasks = JoinSet::new();
        for address in world.all_addresses() {
            let (udp, tcp) = open().await?;
            map.insert(address, udp.local_addr()?);
            let desk = Desk {
                world: world.clone(),
                clock: clock.clone(),
                address,
            };
            tasks.spawn(serve_udp(desk.clone(), udp));
            tasks.spawn(serve_tcp(desk, tcp));
        }
        Ok(Served { map, _tasks: tasks })
    }
}

#[derive(Clone)]
struct Desk {
    world: Arc<World>,
    clock: Arc<dyn Clock>,
    address: SocketAddr,
}

impl Desk {
    fn replies(&self, proto: Proto, octets: &[u8]) -> Vec<Vec<u8>> {
        self.world.replies(self.address, proto, octets, self.clock.now())
    }
}

async fn open() -> std::io::Result<(UdpSocket, TcpListener)> {
    let mut last = None;
    for _ in 0..PORT_TRIES {
        let udp = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        match TcpListener::bind(udp.local_addr()?).await {
            Ok(tcp) => return Ok((udp, tcp)),
            Err(error) => last = Some(error),
        }
    }
    Err(last.unwrap_or_else(|| std::io::Error::other("no free port")))
}

async fn serve_udp(desk: Desk, socket: UdpSocket) {
    let mut buffer = vec![0u8; UDP_ROOM];
    loop {
        // An error here is the echo of an earlier datagram that could not be delivered: nothing to be done about.
        let Ok((length, peer)) = socket.recv_from(&mut buffer).await else {
            tokio::task::yield_now().await;
            continue;
        };
        let Some(octets) = buffer.get(..length) else {
            continue;
        };
        if let Some(reply) = desk.replies(Proto::Udp, octets).into_iter().next() {
            let _ = socket.send_to(&reply, peer).await;
        }
    }
}

async fn serve_tcp(desk: Desk, listener: TcpListener) {
    let room = Arc::new(Semaphore::new(CONNECTIONS));
    let mut connections = JoinSet::new();
    loop {
        while connections.try_join_next().is_some() {}
        let Ok(permit) = room.clone().acquire_owned().await else {
            return;
        };
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(Duration::from_millis(20)).await;
            continue;
        };
        let desk = desk.clone();
        connections.spawn(async move {
            let _ = serve_connection(desk, stream).await;
            drop(permit);
        });
    }
}

async fn serve_connection(desk: Desk, mut stream: TcpStream) -> std::io::Result<()> {
    loop {
        let length = tokio::time::timeout(IDLE, stream.read_u16()).await??;
        let mut octets = vec![0u8; usize::from(length)];
        tokio::time::timeout(IDLE, stream.read_exact(&mut octets)).await??;
        let replies = desk.replies(Proto::Tcp, &octets);
        if replies.is_empty() {
            // Silence: the connection stays open until the other side gives up.
            continue;
        }
        for reply in replies {
            let length = u16::try_from(reply.len()).map_err(std::io::Error::other)?;
            let mut framed = length.to_be_bytes().to_vec();
            framed.extend_from_slice(&reply);
            tokio::time::timeout(IDLE, stream.write_all(&framed)).await??;
        }
    }
}
