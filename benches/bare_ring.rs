//! The floor of `unbroken zone verify`: the same signatures over the same octets, put together beforehand, verified by ring
//! alone on the same number of threads. `benches/zone.sh` runs it beside the program.
//!
//! cargo bench --bench bare_ring -- FILE THREADS

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a benchmark may stop where it fails"
)]

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY, RsaPublicKeyComponents,
    UnparsedPublicKey,
};
use unbroken::adapters::ZoneFile;
use unbroken::dns::master::MasterReader;
use unbroken::dns::{Name, Record, Rtype, rrsets};
use unbroken::dnssec::{Dnskey, signed_data};

/// What is verified: which key, the octets, the signature.
struct Job {
    key: usize,
    data: Vec<u8>,
    signature: Vec<u8>,
}

fn main() {
    let arguments: Vec<String> = std::env::args().filter(|word| word != "--bench").collect();
    let [_, file, threads] = arguments.as_slice() else {
        // `cargo bench` and `cargo test` run every target; without a zone there is nothing to measure.
        println!("usage: cargo bench --bench bare_ring -- FILE THREADS");
        return;
    };
    let threads: usize = threads.parse().unwrap();
    let (keys, jobs) = prepare(file);
    let next = AtomicUsize::new(0);
    let before = processor_time();
    let begun = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let from = next.fetch_add(64, Ordering::Relaxed);
                    let Some(part) = jobs
                        .get(from..jobs.len().min(from + 64))
                        .filter(|part| !part.is_empty())
                    else {
                        break;
                    };
                    for job in part {
                        assert!(holds(&keys[job.key], job), "a signature is not good");
                    }
                }
            });
        }
    });
    // The processor's time is that of the process without what preparing took.
    let (spent, wall) = (processor_time() - before, begun.elapsed().as_secs_f64());
    println!("{} {wall:.3} {spent:.3}", jobs.len());
}

/// Seconds of processor time that this process has used, from `/proc`; 0 elsewhere.
fn processor_time() -> f64 {
    let text = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // After the name in parentheses, user and system time are the 12th and 13th fields, in hundredths of a second.
    let after = text.rsplit(')').next().unwrap_or_default();
    let ticks = after.split_whitespace().skip(11).take(2);
    ticks.filter_map(|field| field.parse::<f64>().ok()).sum::<f64>() / 100.0
}

fn prepare(file: &str) -> (Vec<Dnskey>, Vec<Job>) {
    let mut keys: Vec<Dnskey> = Vec::new();
    let mut records: BTreeMap<Name, Vec<Record>> = BTreeMap::new();
    ZoneFile::new(file, None)
        .read(
            MasterReader::new(&Name::root()),
            |raw| {
                let name = Name::from_wire(raw.owner).unwrap();
                if raw.rtype == Rtype::DNSKEY {
                    keys.push(Dnskey::from_rdata(raw.rdata).unwrap());
                }
                let record = Record::new(name.clone(), raw.rtype, raw.ttl, raw.rdata.to_vec());
                records.entry(name).or_default().push(record);
                true
            },
            |_| (),
        )
        .unwrap();
    let mut jobs = Vec::new();
    for rrset in records.into_values().flat_map(|records| rrsets(&records)) {
        for signature in &rrset.signatures {
            let key = keys
                .iter()
                .position(|key| (key.tag(), key.algorithm) == (signature.tag, signature.algorithm))
                .unwrap();
            jobs.push(Job {
                key,
                data: signed_data(&rrset, signature).unwrap(),
                signature: signature.signature.clone(),
            });
        }
    }
    (keys, jobs)
}

fn holds(key: &Dnskey, job: &Job) -> bool {
    let octets = &key.public_key;
    match key.algorithm {
        8 => {
            // A short exponent stands after one octet of length (RFC 3110 section 2).
            let (exponent, modulus) = octets[1..].split_at(usize::from(octets[0]));
            RsaPublicKeyComponents {
                n: modulus,
                e: exponent,
            }
            .verify(
                &RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY,
                &job.data,
                &job.signature,
            )
            .is_ok()
        }
        13 => {
            let mut point = [4u8; 65];
            point[1..].copy_from_slice(octets);
            UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point)
                .verify(&job.data, &job.signature)
                .is_ok()
        }
        15 => UnparsedPublicKey::new(&ED25519, octets)
            .verify(&job.data, &job.signature)
            .is_ok(),
        other => panic!("algorithm {other}"),
    }
}
