//! Asking an NTP server for the time (RFC 5905, as a client of section 14), to tell how far off this machine's clock is.
//! Nothing is set by it, and nothing authenticates the answer.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::UdpSocket;

use crate::moment::Moment;
use crate::ports::Clock;

/// How long a server may take, from the search for its address on.
const ANSWER: Duration = Duration::from_secs(5);
/// The port of NTP.
const PORT: u16 = 123;
/// A message without extensions.
const LENGTH: usize = 48;
/// Seconds from 1900 to 1970.
const TO_UNIX: i64 = 2_208_988_800;

/// What a server says of this machine's clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NtpReading {
    /// The address that answered.
    pub address: SocketAddr,
    /// How far this clock is behind, milliseconds; negative: ahead.
    pub offset: i64,
    /// There and back, milliseconds: the offset may be off by half of it.
    pub round_trip: u64,
    /// The server's distance from a reference clock, 1 to 15.
    pub stratum: u8,
}

/// Why there is no reading.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NtpError {
    /// The network, in its words.
    #[error("{0}")]
    Failed(String),
    /// Nothing in time.
    #[error("no answer to what was asked within 5 s{0}")]
    Late(&'static str),
    /// A kiss of death (section 7.4): the server does not want to be asked.
    #[error("the server does not want to be asked ({0})")]
    Kiss(String),
    /// The server does not know the time itself.
    #[error("the server says that its own clock is not synchronized")]
    Unsynchronized,
    /// What was answered cannot be used.
    #[error("{0}")]
    Answer(&'static str),
}

/// A host with its port, 123 where `server` has none; none where it is neither name nor address.
pub fn ntp_server(server: &str) -> Option<(String, u16)> {
    if let Ok(address) = server.parse::<SocketAddr>() {
        return Some((address.ip().to_string(), address.port()));
    }
    if let Ok(address) = server.parse::<std::net::IpAddr>() {
        return Some((address.to_string(), PORT));
    }
    let (host, port) = match server.rsplit_once(':') {
        Some((host, port)) => (host, port.parse().ok().filter(|port| *port != 0)?),
        None => (server, PORT),
    };
    let fits = |octet: u8| octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'.' | b'_');
    (!host.is_empty() && host.len() <= 253 && host.bytes().all(fits)).then(|| (host.to_owned(), port))
}

/// Asks `server` once, for at most five seconds.
///
/// # Errors
/// If there is no answer that can be used.
pub async fn ask_ntp(server: (&str, u16), clock: &dyn Clock) -> Result<NtpReading, NtpError> {
    let failed = |error: std::io::Error| NtpError::Failed(error.to_string());
    let mut other = "";
    let asked = async {
        let address = tokio::net::lookup_host(server)
            .await
            .map_err(failed)?
            .next()
            .ok_or_else(|| NtpError::Failed("the name has no address".to_owned()))?;
        let own: SocketAddr = if address.is_ipv4() {
            ([0, 0, 0, 0], 0).into()
        } else {
            ([0_u16; 8], 0).into()
        };
        let socket = UdpSocket::bind(own).await.map_err(failed)?;
        socket.connect(address).await.map_err(failed)?;
        // A random number in place of the time: it is harder to guess, and tells nobody what this clock shows.
        let cookie: [u8; 8] = rand::random::<[u8; 8]>();
        let mut query = [0; LENGTH];
        query[0] = 0x23;
        query[40..].copy_from_slice(&cookie);
        let (sent, begun) = (clock.now(), clock.steady());
        socket.send(&query).await.map_err(failed)?;
        let mut answer = [0; 512];
        loop {
            let length = socket.recv(&mut answer).await.map_err(failed)?;
            let took = clock.steady().saturating_sub(begun);
            // Whoever guesses the port must not end the wait for the true answer.
            match answer
                .get(..length)
                .and_then(|octets| octets.first_chunk::<LENGTH>())
            {
                Some(octets) if octets[24..32] == cookie => return read(octets, address, sent, took),
                _ => other = ", and something else that is none",
            }
        }
    };
    let done = tokio::time::timeout(ANSWER, asked).await;
    done.unwrap_or(Err(NtpError::Late(other)))
}

