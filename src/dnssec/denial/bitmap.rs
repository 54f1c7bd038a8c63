//! The type bitmap of NSEC and NSEC3 (RFC 4034 section 4.1.2).

use crate::dns::Rtype;

/// A readable type bitmap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TypeBitmap(Vec<u8>);

impl TypeBitmap {
    /// Takes the octets; none where blocks are out of order, empty, too long or cut short.
    pub(super) fn read(octets: &[u8]) -> Option<TypeBitmap> {
        let mut rest = octets;
        let mut last: Option<u8> = None;
        while let Some((head, tail)) = rest.split_first_chunk::<2>() {
            let [window, length] = *head;
            let length = usize::from(length);
            if !(1..=32).contains(&length) || tail.len() < length || last.is_some_and(|last| last >= window) {
                return None;
            }
            last = Some(window);
            rest = &tail[length..];
        }
        rest.is_empty().then(|| TypeBitmap(octets.to_vec()))
    }

    /// Whether `rtype` is listed.
    pub(super) fn has(&self, rtype: Rtype) -> bool {
        let [window, low] = rtype.0.to_be_bytes();
        let mut rest: &[u8] = &self.0;
        while let Some((head, tail)) = rest.split_first_chunk::<2>() {
            let Some(block) = tail.get(..usize::from(head[1])) else {
                return false;
            };
            if head[0] == window {
                let octet = block.get(usize::from(low / 8)).copied().unwrap_or(0);
                return octet & (0x80 >> (low % 8)) != 0;
            }
            rest = &tail[block.len()..];
        }
        false
    }

    /// NS without SOA: the parent's side of a zone cut.
    pub(super) fn is_delegation(&self) -> bool {
        self.has(Rtype::NS) && !self.has(Rtype::SOA)
    }

    /// Whether names below the owner may lie in another zone or be renamed (RFC 6840 section 4.1).
    pub(super) fn hides_descendants(&self) -> bool {
        self.is_delegation() || self.has(Rtype::DNAME)
    }
}
