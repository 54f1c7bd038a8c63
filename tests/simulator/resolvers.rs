//! Resolvers that ask at random moments, keep what they get for its TTL, and validate whatever they hold. They look at
//! servers, moment by moment, and know nothing of versions or of the judge.

use super::dice::Dice;
use super::judge::{What, whats};
use super::keys::Keys;
use super::world::{REGISTRY, World};
use super::zones::{DsKeys, Hosts, SERVERS};

/// Copies of data of different names that a resolver holds.
const NAMES: usize = 3;

/// What one kind of resolver does.
#[derive(Clone, Copy, Debug)]
struct Policy {
    /// It raises TTLs to this, milliseconds.
    floor: i64,
    /// It uses NS and data that much longer.
    stale: i64,
    /// It prefers the apex NS RRset to the delegation.
    child: bool,
    /// It goes by the highest digest type alone, and otherwise by any.
    strict: bool,
}

#[derive(Clone, Copy, Debug)]
struct Copy<T> {
    what: T,
    until: i64,
}

#[derive(Debug, Default)]
struct Cache {
    delegation: Option<Copy<Hosts>>,
    apex: Option<Copy<Hosts>>,
    ds: Option<Copy<DsKeys>>,
    /// Keys, signers, and whether it was validated.
    dnskey: Option<Copy<(Keys, Keys)>>,
    validated: bool,
    data: [Option<Copy<Keys>>; NAMES],
}

/// What they found.
#[derive(Debug, Default)]
pub(crate) struct Found {
    pub(crate) validated: u64,
    pub(crate) failures: Vec<String>,
}

/// Lets some resolvers live through the whole move; `until` is when they go home.
pub(crate) fn ask(world: &World, dice: &mut Dice, resolvers: usize, questions: usize, until: i64) -> Found {
    let mut found = Found::default();
    let moments: Vec<i64> = world
        .servers
        .iter()
        .flat_map(|server| server.served.iter().skip(1).map(|(from, _)| *from))
        .collect();
    for _ in 0..resolvers {
        let policy = Policy {
            floor: dice.pick(&[0, 1_000 * i64::from(world.scenario.rules.ttl_floor)]),
            stale: dice.pick(&[0, 1_000 * i64::from(world.scenario.rules.stale)]),
            child: dice.once_in(2),
            strict: dice.once_in(2),
        };
        let mut times: Vec<i64> = (0..questions)
            .map(|_| moment(world, dice, &moments, until))
            .collect();
        times.sort_unstable();
        let mut cache = Cache::default();
        for now in times {
            if let Err(why) = cache.resolve(world, dice, policy, now) {
                found.failures.push(format!("{now} ms: {why} ({policy:?})"));
                cache = Cache::default();
            } else {
                found.validated += 1;
            }
        }
    }
    found
}

/// Around the moments at which something changes, where it is dangerous.
fn moment(world: &World, dice: &mut Dice, moments: &[i64], until: i64) -> i64 {
    let start = 1_000 * super::world::START;
    if moments.is_empty() || dice.once_in(4) {
        return dice.between(start, until);
    }
    let changed = dice.pick(moments);
    let far = dice.spread(1, 1_000 * world.scenario.longest_wait() + 1_000);
    let at = if dice.once_in(2) {
        changed - far
    } else {
        changed + far - 1
    };
    at.clamp(start, until)
}

fn expire<T>(copy: &mut Option<Copy<T>>, now: i64) {
    if copy.as_ref().is_some_and(|copy| copy.until <= now) {
        *copy = None;
    }
}

