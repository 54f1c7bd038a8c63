//! Published vectors: key tags, digests and signatures as the RFCs print them.

use unbroken::dns::{Name, Record, Rrset, Rtype, parse_records, rrsets};
use unbroken::dnssec::{
    Dnskey, Ds, Policy, Rrsig, SignatureFault, Support, policy::rsa_bits, signed_data, verify_rrset,
};

use super::textbook;

struct Vector {
    key: Dnskey,
    rrset: Rrset,
    zone: Name,
}

/// A DNSKEY, and one RRset with its RRSIG.
fn vector(text: &str) -> Vector {
    let records = parse_records(text, &Name::root(), 3600).unwrap();
    let (keys, rest): (Vec<Record>, Vec<Record>) = records
        .into_iter()
        .partition(|record| record.rtype == Rtype::DNSKEY);
    Vector {
        key: Dnskey::from_rdata(&keys[0].rdata).unwrap(),
        rrset: rrsets(&rest).remove(0),
        zone: keys[0].name.clone(),
    }
}

impl Vector {
    fn verify(&self, at: i64) -> Result<(), SignatureFault> {
        verify_rrset(&self.rrset, &self.rrset.signatures[0], &self.key, &self.zone, at)
    }

    fn window(&self) -> (i64, i64) {
        let signature: &Rrsig = &self.rrset.signatures[0];
        (i64::from(signature.inception), i64::from(signature.expiration))
    }

    /// Good at both edges of the window, not beyond, and not with any other data.
    fn holds(&self, tag: u16) {
        let (from, until) = self.window();
        assert_eq!(self.key.tag(), tag);
        assert_eq!(self.verify(from), Ok(()));
        assert_eq!(self.verify(until), Ok(()));
        assert_eq!(self.verify(from - 1), Err(SignatureFault::NotYetValid(1)));
        assert_eq!(self.verify(until + 1), Err(SignatureFault::Expired(1)));
        let mut other = self.rrset.clone();
        other.rdatas[0][0] ^= 1;
        let verdict = verify_rrset(&other, &other.signatures[0], &self.key, &self.zone, from);
        assert_eq!(verdict, Err(SignatureFault::BadSignature));
    }
}

fn ds(zone: &Name, text: &str) -> Ds {
    let records = parse_records(&format!("{zone} DS {text}\n"), &Name::root(), 3600).unwrap();
    Ds::from_rdata(&records[0].rdata).unwrap()
}

const P256: &str = "\
example.net. 3600 IN DNSKEY 257 3 13 (
  GojIhhXUN/u4v54ZQqGSnyhWJwaubCvTmeexv7bR6edb krSqQpF64cYbcB7wNcP+e+MAnLr+Wi9xMWyQLc8NAA== )
www.example.net. 3600 IN A 192.0.2.1
www.example.net. 3600 IN RRSIG A 13 3 3600 20100909100439 20100812100439 55648 example.net. (
  qx6wLYqmh+l9oCKTN6qIc+bw6ya+KJ8oMz0YP107epXA yGmt+3SNruPFKG7tZoLBLlUzGGus7ZwmwWep666VCw== )
";

const P384: &str = "\
example.net. 3600 IN DNSKEY 257 3 14 (
  xKYaNhWdGOfJ+nPrL8/arkwf2EY3MDJ+SErKivBVSum1 w/egsXvSADtNJhyem5RCOpgQ6K8X1DRSEkrbYQ+OB+v8
  /uX45NBwY8rp65F6Glur8I/mlVNgF6W/qTI37m40 )
www.example.net. 3600 IN A 192.0.2.1
www.example.net. 3600 IN RRSIG A 14 3 3600 20100909102025 20100812102025 10771 example.net. (
  /L5hDKIvGDyI1fcARX3z65qrmPsVz73QD1Mr5CEqOiLP 95hxQouuroGCeZOvzFaxsT8Glr74hbavRKayJNuydCuz
  WTSSPdz7wnqXL5bdcJzusdnI0RSMROxxwGipWcJm )
";

#[test]
fn rfc_6605_ecdsa() {
    let p256 = vector(P256);
    p256.holds(55648);
    let digest = "55648 13 2 b4c8c1fe2e7477127b27115656ad6256f424625bf5c1e2770ce6d6e37df61d17";
    assert_eq!(Ds::of(&p256.zone, &p256.key, 2), Some(ds(&p256.zone, digest)));
    let p384 = vector(P384);
    p384.holds(10771);
    let digest = "10771 14 4 72d7b62976ce06438e9c0bf319013cf801f09ecc84b8d7e9495f27e305c6a9b0563a9b5f4d288405c3008a946df983d6";
    assert_eq!(Ds::of(&p384.zone, &p384.key, 4), Some(ds(&p384.zone, digest)));
}

