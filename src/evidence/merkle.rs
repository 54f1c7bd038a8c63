//! The Merkle tree hash over the entries of a journal (RFC 6962, section 2.1), grown leaf by leaf.
//!
//! A leaf is the 32 octets of the SHA-256 of an entry's line without its newline: the value that the next entry names in
//! `prev`. So a tree commits to the very lines, and a line is hashed once for both.

use ring::digest::{Context, SHA256};

/// A SHA-256.
pub type Hash = [u8; 32];

/// The hash of a leaf's 32 octets: SHA-256(0x00, leaf).
pub fn leaf_hash(leaf: &Hash) -> Hash {
    hash(0, &[leaf])
}

fn node_hash(left: &Hash, right: &Hash) -> Hash {
    hash(1, &[left, right])
}

fn hash(prefix: u8, parts: &[&Hash]) -> Hash {
    let mut context = Context::new(&SHA256);
    context.update(&[prefix]);
    for part in parts {
        context.update(*part);
    }
    digest_octets(context.finish().as_ref())
}

/// The 32 octets of a SHA-256.
pub(super) fn digest_octets(digest: &[u8]) -> Hash {
    let mut out = [0; 32];
    out.copy_from_slice(digest);
    out
}

/// A tree that grows: the roots of the complete subtrees on its right edge, largest first, one for each 1 in the binary
/// form of the size.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tree {
    size: u64,
    edge: Vec<Hash>,
}

impl Tree {
    /// Takes the next leaf.
    pub fn push(&mut self, leaf: &Hash) {
        let mut node = leaf_hash(leaf);
        let mut size = self.size;
        while size & 1 == 1 {
            if let Some(left) = self.edge.pop() {
                node = node_hash(&left, &node);
            }
            size >>= 1;
        }
        self.edge.push(node);
        self.size += 1;
    }

    /// How many leaves there are.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The hash of the tree; that of no leaves is the SHA-256 of nothing.
    pub fn root(&self) -> Hash {
        let mut edge = self.edge.iter().rev();
        match edge.next() {
            None => digest_octets(ring::digest::digest(&SHA256, b"").as_ref()),
            Some(last) => edge.fold(*last, |right, left| node_hash(left, &right)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The definition of RFC 6962, read off the page.
    fn by_definition(leaves: &[Hash]) -> Hash {
        match leaves {
            [] => digest_octets(ring::digest::digest(&SHA256, b"").as_ref()),
            [leaf] => leaf_hash(leaf),
            _ => {
                let half = leaves.len().next_power_of_two() / 2;
                node_hash(&by_definition(&leaves[..half]), &by_definition(&leaves[half..]))
            }
        }
    }

    #[test]
    fn grows_to_what_the_definition_says() {
        let leaves: Vec<Hash> = (0..70u8).map(|n| [n; 32]).collect();
        let mut tree = Tree::default();
        assert_eq!(tree.root(), by_definition(&[]));
        for count in 1..=leaves.len() {
            tree.push(&leaves[count - 1]);
            assert_eq!(tree.root(), by_definition(&leaves[..count]), "{count} leaves");
            assert_eq!(tree.size(), count as u64);
        }
    }

    #[test]
    fn an_empty_tree_is_the_hash_of_nothing() {
        assert_eq!(
            data_encoding::HEXLOWER.encode(&Tree::default().root()),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        );
    }
}
