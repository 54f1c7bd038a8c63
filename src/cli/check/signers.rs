//! Which servers are one signer: those of one provider, and those that share a key that signs data. Pure.

use super::report::Server;

/// The servers of each signer, as indexes; servers that could not be asked are left out.
pub(super) fn signers(servers: &[Server]) -> Vec<Vec<usize>> {
    let asked: Vec<usize> = (0..servers.len())
        .filter(|index| servers.get(*index).is_some_and(|server| server.problem.is_none()))
        .collect();
    let unsigned = asked
        .iter()
        .filter_map(|index| servers.get(*index))
        .all(|server| server.data_signers.is_empty());
    let mut groups: Vec<Vec<usize>> = Vec::new();
    for index in asked {
        let Some(server) = servers.get(index) else {
            continue;
        };
        let (mut own, others): (Vec<_>, Vec<_>) = groups.into_iter().partition(|group: &Vec<usize>| {
            group
                .iter()
                .filter_map(|other| servers.get(*other))
                .any(|other| unsigned || same(server, other))
        });
        groups = others;
        own.push(vec![index]);
        let mut merged: Vec<usize> = own.into_iter().flatten().collect();
        merged.sort_unstable();
        groups.push(merged);
    }
    groups.sort();
    groups
}

fn same(a: &Server, b: &Server) -> bool {
    a.provider == b.provider || !a.data_signers.is_disjoint(&b.data_signers)
}