/// RFC 8080 section 6.1 as corrected by verified erratum 4935 (the printed RRSIGs have a wrong Labels field).
#[test]
fn rfc_8080_ed25519() {
    for (key, tag, digest, signature) in [
        (
            "l02Woi0iS8Aa25FQkUd9RMzZHJpBoRQwAQEX1SxZJA4=",
            3613,
            "3aa5ab37efce57f737fc1627013fee07bdf241bd10f3b1964ab55c78e79a304b",
            "oL9krJun7xfBOIWcGHi7mag5/hdZrKWw15jPGrHpjQeRAvTdszaPD+QLs3fx8A4M3e23mRZ9VrbpMngwcrqNAg==",
        ),
        (
            "zPnZ/QwEe7S8C5SPz2OfS5RR40ATk2/rYnE9xHIEijs=",
            35217,
            "401781b934e392de492ec77ae2e15d70f6575a1c0bc59c5275c04ebe80c6614c",
            "zXQ0bkYgQTEFyfLyi9QoiY6D8ZdYo4wyUhVioYZXFdT410QPRITQSqJSnzQoSm5poJ7gD7AQR0O7KuI5k2pcBg==",
        ),
    ] {
        let found = vector(&format!(
            "example.com. DNSKEY 257 3 15 {key}\nexample.com. MX 10 mail.example.com.\n\
             example.com. RRSIG MX 15 2 3600 1440021600 1438207200 {tag} example.com. {signature}\n"
        ));
        found.holds(tag);
        let digest = ds(&found.zone, &format!("{tag} 15 2 {digest}"));
        assert_eq!(Ds::of(&found.zone, &found.key, 2), Some(digest));
    }
}

/// Ed25519 signs the same octets always alike, so the octets that we sign are those of the RFC.
#[test]
fn rfc_8080_signing_gives_the_same_octets() {
    let found = vector(
        "example.com. DNSKEY 257 3 15 l02Woi0iS8Aa25FQkUd9RMzZHJpBoRQwAQEX1SxZJA4=\nexample.com. MX 10 mail.example.com.\n\
         example.com. RRSIG MX 15 2 3600 1440021600 1438207200 3613 example.com. oL9krJun7xfBOIWcGHi7mag5/hdZrKWw15jPGrHpjQeRAvTdszaPD+QLs3fx8A4M3e23mRZ9VrbpMngwcrqNAg==\n",
    );
    let seed = data_encoding::BASE64
        .decode(b"ODIyNjAzODQ2MjgwODAxMjI2NDUxOTAyMDQxNDIyNjI=")
        .unwrap();
    let pair = ring::signature::Ed25519KeyPair::from_seed_unchecked(&seed).unwrap();
    let signature = &found.rrset.signatures[0];
    let data = signed_data(&found.rrset, signature).unwrap();
    assert_eq!(pair.sign(&data).as_ref(), signature.signature);
}

#[test]
fn rfc_5702_rsa() {
    vector(
        "example.net. 3600 IN DNSKEY 256 3 10 (
           AwEAAdHoNTOW+et86KuJOWRDp1pndvwb6Y83nSVXXyLA3DLroROUkN6X0O6pnWnjJQujX/AyhqFDxj13tOnD9u/1kTg7cV6rklMrZDtJ
           CQ5PCl/D7QNPsgVsMu1J2Q8gpMpztNFLpPBz1bWXjDtaR7ZQBlZ3PFY12ZTSncorffcGmhOL )
www.example.net. 3600 IN A 192.0.2.91
www.example.net. 3600 IN RRSIG A 10 3 3600 20300101000000 20000101000000 3740 example.net. (
           tsb4wnjRUDnB1BUi+t6TMTXThjVnG+eCkWqjvvjhzQL1d0YRoOe0CbxrVDYd0xDtsuJRaeUw1ep94PzEWzr0iGYgZBWm/zpq+9fOuagY
           JRfDqfReKBzMweOLDiNa8iP5g9vMhpuv6OPlvpXwm9Sa9ZXIbNl1MBGk0fthPgxdDLw= )
        ",
    )
    .holds(3740);
}

/// The key of section 6.1 has 512 bits, which this build cannot check: it says so, and calls nothing bogus. The octets that
/// it would check are those that were signed.
#[test]
fn rfc_5702_short_rsa_cannot_be_checked() {
    let found = vector(
        "example.net. 3600 IN DNSKEY 256 3 8 (
           AwEAAcFcGsaxxdgiuuGmCkVImy4h99CqT7jwY3pexPGcnUFtR2Fh36BponcwtkZ4cAgtvd4Qs8PkxUdp6p/DlUmObdk= )
www.example.net. 3600 IN A 192.0.2.91
www.example.net. 3600 IN RRSIG A 8 3 3600 20300101000000 20000101000000 9033 example.net. (
           kRCOH6u7l0QGy9qpC9l1sLncJcOKFLJ7GhiUOibu4teYp5VE9RncriShZNz85mwlMgNEacFYK/lPtPiVYP4bwg== )
        ",
    );
    assert_eq!((found.key.tag(), rsa_bits(&found.key)), (9033, Some(512)));
    assert_eq!(found.verify(1_000_000_000), Err(SignatureFault::KeySize(512)));
    let signature = &found.rrset.signatures[0];
    assert!(textbook::holds(&found.rrset, signature, &found.key, &found.zone));
    let mut other = found.rrset.clone();
    other.rdatas[0][0] ^= 1;
    assert!(!textbook::holds(&other, signature, &found.key, &found.zone));
}

