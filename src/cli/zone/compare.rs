//! `unbroken zone compare`: two copies, read side by side; what differs is read again for its names.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::meter::Meter;
use super::source::{Copy, Wish};
use super::{CompareArgs, With};
use crate::cli::{Context, Exit, Failure};
use crate::dns::{Name, OwnerSet, Rtype, Ttl};
use crate::zone::{
    Collector, Contents, DifferenceKind, Differences, Existence, Ignore, NamedDifference, Namer, Side,
    Warning, differences, name_differences, names_above, warn_of_copies, warn_of_differences,
    warn_of_existence,
};

/// So many octets of lines are put together before they are written.
const LINES: usize = 64 * 1024;

/// Compares.
pub(super) async fn run(args: &CompareArgs, context: &Context) -> Result<Exit, Failure> {
    let left = Copy::open(&args.left, &args.reading, context).await?;
    let right = Copy::open(&args.right, &args.reading, context).await?;
    let zone = common_zone(&left, &right, args.reading.zone.as_ref())?;
    let ignore = ignore(&args.with);
    let pair = Pair {
        left: &left,
        right: &right,
        zone: &zone,
        ignore: &ignore,
        context,
    };
    let (here, there) = pair.collect().await?;
    let found = differences(&here, &there, args.limit);
    let (named, mut warnings) = pair.name(&found).await?;
    let max_ttl = match args.max_ttl {
        Some(ttl) => Some(ttl),
        None => planned_ttl(context, &zone)?,
    };
    warnings.extend(warn_of_copies(&zone, &here, &there, max_ttl));
    let report = Report {
        pair,
        here: &here,
        there: &there,
        found: &found,
    };
    if context.out.json() {
        report.stream(&named, &warnings)?;
    } else {
        report.print(&named, &warnings);
    }
    Ok(if found.is_empty() { Exit::Done } else { Exit::Fails })
}

fn common_zone(left: &Copy, right: &Copy, given: Option<&Name>) -> Result<Name, Failure> {
    // A file of relative names only is completed with the zone of the other copy.
    match (left.zone(given), right.zone(given)) {
        (Ok(first), Ok(second)) if first != second => Err(Failure::usage(format!(
            "{} is a copy of {first}, and {} one of {second}",
            left.label, right.label
        ))),
        (Ok(zone), _) | (Err(_), Ok(zone)) => Ok(zone),
        (Err(failure), Err(_)) => Err(failure),
    }
}

/// What does not count.
fn ignore(with: &With) -> Ignore {
    if with.all {
        return Ignore::nothing();
    }
    let mut ignore = Ignore::made_by_signers();
    for (asked, rtype) in [
        (with.soa, Rtype::SOA),
        (with.apex_ns, Rtype::NS),
        (with.dnskey, Rtype::DNSKEY),
        (with.cds, Rtype::CDS),
        (with.cdnskey, Rtype::CDNSKEY),
        (with.rrsig, Rtype::RRSIG),
        (with.nsec, Rtype::NSEC),
        (with.nsec3, Rtype::NSEC3),
        (with.nsec3param, Rtype::NSEC3PARAM),
        (with.zonemd, Rtype::ZONEMD),
    ] {
        if asked {
            ignore.take_back(rtype);
        }
    }
    ignore
}

/// What the settings say of the largest TTL, where there are settings with the zone.
fn planned_ttl(context: &Context, zone: &Name) -> Result<Option<Ttl>, Failure> {
    let settings = context.settings_if_any()?;
    Ok(settings.and_then(|settings| settings.zones.get(zone)?.max_ttl))
}

/// Two copies of one zone.
struct Pair<'a> {
    left: &'a Copy,
    right: &'a Copy,
    zone: &'a Name,
    ignore: &'a Ignore,
    context: &'a Context,
}

impl Pair<'_> {
    /// Reads both into sinks at once.
    async fn read<S: crate::zone::Sink + Send + 'static>(
        &self,
        sinks: (S, S),
        wish: Wish<'_>,
    ) -> Result<((S, u64), (S, u64)), Failure> {
        let one = Meter::octets(self.context, &self.left.label, self.left.size());
        let other = Meter::octets(self.context, &self.right.label, self.right.size());
        let both = futures::future::join(
            self.left.read(self.zone, wish.clone(), sinks.0, &one),
            self.right.read(self.zone, wish, sinks.1, &other),
        )
        .await;
        one.clear();
        other.clear();
        Ok((both.0?, both.1?))
    }

    /// What counts, of all owners or of some.
    fn counting(&self, only: Option<OwnerSet>) -> Wish<'_> {
        Wish {
            without: Some(self.ignore),
            only,
        }
    }

    async fn collect(&self) -> Result<(Contents, Contents), Failure> {
        let collector = || Collector::new(self.zone.clone()).ignoring(self.ignore.clone());
        let ((mut left, skipped_left), (mut right, skipped_right)) =
            self.read((collector(), collector()), self.counting(None)).await?;
        left.passed_over_before(skipped_left);
        right.passed_over_before(skipped_right);
        let sort = |collector: Collector| tokio::task::spawn_blocking(move || collector.finish());
        let (left, right) = futures::future::join(sort(left), sort(right)).await;
        let fault = |error: tokio::task::JoinError| Failure::new(Exit::Fault, error.to_string());
        Ok((left.map_err(fault)?, right.map_err(fault)?))
    }

    async fn name(&self, found: &Differences) -> Result<(Vec<NamedDifference>, Vec<Warning>), Failure> {
        if found.is_empty() {
            return Ok((Vec::new(), Vec::new()));
        }
        let namer = |side| Namer::new(self.zone.clone(), self.ignore.clone(), found, side);
        let namers = (namer(Side::Left), namer(Side::Right));
        let wish = self.counting(Some(namers.0.owners()));
        let ((left, _), (right, _)) = self.read(namers, wish).await?;
        for (copy, namer) in [(self.left, &left), (self.right, &right)] {
            if !namer.is_complete() {
                return Err(
                    Failure::refused(format!("{} changed while it was read", copy.label))
                        .hint("run it again"),
                );
            }
        }
        let named = name_differences(found, &left, &right);
        let mut warnings = warn_of_differences(&named, &left, &right);
        let above = names_above(self.zone, &named, &left, &right);
        if !above.is_empty() {
            let existence = || Existence::new(above.iter().cloned());
            let ((here, _), (there, _)) = self.read((existence(), existence()), Wish::default()).await?;
            warnings.extend(warn_of_existence(&above, &here, &there));
        }
        warnings.sort_by(|a, b| (&a.name, a.code).cmp(&(&b.name, b.code)));
        Ok((named, warnings))
    }
}

