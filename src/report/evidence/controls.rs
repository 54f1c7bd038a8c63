//! Which controls the parts of a bundle bear on. No claim of compliance: each row says what it does not show.

use super::view::ControlRow;

const SP800_53: &str = "NIST SP 800-53 Rev. 5";
const SP800_81: &str = "NIST SP 800-81";
const ISO27001: &str = "ISO/IEC 27001:2022";

/// The table.
pub(super) fn controls() -> Vec<ControlRow> {
    let row = |catalogue, control, asks, supports, not_covered| ControlRow {
        catalogue,
        control,
        asks,
        supports,
        not_covered,
    };
    vec![
        row(
            SP800_53,
            "SC-20 Secure name/address resolution service (authoritative source)",
            "Data origin authentication and integrity artifacts with authoritative data; the security status of child zones and the chain of trust to them.",
            "The raw answers (blobs/) with their RRSIG records and the chain from the anchor; the picture and the chain at each step; the continuity verdict over the whole time.",
            "Zones below this one; how the providers keep their private keys; times before the first and after the last sweep.",
        ),
        row(
            SP800_53,
            "SC-21 Secure name/address resolution service (recursive or caching resolver)",
            "Resolvers request and perform data origin authentication and integrity verification.",
            "Only the other half: that answers were there which every class of resolver that is listed could have validated, from any mixture of cached answers.",
            "Whether anybody's resolver validates at all. No resolver of the organization was looked at.",
        ),
        row(
            SP800_53,
            "SC-22 Architecture and provisioning for name/address resolution service",
            "The systems that together provide name resolution are fault-tolerant and separate internal and external roles.",
            "The list of server addresses with answered and unanswered sweeps and outages; who served the zone at each time.",
            "Network and geographic separation of the servers, internal and external views, anycast instances that were not met from this vantage.",
        ),
        row(
            SP800_53,
            "AU-10 Non-repudiation",
            "Evidence that an individual, or a process on its behalf, has performed an action.",
            "The hash chain of journal.ndjson; the seals, where there are any; intent and outcome of each change; the approvals with name and time.",
            "That the name in an approval is that person: it is what the system's account or the person said. A seal proves possession of a key, not who held it.",
        ),
        row(
            SP800_53,
            "CM-3 Configuration change control",
            "Changes are proposed, reviewed with regard to security, approved, documented, retained and monitored.",
            "The frozen plan and its hash, the approvals, plan and fact of each step, the waits with their arithmetic, the findings.",
            "The organization's own review before the plan; changes at the providers that this program did not make are seen only as changed answers.",
        ),
        row(
            SP800_81,
            "Secure Domain Name System (DNS) Deployment Guide",
            "Zones are signed and stay verifiable through key and provider changes; parents' DS records match; signatures do not run out.",
            "The DNSKEY and DS inventory with its times; the versions table; the gates that kept old data until it had left the caches.",
            "Key generation and storage, algorithm choice as a policy, zone transfer security, server hardening. Chapters are not named here, since they differ between the revisions of the guide.",
        ),
        row(
            ISO27001,
            "A.8.20 Networks security",
            "Networks and network devices are secured, managed and controlled to protect information in systems and applications.",
            "Name resolution of this one zone: answers with proof of origin during the change, outages of servers, authenticated channels that keys were read over.",
            "Everything else about networks; the confidentiality of DNS traffic.",
        ),
        row(
            ISO27001,
            "A.8.24 Use of cryptography",
            "Rules for the effective use of cryptography, key management included, are defined and implemented.",
            "The inventory of public keys: algorithm, fingerprint, how each was authenticated, when it was shown, used and withdrawn; the digests used for DS.",
            "The rules themselves; private keys, which were never seen and are in no bundle.",
        ),
        row(
            ISO27001,
            "A.8.32 Change management",
            "Changes to information processing facilities and information systems are subject to change management procedures.",
            "The plan, who approved it, each step's reason and way back, what was done and what was then seen; halts and faults.",
            "The procedure itself, its owners, and tests that were made outside of this bundle.",
        ),
    ]
}