/// RFC 8080 section 6.2: tag and digest hold, and of the signature it is said that it cannot be checked here.
#[test]
fn rfc_8080_ed448_cannot_be_checked() {
    for (key, tag, digest) in [
        (
            "3kgROaDjrh0H2iuixWBrc8g2EpBBLCdGzHmn+G2MpTPhpj/OiBVHHSfPodx1FYYUcJKm1MDpJtIA",
            9713,
            "6ccf18d5bc5d7fc2fceb1d59d17321402f2aa8d368048db93dd811f5cb2b19c7",
        ),
        (
            "kkreGWoccSDmUBGAe7+zsbG6ZAFQp+syPmYUurBRQc3tDjeMCJcVMRDmgcNLp5HlHAMy12VoISsA",
            38353,
            "645ff078b3568f5852b70cb60e8e696cc77b75bfaaffc118cf79cbda1ba28af4",
        ),
    ] {
        let found = vector(&format!(
            "example.com. DNSKEY 257 3 16 {key}\nexample.com. MX 10 mail.example.com.\n\
             example.com. RRSIG MX 16 2 3600 1440021600 1438207200 {tag} example.com. {}\n",
            data_encoding::BASE64.encode(&[7; 114])
        ));
        assert_eq!(found.key.tag(), tag);
        let digest = ds(&found.zone, &format!("{tag} 16 2 {digest}"));
        assert_eq!(Ds::of(&found.zone, &found.key, 2), Some(digest));
        assert_eq!(found.verify(1_439_000_000), Err(SignatureFault::CannotCheck(16)));
        assert_eq!(found.verify(1_441_000_000), Err(SignatureFault::Expired(978_400)));
    }
}

/// RFC 4034 section 5.4 and RFC 4509 section 2.3.
#[test]
fn digests_of_one_key() {
    let zone = Name::parse("dskey.example.com.").unwrap();
    let found = vector(
        "dskey.example.com. 86400 IN DNSKEY 256 3 5 ( AQOeiiR0GOMYkDshWoSKz9Xz fwJr1AYtsmx3TGkJaNXVbfi/ 2pHm822aJ5iI9BMzNXxeYCmZ
            DRD99WYwYqUSdjMmmAphXdvx egXd/M5+X7OrzKBaMbCVdFLU Uh6DhweJBjEVv5f2wwjM9Xzc nOf+EPbtG9DMBmADjFDc2w/r ljwvFw== )
www.example.net. A 192.0.2.1\n",
    );
    assert_eq!(found.key.tag(), 60485);
    for text in [
        "60485 5 1 2BB183AF5F22588179A53B0A98631FAD1A292118",
        "60485 5 2 D4B7D520E7BB5F0F67674A0CCEB1E3E0614B93C4F9E99B8383F6A1E4469DA50A",
    ] {
        let published = ds(&zone, text);
        assert_eq!(published.to_string(), text);
        assert!(published.matches(&zone, &found.key), "{text}");
        assert!(!published.matches(&Name::parse("other.example.com.").unwrap(), &found.key));
    }
}

#[test]
fn the_policy_of_2026() {
    for number in [1, 3, 5, 6, 7, 12, 17, 23, 253, 99] {
        assert_eq!(
            Policy::Year2026.algorithm(number),
            Support::TreatedAsInsecure,
            "{number}"
        );
    }
    for number in [8, 10, 13, 14, 15] {
        assert_eq!(Policy::Year2026.algorithm(number), Support::Checked, "{number}");
    }
    // GOST and SM3 (RFC 5933, 9558, 9563), and what nobody defined.
    for number in [0, 3, 5, 6, 7] {
        assert_eq!(
            Policy::Year2026.digest(number),
            Support::TreatedAsInsecure,
            "{number}"
        );
    }
    for number in [1, 2, 4] {
        assert_eq!(Policy::Year2026.digest(number), Support::Checked, "{number}");
    }
    assert_eq!(Policy::Year2026.algorithm(16), Support::OnlyElsewhere);
    assert_eq!(
        (Policy::Then.algorithm(5), Policy::Then.algorithm(1)),
        (Support::Checked, Support::TreatedAsInsecure)
    );
    assert_eq!(serde_json::to_string(&Policy::Year2026).unwrap(), "\"2026\"");
}
