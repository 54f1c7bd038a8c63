//! Proofs that hold, and each with one part missing or wrong.

mod nsec;
mod nsec3;

use super::nsec3::hash;
use super::*;
use crate::dns::rrsets;
use crate::dns::testing::{name, records};

fn denial(zone: &str, text: &str) -> Denial {
    Denial::new(&name(zone), &rrsets(&records(text)))
}

fn told(proof: Proof) -> Result<Fact, &'static str> {
    proof.map_err(|fault| fault.code)
}

#[test]
fn bitmaps() {
    let read = |octets: &[u8]| bitmap::TypeBitmap::read(octets);
    let two = read(&[0, 1, 0x40, 1, 1, 0x80]).unwrap();
    assert!(two.has(Rtype::A) && two.has(Rtype(256)));
    assert!(!two.has(Rtype::NS) && !two.has(Rtype(257)) && !two.has(Rtype(512)) && !two.has(Rtype::TXT));
    assert!(read(&[]).is_some());
    for bad in [
        &[0][..],
        &[0, 0],
        &[0, 2, 1],
        &[1, 1, 1, 0, 1, 1],
        &[0, 1, 1, 0, 1, 1],
    ] {
        assert_eq!(read(bad), None, "{bad:?}");
    }
    assert_eq!(read(&[&[0, 33][..], &[0; 33]].concat()), None);
}
