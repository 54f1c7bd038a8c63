//! Serves the world with one damage, to whoever asks over UDP or TCP on loopback.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use unbroken::dns::{Message, Name, Rtype};

use crate::damages::{Case, Damage, Dice};
use crate::wire::encode;
use crate::world::World;

/// One damage at one zone.
pub(crate) struct Scene {
    pub(crate) world: Arc<World>,
    pub(crate) damage: Option<Arc<Damage>>,
    pub(crate) child: Name,
    pub(crate) seed: u64,
    pub(crate) now: i64,
}

impl Scene {
    /// What is answered here: always the same to the same question, but for the octets of new signatures.
    pub(crate) fn answer(&self, name: &Name, rtype: Rtype) -> Message {
        let mut message = self.world.honest(name, rtype);
        // Glue is of no use here, and would only tempt resolvers away.
        message.additional.clear();
        if let Some(damage) = &self.damage {
            let case = Case {
                world: &self.world,
                child: self.child.clone(),
                now: self.now,
            };
            let mut dice = Dice::new(
                self.seed,
                &format!("{} {} {name} {rtype}", damage.name, self.child),
            );
            damage.apply(&case, &mut message, &mut dice);
        }
        message
    }

    fn respond(&self, query: &[u8], most: Option<usize>) -> Option<Vec<u8>> {
        let asked = Message::parse(query).ok()?;
        let question = asked.question.clone()?;
        let mut message = self.answer(&question.name, question.rtype);
        message.id = asked.id;
        let octets = encode(&message);
        let most = most.map(|most| {
            asked
                .edns
                .map_or(512, |edns| usize::from(edns.udp_size))
                .min(most)
        });
        if most.is_some_and(|most| octets.len() > most) {
            message.answer.clear();
            message.authority.clear();
            message.flags.truncated = true;
            return Some(with_question(query, encode(&message)));
        }
        Some(with_question(query, octets))
    }
}

/// Gives the question back in the letter case in which it came, and the RD bit as it was.
fn with_question(query: &[u8], mut response: Vec<u8>) -> Vec<u8> {
    let mut end = 12;
    while query.get(end).is_some_and(|length| *length != 0) {
        end += usize::from(query[end]) + 1;
    }
    if end < query.len() && end < response.len() {
        response[12..end].copy_from_slice(&query[12..end]);
    }
    response[2] |= query[2] & 1;
    // As good as a resolver that asked for whoever wants recursion.
    response[3] |= (query[2] & 1) << 7;
    response
}

/// A scene on a port, until it is dropped.
pub(crate) struct Proxy {
    pub(crate) port: u16,
    stop: Arc<AtomicBool>,
    threads: Vec<std::thread::JoinHandle<()>>,
}

impl Proxy {
    pub(crate) fn start(scene: Arc<Scene>) -> Proxy {
        let (udp, tcp) = bind();
        let port = udp.local_addr().unwrap().port();
        let stop = Arc::new(AtomicBool::new(false));
        let pause = Duration::from_millis(20);
        udp.set_read_timeout(Some(pause)).unwrap();
        tcp.set_nonblocking(true).unwrap();
        let (ended, here) = (stop.clone(), scene.clone());
        let over_udp = std::thread::spawn(move || {
            let mut octets = [0; 4096];
            while !ended.load(Ordering::Relaxed) {
                if let Ok((length, from)) = udp.recv_from(&mut octets)
                    && let Some(response) = here.respond(&octets[..length], Some(1232))
                {
                    // A client that has gone away is none of our business.
                    let _ = udp.send_to(&response, from);
                }
            }
        });
        let ended = stop.clone();
        let over_tcp = std::thread::spawn(move || {
            while !ended.load(Ordering::Relaxed) {
                match tcp.accept() {
                    Ok((stream, _)) => {
                        let here = scene.clone();
                        std::thread::spawn(move || connection(&here, stream));
                    }
                    Err(_) => std::thread::sleep(Duration::from_millis(5)),
                }
            }
        });
        Proxy {
            port,
            stop,
            threads: vec![over_udp, over_tcp],
        }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

fn bind() -> (UdpSocket, TcpListener) {
    loop {
        let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
        if let Ok(tcp) = TcpListener::bind(udp.local_addr().unwrap()) {
            return (udp, tcp);
        }
    }
}

fn connection(scene: &Scene, mut stream: TcpStream) {
    let _ = stream.set_nonblocking(false);
    let _ = stream.set_read_timeout(Some(Duration::from_secs(2)));
    let mut length = [0; 2];
    while stream.read_exact(&mut length).is_ok() {
        let mut query = vec![0; usize::from(u16::from_be_bytes(length))];
        if stream.read_exact(&mut query).is_err() {
            return;
        }
        let Some(response) = scene.respond(&query, None) else {
            return;
        };
        let mut framed = u16::try_from(response.len()).unwrap().to_be_bytes().to_vec();
        framed.extend(response);
        if stream.write_all(&framed).is_err() {
            return;
        }
    }
}
