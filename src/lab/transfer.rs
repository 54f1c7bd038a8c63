//! Zone transfers (RFC 5936).

use super::wire::records_of;
use super::zone::Zone;
use crate::dns::{Record, Rtype};
use crate::moment::Moment;

/// RDATA and owner octets that one message of a transfer may hold, roughly.
const CHUNK: usize = 16_000;

/// All records of the zone with its signatures, SOA first and last, in portions for one message each.
pub(super) fn portions(zone: &Zone, now: Moment) -> Vec<Vec<Record>> {
    let mut records = Vec::new();
    let chain = zone.chain().rrsets();
    for rrset in zone.rrsets().into_iter().chain(chain) {
        let glue = zone.cut(&rrset.name).is_some_and(|cut| {
            cut != rrset.name || !matches!(rrset.rtype, Rtype::DS | Rtype::NSEC | Rtype::NSEC3)
        });
        let rrset = if glue { rrset } else { zone.signed(rrset, now).0 };
        records.extend(records_of(&rrset, true));
    }
    records.extend(
        zone.rrset(zone.apex(), Rtype::SOA)
            .iter()
            .flat_map(|soa| records_of(soa, false)),
    );
    let mut portions: Vec<Vec<Record>> = vec![Vec::new()];
    let mut size = 0;
    for record in records {
        let length = record.rdata.len() + record.name.wire().len() + 10;
        if size + length > CHUNK {
            portions.push(Vec::new());
            size = 0;
        }
        size += length;
        if let Some(portion) = portions.last_mut() {
            portion.push(record);
        }
    }
    portions
}
