//! The world on loopback, and the clock that stands still.

use std::net::SocketAddr;
use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;
use crate::lab::{Crowd, CrowdConfig, Served, Steps, VirtualClock};
use crate::ports::{Clock, ExchangeError, Transport};

struct WallClock;

#[async_trait]
impl Clock for WallClock {
    fn now(&self) -> Moment {
        let since = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap();
        Moment::from_millis(i64::try_from(since.as_millis()).unwrap())
    }

    async fn sleep_until(&self, _: Moment) {}
}

/// The least that a transport needs; the product has a better one.
struct Loopback(Served);

#[async_trait]
impl Transport for Loopback {
    async fn exchange(
        &self,
        server: SocketAddr,
        proto: Proto,
        message: &[u8],
        timeout: Duration,
    ) -> Result<Vec<u8>, ExchangeError> {
        let failed = |error: std::io::Error| ExchangeError::Failed(error.to_string());
        let peer = *self.0.map.get(&server).ok_or(ExchangeError::Timeout(timeout))?;
        let work = async {
            match proto {
                Proto::Udp => {
                    let socket = tokio::net::UdpSocket::bind("127.0.0.1:0").await?;
                    socket.send_to(message, peer).await?;
                    let mut buffer = vec![0; 4096];
                    let length = socket.recv(&mut buffer).await?;
                    buffer.truncate(length);
                    Ok(buffer)
                }
                Proto::Tcp => {
                    let mut stream = tokio::net::TcpStream::connect(peer).await?;
                    stream.write_u16(u16::try_from(message.len()).unwrap()).await?;
                    stream.write_all(message).await?;
                    let length = stream.read_u16().await?;
                    let mut buffer = vec![0; usize::from(length)];
                    stream.read_exact(&mut buffer).await?;
                    Ok(buffer)
                }
            }
        };
        tokio::time::timeout(timeout, work)
            .await
            .map_err(|_| ExchangeError::Timeout(timeout))?
            .map_err(failed)
    }

    async fn stream(
        &self,
        _: SocketAddr,
        _: &[u8],
        timeout: Duration,
        _: &mut (dyn for<'m> FnMut(&'m [u8]) -> bool + Send),
    ) -> Result<(), ExchangeError> {
        Err(ExchangeError::Timeout(timeout))
    }
}

#[tokio::test]
async fn every_address_answers_over_udp_and_tcp_and_the_crowd_validates() {
    let mut config = config();
    config.now = WallClock.now();
    let world = world(&config);
    let served = Served::start(world.clone(), Arc::new(WallClock)).await.unwrap();
    assert_eq!(served.map.len(), 7);
    let transport = Arc::new(Loopback(served));
    let query = query_message(77, &Name::root(), Rtype::SOA, QueryOptions::default());
    for address in world.all_addresses() {
        for proto in [Proto::Udp, Proto::Tcp] {
            let octets = transport
                .exchange(address, proto, &query, Duration::from_secs(2))
                .await
                .unwrap();
            let reply = Message::parse(&octets).unwrap();
            assert_eq!((reply.id, reply.flags.response), (77, true));
        }
    }
    let settings = CrowdConfig {
        interval: Duration::from_millis(25),
        ..CrowdConfig::for_world(&world, config.now).unwrap()
    };
    let crowd = Crowd::new(transport, settings);
    let driven = crowd.drive(Arc::new(WallClock));
    tokio::time::sleep(Duration::from_millis(2_500)).await;
    let report = driven.stop().await;
    assert_eq!(report.asked(), report.validated(), "{report:?}");
    assert!(report.asked() > 200, "{}", report.asked());
}

/// Notes when each step was done.
struct Notes {
    due: Vec<Moment>,
    done: Arc<Mutex<Vec<Moment>>>,
}

#[async_trait]
impl Steps for Notes {
    fn next_due(&self) -> Option<Moment> {
        self.due.first().copied()
    }

    async fn step(&mut self, now: Moment) {
        self.due.remove(0);
        self.done.lock().unwrap().push(now);
    }
}

#[tokio::test]
async fn what_is_due_happens_in_order_before_the_sleeper_wakes() {
    let at = |seconds: i64| Moment::from_seconds(1_000 + seconds);
    let clock = VirtualClock::new(at(0));
    let done = Arc::new(Mutex::new(Vec::new()));
    let notes = Notes {
        due: vec![at(1), at(5), at(10), at(11)],
        done: done.clone(),
    };
    clock.attach(Box::new(notes)).await;
    clock.sleep_until(at(10)).await;
    assert_eq!(clock.now(), at(10));
    assert_eq!(*done.lock().unwrap(), [at(1), at(5), at(10)]);
    clock.sleep_until(at(3)).await;
    assert_eq!(clock.now(), at(10));

    let order = Mutex::new(Vec::new());
    let sleep = async |seconds: i64| {
        clock.sleep_until(at(seconds)).await;
        order.lock().unwrap().push((seconds, clock.now()));
    };
    futures::join!(sleep(30), sleep(20), sleep(25));
    let woken = [(20, at(20)), (25, at(25)), (30, at(30))];
    assert_eq!(*order.lock().unwrap(), woken);
}