impl Cache {
    fn resolve(&mut self, world: &World, dice: &mut Dice, policy: Policy, now: i64) -> Result<(), String> {
        expire(&mut self.delegation, now);
        expire(&mut self.apex, now);
        expire(&mut self.ds, now);
        expire(&mut self.dnskey, now);
        self.data.iter_mut().for_each(|data| expire(data, now));
        self.validated &= self.dnskey.is_some();
        let life = |ttl: u32| (1_000 * i64::from(ttl)).max(policy.floor);
        if self.delegation.is_none() && (self.apex.is_none() || !policy.child) {
            let (zone, _) = at_operator(world, dice, REGISTRY, now);
            let ttl = zone.ns_ttl.max(world.scenario.address_ttl);
            self.delegation = Some(Copy {
                what: zone.hosts,
                until: now + life(ttl) + policy.stale,
            });
        }
        let servers = match (&self.apex, &self.delegation) {
            (Some(apex), _) if policy.child => apex.what,
            (_, Some(delegation)) => delegation.what,
            (Some(apex), None) => apex.what,
            (None, None) => return Err("no servers".to_owned()),
        };
        if self.ds.is_none() {
            let (zone, _) = at_operator(world, dice, REGISTRY, now);
            self.ds = Some(Copy {
                what: zone.ds,
                until: now + life(zone.key_ttl),
            });
        }
        if self.dnskey.is_none() {
            let (zone, _) = at_host(world, dice, servers, now)?;
            self.dnskey = Some(Copy {
                what: (zone.dnskeys(), zone.key_signers),
                until: now + life(zone.key_ttl),
            });
            self.validated = false;
        }
        if self.apex.is_none() && dice.once_in(2) {
            let (zone, _) = at_host(world, dice, servers, now)?;
            let ttl = zone.ns_ttl.max(world.scenario.address_ttl);
            self.apex = Some(Copy {
                what: zone.hosts,
                until: now + life(ttl) + policy.stale,
            });
        }
        let name = dice.below(NAMES as u64) as usize;
        if self.data[name].is_none() {
            let (zone, operator) = at_host(world, dice, servers, now)?;
            let (what, ttl) = whats(world, operator, &zone)
                .into_iter()
                .find(|(what, _)| matches!(what, What::Data(..)))
                .ok_or("no data")?;
            let What::Data(_, signers) = what else {
                return Err("no data".to_owned());
            };
            self.data[name] = Some(Copy {
                what: signers,
                until: now + life(ttl) + policy.stale,
            });
        }
        self.validate(policy)
    }

    /// Whatever it holds has to fit together.
    fn validate(&mut self, policy: Policy) -> Result<(), String> {
        let (Some(ds), Some(dnskey)) = (&self.ds, &self.dnskey) else {
            return Ok(());
        };
        let (keys, signers) = dnskey.what;
        let DsKeys { sha256, sha384 } = ds.what;
        if sha256 | sha384 == 0 {
            return Ok(());
        }
        let useful = if policy.strict && sha384 != 0 {
            sha384
        } else {
            sha256 | sha384
        };
        if keys & signers & useful == 0 {
            return Err(format!(
                "no DS ({useful:b}) names a key that signs the DNSKEY RRset ({keys:b})"
            ));
        }
        self.validated = true;
        for data in self.data.iter().flatten() {
            if data.what & keys == 0 {
                return Err(format!("no key ({keys:b}) made the signature ({:b})", data.what));
            }
        }
        Ok(())
    }
}

fn at_operator(world: &World, dice: &mut Dice, operator: usize, now: i64) -> (super::zones::Zone, usize) {
    let servers: Vec<_> = world
        .servers
        .iter()
        .filter(|server| server.operator == operator)
        .collect();
    (*dice.pick(&servers).at(now), operator)
}

fn at_host(
    world: &World,
    dice: &mut Dice,
    hosts: Hosts,
    now: i64,
) -> Result<(super::zones::Zone, usize), String> {
    let named: Vec<_> = world
        .servers
        .iter()
        .filter(|server| server.operator != REGISTRY)
        .filter(|server| hosts >> ((server.operator - 1) * SERVERS + server.number) & 1 == 1)
        .collect();
    if named.is_empty() {
        return Err("it knows no server".to_owned());
    }
    let server = dice.pick(&named);
    let zone = *server.at(now);
    if zone.serving {
        Ok((zone, server.operator))
    } else {
        Err("a server that was named serves nothing".to_owned())
    }
}
