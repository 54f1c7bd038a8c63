//! Random small timelines, and their text.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::subsequence;
use serde_json::{Value as Json, json};

use super::resolvers::{Served, What, World};

/// The last second at which anything begins.
pub(crate) const LATEST: usize = 20;

#[derive(Debug, Clone)]
pub(crate) struct Case {
    pub(crate) world: World,
    pub(crate) versions: Vec<Served>,
    /// Second 0 in Unix time, and whether times are written as RFC 3339.
    pub(crate) epoch: i64,
    pub rfc3339: bool,
}

#[derive(Debug, Clone)]
pub(crate) struct Proposal {
    pub(crate) case: Case,
    /// Which versions end.
    pub(crate) ends: Vec<usize>,
    pub(crate) begins: Vec<Served>,
    pub(crate) now: usize,
}

fn version(world: &World, latest: usize) -> impl Strategy<Value = Served> + use<> {
    let all: Vec<usize> = (0..world.providers).collect();
    let names = subsequence(all.clone(), 1..=world.providers);
    let at = proptest::sample::select(all);
    let keys: Vec<usize> = (0..world.keys.len()).collect();
    let some = subsequence(keys.clone(), 0..=keys.len());
    let record = (
        proptest::sample::select(keys.clone()),
        prop_oneof![4 => Just(2u8), 2 => Just(1), 2 => Just(4), 1 => Just(3)],
    );
    let key_set = subsequence(keys, 0..=world.keys.len()).prop_flat_map(|keys| {
        let most = keys.len();
        let signed = subsequence(keys.clone(), most.min(1)..=most);
        (Just(keys), signed)
    });
    let what = prop_oneof![
        2 => names.clone().prop_map(What::ParentNs),
        3 => (at.clone(), names).prop_map(|(at, names)| What::ApexNs(at, names)),
        3 => vec(record, 0..4).prop_map(What::Ds),
        3 => (at.clone(), key_set).prop_map(|(at, (keys, signed))| What::Dnskey(at, keys, signed)),
        3 => (at, some).prop_map(|(at, signed)| What::Data(at, signed)),
    ];
    let time = prop_oneof![1 => Just(0usize), 2 => 0..=latest];
    let until = prop_oneof![2 => Just(None), 3 => (0usize..9).prop_map(Some)];
    let valid = prop_oneof![4 => Just(None), 1 => (0usize..10, 0usize..15).prop_map(Some)];
    (what, time, until, 0usize..=6, valid).prop_map(|(what, from, lasts, ttl, valid)| Served {
        what: tidy(what),
        from,
        until: lasts.map(|lasts| from + lasts),
        ttl,
        valid: valid.map(|(from, lasts)| (from, from + lasts)),
    })
}

/// Lists in order and without repetition, so that equal versions are equal.
fn tidy(mut what: What) -> What {
    if let What::Ds(records) = &mut what {
        records.sort();
        records.dedup();
    }
    what
}

/// A zone that works, at one or all of the providers: without it random versions seldom meet.
fn frame(world: &World) -> impl Strategy<Value = Vec<Served>> + use<> {
    let (providers, keys) = (world.providers, world.keys.len());
    let served = (
        0usize..4,
        prop_oneof![2 => Just(None), 1 => (5usize..20).prop_map(Some)],
        0usize..=6,
    );
    let many = vec((served, prop::bool::weighted(0.9)), 2 + 3 * providers);
    (
        many,
        1..=providers,
        0..keys,
        0..keys,
        prop_oneof![3 => Just(2u8), 1 => Just(4), 1 => Just(1)],
    )
        .prop_map(move |(served, used, k, z, digest)| {
            let names: Vec<usize> = (0..used).collect();
            let mut set = vec![k.min(z), k.max(z)];
            set.dedup();
            let mut what = vec![What::ParentNs(names.clone()), What::Ds(vec![(k, digest)])];
            for p in 0..providers {
                what.push(What::ApexNs(p, names.clone()));
                what.push(What::Dnskey(p, set.clone(), vec![k]));
                what.push(What::Data(p, vec![z]));
            }
            let served = what.into_iter().zip(served).filter(|(_, (_, present))| *present);
            served
                .map(|(what, ((from, until, ttl), _))| Served {
                    what,
                    from: from.saturating_sub(2),
                    until,
                    ttl,
                    valid: None,
                })
                .collect()
        })
}

/// A value for a kind and place, in a zone with two keys that is amid a move. `weights`: of both keys or providers, of the
/// first alone, of the second alone.
fn moving_value(
    kind: usize,
    at: usize,
    providers: usize,
    weights: [u32; 3],
) -> impl Strategy<Value = What> + use<> {
    let [both, first, second] = weights;
    let some = prop_oneof![both => Just(vec![0usize, 1]), first => Just(vec![0]), second => Just(vec![1])];
    let names =
        some.clone().prop_map(
            move |names| match names.into_iter().filter(|&p| p < providers).collect() {
                names if names == Vec::<usize>::new() => vec![0],
                names => names,
            },
        );
    (some.clone(), some, names, 0usize..24).prop_map(move |(set, signed, names, odd)| match kind {
        0 => What::ParentNs(names),
        1 => What::ApexNs(at, names),
        2 if odd == 0 => What::Ds(Vec::new()),
        2 => What::Ds(
            signed
                .into_iter()
                .map(|key| (key, if odd == 1 && key == 0 { 1 } else { 2 }))
                .collect(),
        ),
        3 => {
            let set = if odd == 0 { Vec::new() } else { set };
            let signed = signed.into_iter().filter(|key| set.contains(key)).collect();
            What::Dnskey(at, set, signed)
        }
        _ => What::Data(at, if odd == 0 { Vec::new() } else { signed }),
    })
}