/// What is told of a comparison.
struct Report<'a> {
    pair: Pair<'a>,
    here: &'a Contents,
    there: &'a Contents,
    found: &'a Differences,
}

impl Report<'_> {
    fn print(&self, named: &[NamedDifference], warnings: &[Warning]) {
        let out = &self.pair.context.out;
        let mut lines = String::new();
        for difference in named {
            let record = &difference.record;
            let (mark, ttl) = match difference.kind {
                DifferenceKind::Only(Side::Left) => ('-', record.ttl.to_string()),
                DifferenceKind::Only(Side::Right) => ('+', record.ttl.to_string()),
                DifferenceKind::Ttl(other) => ('~', format!("{}->{other}", record.ttl)),
            };
            // A String takes everything.
            let _ = writeln!(
                lines,
                "{mark} {} {ttl} {} {}",
                record.name,
                record.rtype,
                record.rdata_text()
            );
            if lines.len() > LINES {
                out.write(lines.as_bytes());
                lines.clear();
            }
        }
        for warning in warnings {
            let _ = writeln!(lines, "{warning}");
        }
        for (copy, contents) in self.copies() {
            let _ = writeln!(
                lines,
                "# {}: {} records compared, {} not{}",
                copy.label,
                contents.len(),
                contents.passed_over,
                longest(contents)
            );
        }
        let _ = writeln!(lines, "# not compared: {}", self.not_compared());
        let found = self.found;
        let more = if found.more {
            " (more than --limit: not all are named)"
        } else {
            ""
        };
        let _ = writeln!(
            lines,
            "# {} in the first alone, {} in the second alone, {} with another TTL{more}",
            found.only_left, found.only_right, found.ttls
        );
        out.write(lines.as_bytes());
    }

    fn stream(&self, named: &[NamedDifference], warnings: &[Warning]) -> Result<(), Failure> {
        let out = &self.pair.context.out;
        for difference in named {
            out.stream(&document(difference))?;
        }
        for warning in warnings {
            out.stream(&json!({"warning": warning.code, "name": warning.name, "text": warning.text}))?;
        }
        let copies: Vec<Value> = self
            .copies()
            .iter()
            .map(|(copy, contents)| {
                json!({"source": copy.label, "records": contents.len(), "not_compared": contents.passed_over,
                    "largest_ttl": contents.longest, "digest": contents.digest()})
            })
            .collect();
        out.stream(&json!({"summary": {
            "zone": self.pair.zone, "equal": self.found.is_empty(), "only_left": self.found.only_left,
            "only_right": self.found.only_right, "ttls": self.found.ttls, "all_named": !self.found.more,
            "left": copies.first(), "right": copies.get(1), "ignored": self.ignored(),
        }}))
    }

    fn copies(&self) -> [(&Copy, &Contents); 2] {
        [(self.pair.left, self.here), (self.pair.right, self.there)]
    }

    fn ignored(&self) -> Vec<String> {
        let ignore = self.pair.ignore;
        let apex = ignore.at_apex.iter().map(|rtype| format!("apex {rtype}"));
        apex.chain(ignore.everywhere.iter().map(ToString::to_string))
            .collect()
    }

    fn not_compared(&self) -> String {
        let list = self.ignored();
        if list.is_empty() {
            "nothing".to_owned()
        } else {
            format!("{} (--all compares everything)", list.join(", "))
        }
    }
}

fn longest(contents: &Contents) -> String {
    match &contents.longest {
        Some(longest) => format!(
            "; the largest TTL is {} s, of {} {}",
            longest.ttl, longest.name, longest.rtype
        ),
        None => String::new(),
    }
}

fn document(difference: &NamedDifference) -> Value {
    let record = &difference.record;
    let mut value = match difference.kind {
        DifferenceKind::Only(side) => json!({"difference": "only", "side": side, "ttl": record.ttl}),
        DifferenceKind::Ttl(other) => {
            json!({"difference": "ttl", "left_ttl": record.ttl, "right_ttl": other})
        }
    };
    if let Value::Object(fields) = &mut value {
        fields.insert("name".to_owned(), json!(record.name));
        fields.insert("type".to_owned(), json!(record.rtype));
        fields.insert("rdata".to_owned(), json!(record.rdata_text()));
    }
    value
}
