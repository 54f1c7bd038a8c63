//! One RRset under trusted keys.

use super::{Judge, Reason, Status};
use crate::dns::{Name, Rrset};
use crate::dnssec::policy::Support;
use crate::dnssec::{Attempt, Dnskey, SignatureFault, Signers, judge_rrset};

/// The verdict on one RRset.
pub(super) struct SetVerdict {
    pub(super) status: Status,
    pub(super) signers: Signers,
    /// The Labels field of the good signature, where it is less than the owner's: expanded from a wildcard.
    pub(super) expanded: Option<usize>,
    pub(super) reasons: Vec<Reason>,
}

impl Judge<'_> {
    /// Judges `rrset` of `zone` under `keys` (RFC 4035 section 5.3). Not checked: that a wildcard may be expanded here.
    pub(super) fn set(&mut self, rrset: &Rrset, keys: &[Dnskey], zone: &Name) -> SetVerdict {
        let owner = rrset.name.label_count() - usize::from(rrset.name.is_wildcard());
        // Unexpanded signatures first, then the closest wildcard.
        let mut ordered = rrset.clone();
        ordered
            .signatures
            .sort_by_key(|signature| std::cmp::Reverse(signature.labels));
        let signers = judge_rrset(&ordered, keys, zone, self.at, self.budget);
        let good_level = signers
            .attempts
            .iter()
            .filter(|attempt| self.is_good(attempt))
            .map(|attempt| usize::from(attempt.labels))
            .max();
        match good_level {
            Some(level) => SetVerdict {
                status: Status::Secure,
                signers,
                expanded: (level < owner).then_some(level),
                reasons: Vec::new(),
            },
            None => {
                let (status, reasons) = self.faults(rrset, &signers, zone);
                SetVerdict {
                    status,
                    signers,
                    expanded: None,
                    reasons,
                }
            }
        }
    }

    /// Whether the attempt makes an RRset good for today's validators.
    pub(super) fn is_good(&self, attempt: &Attempt) -> bool {
        attempt.octets.is_ok()
            && attempt.timely.is_ok()
            && self.policy.algorithm(attempt.key.key().algorithm) == Support::Checked
    }

    /// Why none of the attempts makes `rrset` good.
    pub(super) fn faults(&self, rrset: &Rrset, signers: &Signers, zone: &Name) -> (Status, Vec<Reason>) {
        let what = format!("{} {}", rrset.name, rrset.rtype);
        let mut reasons: Vec<Reason> = Vec::new();
        let mut status = Status::Bogus;
        for attempt in &signers.attempts {
            let (mut reason, undecided) = self.attempt_fault(attempt, &what, zone);
            let key = attempt.key.key();
            reason = reason
                .of(&rrset.name, rrset.rtype)
                .by(key.tag(), key.algorithm, Some(attempt.window));
            reason.about.key = Some(attempt.key.to_string());
            if undecided {
                status = Status::Indeterminate;
            }
            if !reasons.contains(&reason) {
                reasons.push(reason);
            }
        }
        for (tag, algorithm) in &signers.orphans {
            reasons.push(
                Reason::new(
                    "signature-no-key",
                    zone,
                    format!("{what}: no trusted key has the signature's tag {tag} and algorithm {algorithm}"),
                    "RFC 4035 section 5.3.1",
                )
                .of(&rrset.name, rrset.rtype)
                .by(*tag, *algorithm, None),
            );
        }
        if rrset.broken_signatures > 0 {
            reasons.push(
                Reason::new(
                    "signature-unreadable",
                    zone,
                    format!("{what}: {} signatures cannot be read", rrset.broken_signatures),
                    "RFC 4034 section 3.1",
                )
                .of(&rrset.name, rrset.rtype),
            );
        }
        if signers.untried > 0 {
            status = Status::Indeterminate;
            reasons.push(
                Reason::new(
                    "work-limit",
                    zone,
                    format!("{what}: {} more signatures were not tried", signers.untried),
                    "CVE-2023-50387",
                )
                .of(&rrset.name, rrset.rtype),
            );
        }
        if reasons.is_empty() {
            reasons.push(
                Reason::new(
                    "signature-missing",
                    zone,
                    format!("{what}: no signature, though the zone is secure"),
                    "RFC 4035 section 5.5",
                )
                .of(&rrset.name, rrset.rtype),
            );
        }
        (status, reasons)
    }

    /// The reason, and whether another validator might come to another end.
    fn attempt_fault(&self, attempt: &Attempt, what: &str, zone: &Name) -> (Reason, bool) {
        let key = attempt.key.key();
        let say = |text: String| format!("{what}: key {} (algorithm {}): {text}", key.tag(), key.algorithm);
        if self.policy.algorithm(key.algorithm) == Support::TreatedAsInsecure {
            let text = say("validators do not support this algorithm".to_owned());
            return (
                Reason::new("signature-unsupported", zone, text, "RFC 9904"),
                false,
            );
        }
        let fault = match (&attempt.octets, &attempt.timely) {
            // What this build cannot check and has expired is expired for everyone.
            (Ok(()) | Err(SignatureFault::CannotCheck(_) | SignatureFault::KeySize(_)), Err(untimely)) => {
                untimely
            }
            (Err(fault), _) => fault,
            (Ok(()), Ok(())) => &SignatureFault::BadSignature,
        };
        let undecided = matches!(fault, SignatureFault::CannotCheck(_) | SignatureFault::KeySize(_));
        let (code, rfc) = fault_code(fault);
        (Reason::new(code, zone, say(fault.to_string()), rfc), undecided)
    }
}

/// The stable code of a fault, and its rule.
fn fault_code(fault: &SignatureFault) -> (&'static str, &'static str) {
    let code = match fault {
        SignatureFault::TypeCovered(_) => "signature-wrong-type",
        SignatureFault::WrongSigner(_) => "signature-wrong-signer",
        SignatureFault::WrongLabels { .. } => "signature-wrong-labels",
        SignatureFault::AlgorithmMismatch { .. } | SignatureFault::TagMismatch { .. } => "signature-no-key",
        SignatureFault::NoZoneKey => "key-no-zone-bit",
        SignatureFault::Protocol(_) => "key-protocol",
        SignatureFault::Revoked => return ("key-revoked", "RFC 5011 section 2.1"),
        SignatureFault::Expired(_) => "signature-expired",
        SignatureFault::NotYetValid(_) => "signature-not-yet-valid",
        SignatureFault::CannotCheck(_) => return ("cannot-check-algorithm", "RFC 4035 section 4.3"),
        SignatureFault::KeySize(_) => return ("cannot-check-key-size", "RFC 4035 section 4.3"),
        SignatureFault::Empty => "signature-of-nothing",
        SignatureFault::BadSignature => return ("signature-invalid", "RFC 4035 section 5.3.3"),
    };
    (code, "RFC 4035 section 5.3.1")
}