/// Each kind and place with up to three values, one after the other.
fn moving(world: &World) -> impl Strategy<Value = Vec<Served>> + use<> {
    let providers = world.providers;
    let one = move |kind: usize, at: usize| {
        let turns = prop_oneof![1 => Just(Vec::new()), 4 => vec(9usize..=12, 1..=2)];
        let earlier = vec((moving_value(kind, at, providers, [1, 2, 1]), 3usize..=6), 2);
        let last = if kind < 2 { [1, 2, 0] } else { [30, 1, 1] };
        let last = (moving_value(kind, at, providers, last), 0usize..=6);
        (earlier, last, turns).prop_map(|(mut values, last, mut turns)| {
            values.truncate(turns.len());
            values.push(last);
            turns.sort();
            let starts = [vec![0], turns.clone()].concat();
            let ends = turns.into_iter().map(Some).chain([None]);
            let times = starts.into_iter().zip(ends).zip(values);
            times
                .map(|((from, until), (what, ttl))| Served {
                    what,
                    from,
                    until,
                    ttl,
                    valid: None,
                })
                .collect::<Vec<_>>()
        })
    };
    let mut all = vec![one(0, 0).boxed(), one(2, 0).boxed()];
    for at in 0..providers {
        all.extend([one(1, at).boxed(), one(3, at).boxed(), one(4, at).boxed()]);
    }
    all.prop_map(|lists| lists.concat())
}

/// A zone amid a move, and its next step.
fn step() -> impl Strategy<Value = Proposal> {
    let world = (
        1usize..=2,
        prop_oneof![2 => Just(vec![13u8, 13]), 1 => Just(vec![8, 13])],
        0usize..3,
        0usize..3,
    );
    world
        .prop_map(|(providers, keys, floor, stale)| World {
            providers,
            keys,
            floor: floor.saturating_sub(1),
            stale: stale.saturating_sub(1),
            sticky: false,
        })
        .prop_flat_map(|world| {
            let next = (0usize..5, 0..world.providers).prop_flat_map({
                let providers = world.providers;
                move |(kind, at)| {
                    (
                        moving_value(kind, at, providers, [2, 1, 2]),
                        0usize..=6,
                        prop::bool::weighted(0.5),
                    )
                }
            });
            (
                moving(&world),
                Just(world),
                next,
                0usize..=16,
                prop::bool::weighted(0.2),
            )
        })
        .prop_map(|(versions, mut world, (what, ttl, only_end), wait, sticky)| {
            world.sticky = sticky;
            let now = wait + versions.iter().map(|version| version.from).max().unwrap_or(0);
            let new = Served {
                what,
                from: 0,
                until: None,
                ttl,
                valid: None,
            };
            let alike = |v: &Served| {
                std::mem::discriminant(&v.what) == std::mem::discriminant(&new.what)
                    && v.place() == new.place()
                    && v.is_served(now)
            };
            let ends = (0..versions.len()).filter(|&v| alike(&versions[v])).collect();
            let only_end = only_end && matches!(new.what, What::Data(..));
            let case = Case {
                world,
                versions,
                epoch: 0,
                rfc3339: false,
            };
            Proposal {
                case,
                ends,
                begins: if only_end { Vec::new() } else { vec![new] },
                now,
            }
        })
}

pub(crate) fn case(latest: usize, most: usize) -> impl Strategy<Value = Case> {
    let algorithm = proptest::sample::select(vec![13u8, 13, 8, 5]);
    let knobs = (
        prop_oneof![3 => Just(0usize), 1 => 0usize..4],
        prop_oneof![3 => Just(0usize), 1 => 0usize..4],
    );
    (
        1usize..=3,
        vec(algorithm, 1..=4),
        knobs,
        prop::bool::weighted(0.2),
        any::<bool>(),
    )
        .prop_map(|(providers, keys, (floor, stale), sticky, rfc3339)| {
            (
                World {
                    providers,
                    keys,
                    floor,
                    stale,
                    sticky,
                },
                rfc3339,
            )
        })
        .prop_flat_map(move |(world, rfc3339)| {
            let frame = prop_oneof![3 => frame(&world), 1 => Just(Vec::new())];
            let versions = vec(version(&world, latest), 1..=most);
            let versions = (frame, versions).prop_map(|(frame, random)| [frame, random].concat());
            let epoch = proptest::sample::select(vec![0i64, 1_795_514_400, -40]);
            (Just(world), versions.prop_shuffle(), Just(rfc3339), epoch)
        })
        .prop_map(|(world, versions, rfc3339, epoch)| Case {
            world,
            versions,
            epoch,
            rfc3339,
        })
}