/// What an answer says that came `took` after the question was sent when this clock showed `sent`.
fn read(
    octets: &[u8; LENGTH],
    address: SocketAddr,
    sent: Moment,
    took: Duration,
) -> Result<NtpReading, NtpError> {
    let (leap, version, mode) = (octets[0] >> 6, (octets[0] >> 3) & 7, octets[0] & 7);
    let stratum = octets[1];
    if mode != 4 || !(3..=4).contains(&version) {
        return Err(NtpError::Answer("the answer is not that of an NTP server"));
    }
    if stratum == 0 {
        let code = octets[12..16].iter().filter(|octet| octet.is_ascii_graphic());
        return Err(NtpError::Kiss(code.map(|octet| char::from(*octet)).collect()));
    }
    if leap == 3 || stratum > 15 {
        return Err(NtpError::Unsynchronized);
    }
    let took = i64::try_from(took.as_millis()).unwrap_or(i64::MAX);
    let back = sent.moved(took);
    let (came, went) = (stamp(octets, 32, sent), stamp(octets, 40, back));
    let (Some(came), Some(went)) = (came, went) else {
        return Err(NtpError::Answer("the answer has no time in it"));
    };
    let there = came.millis().saturating_sub(sent.millis());
    let here = went.millis().saturating_sub(back.millis());
    let inside = went.millis().saturating_sub(came.millis());
    if inside < 0 || inside > took.saturating_add(1_000) {
        return Err(NtpError::Answer("its times contradict each other"));
    }
    Ok(NtpReading {
        address,
        offset: there.saturating_add(here) / 2,
        round_trip: u64::try_from(took.saturating_sub(inside)).unwrap_or(0),
        stratum,
    })
}

/// The time stamp at `at`, in the era that is nearest to `near` (section 6); none where it is zero.
fn stamp(octets: &[u8; LENGTH], at: usize, near: Moment) -> Option<Moment> {
    let word = |from: usize| {
        octets
            .get(from..from + 4)
            .into_iter()
            .flatten()
            .fold(0_i64, |sum, octet| (sum << 8) | i64::from(*octet))
    };
    let (seconds, fraction) = (word(at), word(at + 4));
    if (seconds, fraction) == (0, 0) {
        return None;
    }
    let millis = (seconds - TO_UNIX) * 1_000 + ((fraction * 1_000) >> 32);
    let era = (1_i64 << 32) * 1_000;
    let eras = near
        .millis()
        .saturating_sub(millis)
        .saturating_add(era / 2)
        .div_euclid(era);
    Some(Moment::from_millis(
        millis.saturating_add(eras.saturating_mul(era)),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(first: u8, stratum: u8, came: i64, went: i64) -> [u8; LENGTH] {
        let mut octets = [0; LENGTH];
        (octets[0], octets[1]) = (first, stratum);
        octets[12..16].copy_from_slice(b"RATE");
        for (at, millis) in [(32, came), (40, went)] {
            let seconds = (millis.div_euclid(1000) + TO_UNIX).rem_euclid(1 << 32) as u32;
            let fraction = ((millis.rem_euclid(1000) << 32) / 1000 + 1) as u32;
            octets[at..at + 4].copy_from_slice(&seconds.to_be_bytes());
            octets[at + 4..at + 8].copy_from_slice(&fraction.to_be_bytes());
        }
        octets
    }

    fn judged(octets: &[u8; LENGTH], sent: i64) -> Result<(i64, u64), NtpError> {
        let address = "192.0.2.1:123".parse().unwrap();
        let reading = read(
            octets,
            address,
            Moment::from_millis(sent),
            Duration::from_millis(100),
        )?;
        Ok((reading.offset, reading.round_trip))
    }

    #[test]
    fn the_offset_is_that_of_rfc_5905_also_in_the_next_era() {
        // 2036-02-07 is where the seconds begin anew.
        for sent in [1_795_000_000_000, 2_085_978_496_000 - 40, 2_200_000_000_000] {
            let octets = answer(0x24, 2, sent + 550, sent + 570);
            assert_eq!(judged(&octets, sent), Ok((510, 80)), "{sent}");
            let octets = answer(0x24, 2, sent - 450, sent - 430);
            assert_eq!(judged(&octets, sent), Ok((-490, 80)), "{sent}");
        }
    }

    #[test]
    fn who_does_not_know_or_does_not_want_is_refused() {
        let at = 1_795_000_000_000;
        let said = |first, stratum| judged(&answer(first, stratum, at, at), at).unwrap_err();
        assert_eq!(said(0xe4, 2), NtpError::Unsynchronized);
        assert_eq!(said(0x24, 16), NtpError::Unsynchronized);
        assert_eq!(said(0x24, 0), NtpError::Kiss("RATE".to_owned()));
        assert!(matches!(said(0x23, 2), NtpError::Answer(_)));
        let backwards = answer(0x24, 2, at + 50, at + 20);
        assert!(matches!(judged(&backwards, at), Err(NtpError::Answer(_))));
        let mut empty = answer(0x24, 2, at, at);
        empty[32..].fill(0);
        assert!(matches!(judged(&empty, at), Err(NtpError::Answer(_))));
    }

    #[test]
    fn servers_are_names_or_addresses() {
        let read = |text: &str| ntp_server(text).map(|(host, port)| format!("{host} {port}"));
        assert_eq!(read("ntp.example").as_deref(), Some("ntp.example 123"));
        assert_eq!(read("192.0.2.1:99").as_deref(), Some("192.0.2.1 99"));
        assert_eq!(read("2001:db8::1").as_deref(), Some("2001:db8::1 123"));
        assert_eq!(read("[2001:db8::1]:99").as_deref(), Some("2001:db8::1 99"));
        for bad in ["", ":1", "a b", "http://x", "x:0", "x:99999"] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }
}