pub(crate) fn proposal() -> impl Strategy<Value = Proposal> {
    prop_oneof![1 => any_proposal(), 2 => step()]
}

fn any_proposal() -> impl Strategy<Value = Proposal> {
    (case(12, 5), 0usize..=14)
        .prop_flat_map(|(case, now)| {
            let numbers: Vec<usize> = (0..case.versions.len()).collect();
            // Mostly what is served now: anything else is refused.
            let served: Vec<usize> = numbers
                .iter()
                .copied()
                .filter(|&v| case.versions[v].is_served(now))
                .collect();
            let few = served.len().min(2);
            let ends = prop_oneof![
                9 => subsequence(served, 0..=few),
                1 => subsequence(numbers, 0..=1),
            ];
            let begins = vec(version(&case.world, 0), 0..=2);
            (Just(case), ends, begins, Just(now), 0usize..4)
        })
        .prop_map(|(case, mut ends, mut begins, now, shape)| {
            // Often the change puts one value in the place of another.
            if let (1.., Some(new)) = (shape, begins.first()) {
                let alike = |v: &Served| {
                    std::mem::discriminant(&v.what) == std::mem::discriminant(&new.what)
                        && v.place() == new.place()
                        && v.is_served(now)
                };
                ends = (0..case.versions.len())
                    .filter(|&v| alike(&case.versions[v]))
                    .collect();
                begins.truncate(1);
                begins[0].until = None;
                begins[0].valid = None;
            }
            for begun in &mut begins {
                begun.from = 0;
                begun.until = begun.until.map(|until| until + now);
            }
            Proposal {
                case,
                ends,
                begins,
                now,
            }
        })
}

impl Case {
    /// Identities: equal versions are one, and bear the number of the first.
    pub(crate) fn identified(&self) -> Vec<(usize, Served)> {
        let mut all: Vec<(usize, Served)> = Vec::new();
        for (number, version) in self.versions.iter().enumerate() {
            if !all.iter().any(|(_, other)| other == version) {
                all.push((number, version.clone()));
            }
        }
        all
    }

    pub(crate) fn time(&self, second: usize) -> Json {
        let unix = self.epoch + second as i64;
        if self.rfc3339 {
            jiff::Timestamp::from_second(unix).unwrap().to_string().into()
        } else {
            unix.into()
        }
    }

    pub(crate) fn second(&self, time: &Json) -> usize {
        let unix = match time {
            Json::String(text) if self.rfc3339 => text.parse::<jiff::Timestamp>().unwrap().as_second(),
            Json::Number(number) if !self.rfc3339 => number.as_i64().unwrap(),
            other => panic!("a time in the wrong form: {other}"),
        };
        usize::try_from(unix - self.epoch).unwrap()
    }

    /// The object of a version. The field `id` means nothing to the format, and has to come back with the object.
    pub(crate) fn object(&self, version: &Served, id: usize, with_from: bool) -> Json {
        let provider = |p: &usize| format!("p{p}");
        let providers = |list: &[usize]| -> Vec<String> { list.iter().map(provider).collect() };
        let keys = |list: &[usize]| -> Vec<String> { list.iter().rev().map(|k| format!("k{k}")).collect() };
        let mut object = match &version.what {
            What::ParentNs(names) => json!({"kind": "parent_ns", "providers": providers(names)}),
            What::ApexNs(at, names) => {
                json!({"kind": "apex_ns", "at": provider(at), "providers": providers(names)})
            }
            What::Ds(records) => json!({"kind": "ds", "ds": records.iter()
                .map(|(key, digest)| json!({"key": format!("k{key}"), "digest": digest})).collect::<Vec<_>>()}),
            What::Dnskey(at, set, signed) => {
                json!({"kind": "dnskey", "at": provider(at), "keys": keys(set), "signed_by": keys(signed)})
            }
            What::Data(at, signed) => json!({"kind": "data", "at": provider(at), "signed_by": keys(signed)}),
        };
        object["ttl"] = version.ttl.into();
        object["until"] = version.until.map_or(Json::Null, |until| self.time(until));
        if with_from {
            object["from"] = self.time(version.from);
        }
        if let Some((from, until)) = version.valid {
            object["valid"] = json!([self.time(from), self.time(until)]);
        }
        object["id"] = id.into();
        object
    }

    pub(crate) fn text(&self) -> String {
        let providers: Vec<String> = (0..self.world.providers).map(|p| format!("p{p}")).collect();
        let keys: serde_json::Map<String, Json> = self
            .world
            .keys
            .iter()
            .enumerate()
            .map(|(k, algorithm)| (format!("k{k}"), json!({ "algorithm": algorithm })))
            .collect();
        let versions: Vec<Json> = self
            .versions
            .iter()
            .enumerate()
            .map(|(id, v)| self.object(v, id, true))
            .collect();
        json!({"zone": "z.test.", "providers": providers, "keys": keys, "versions": versions, "comment": 1})
            .to_string()
    }
}
