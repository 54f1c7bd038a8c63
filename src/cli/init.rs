//! `unbroken init`: a first settings file.

use std::fmt::Write as _;
use std::fs::OpenOptions;
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use clap::Args;
use serde_json::json;

use super::settings::Settings;
use super::{Context, Exit, Failure};
use crate::dns::Name;

/// Arguments of `init`.
#[derive(Debug, Args)]
#[command(
    after_long_help = "Examples:\n  unbroken init\n  unbroken init --zone shop.test --provider a=rfc2136 --provider b=powerdns\n  \
    unbroken init --schema > unbroken.schema.json\n\n\
    Drivers: rfc2136 (updates with TSIG), powerdns (its HTTP API), manual (you do it, unbroken watches)."
)]
pub struct InitArgs {
    /// The zone [default: asked for]
    #[arg(long, value_name = "ZONE")]
    pub zone: Option<Name>,
    /// A provider and its driver; the first signs the zone now
    #[arg(long, value_name = "NAME=DRIVER")]
    pub provider: Vec<Choice>,
    /// The parent (registrar, registry) and its driver: rfc2136 or manual
    #[arg(long, value_name = "NAME=DRIVER")]
    pub parent: Option<Choice>,
    /// Print the JSON schema of the file instead
    #[arg(long, conflicts_with_all = ["zone", "provider", "parent"])]
    pub schema: bool,
}

/// A name and a driver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    name: String,
    driver: Driver,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Driver {
    Rfc2136,
    PowerDns,
    Manual,
}

impl FromStr for Driver {
    type Err = String;

    fn from_str(text: &str) -> Result<Driver, String> {
        match text {
            "rfc2136" => Ok(Driver::Rfc2136),
            "powerdns" => Ok(Driver::PowerDns),
            "manual" => Ok(Driver::Manual),
            other => Err(format!(
                "'{other}' is not a driver (expected rfc2136, powerdns or manual)"
            )),
        }
    }
}

impl FromStr for Choice {
    type Err = String;

    fn from_str(text: &str) -> Result<Choice, String> {
        let (name, driver) = text
            .split_once('=')
            .ok_or_else(|| format!("'{text}' has no driver (expected NAME=DRIVER, such as a=rfc2136)"))?;
        let fits = !name.is_empty()
            && name
                .bytes()
                .all(|octet| octet.is_ascii_alphanumeric() || octet == b'-' || octet == b'_');
        if !fits {
            return Err(format!("'{name}' is not a name (use A-Z a-z 0-9 - _)"));
        }
        Ok(Choice {
            name: name.to_owned(),
            driver: driver.parse()?,
        })
    }
}

/// Writes the file.
///
/// # Errors
/// If there is one already, something needed was not given and nobody can be asked, or it cannot be written.
pub async fn run(args: &InitArgs, context: &Context) -> Result<Exit, Failure> {
    if args.schema {
        context.out.document(&Settings::schema())?;
        return Ok(Exit::Done);
    }
    let path = context
        .named_settings()
        .map_or_else(|| PathBuf::from("unbroken.toml"), Path::to_path_buf);
    if path.exists() {
        return Err(exists(&path));
    }
    let answers = Answers::collect(args, context)?;
    let text = answers.text();
    // What this writes must be what this reads.
    Settings::parse(&path, &text)
        .map_err(|error| Failure::new(Exit::Fault, format!("the starter file is wrong: {error}")))?;
    write_new(&path, &text)?;
    if context.out.json() {
        context.out.document(&json!({"written": path}))?;
    } else {
        context.out.line(format!("Wrote {}.", path.display()));
        context.out.line(format!(
            "Fill in what is marked CHANGE, then: unbroken check {}",
            answers.zone
        ));
    }
    Ok(Exit::Done)
}

fn exists(path: &Path) -> Failure {
    Failure::usage(format!(
        "{} is there already, and is left as it is",
        path.display()
    ))
    .hint("name another file with --settings FILE, or move this one away")
}

fn write_new(path: &Path, text: &str) -> Result<(), Failure> {
    let written = OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(path)
        .and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => exists(path),
        _ => Failure::usage(format!("{} cannot be written: {error}", path.display()))
            .hint("name another file with --settings FILE"),
    })
}

/// What the file is made of.
#[derive(Debug)]
struct Answers {
    zone: Name,
    providers: Vec<Choice>,
    parent: Choice,
}

impl Answers {
    fn collect(args: &InitArgs, context: &Context) -> Result<Answers, Failure> {
        let zone = match &args.zone {
            Some(zone) => zone.clone(),
            None => ask(
                context,
                "Which zone is to move (such as shop.example)?",
                "--zone ZONE",
            )?,
        };
        let providers = if args.provider.is_empty() {
            ask_providers(context)?
        } else {
            args.provider.clone()
        };
        for (index, choice) in providers.iter().enumerate() {
            if providers[..index].iter().any(|other| other.name == choice.name) {
                return Err(Failure::usage(format!(
                    "the provider {} is here twice",
                    choice.name
                )));
            }
        }
        let parent = args.parent.clone().unwrap_or(Choice {
            name: "registry".to_owned(),
            driver: Driver::Manual,
        });
        if parent.driver == Driver::PowerDns {
            return Err(Failure::usage("a parent's driver cannot be powerdns").hint("use rfc2136 or manual"));
        }
        Ok(Answers {
            zone,
            providers,
            parent,
        })
    }

    fn text(&self) -> String {
        let mut out = String::from(HEAD);
        self.write(&mut out);
        out.push_str(OBSERVE);
        out
    }

    fn write(&self, out: &mut String) {
        let first = self.providers.first().map_or("a", |choice| choice.name.as_str());
        // Writing to a string cannot fail.
        let _ = write!(
            out,
            "[zone.\"{}\"]\n\
             signers = [\"{first}\"]              # the providers that sign the zone now\n\
             parent = \"{}\"\n\
             # anchors = \"anchors.ds\"       # what to trust; default: the IANA root\n\
             # soak = \"1h\"                  # how long both providers serve before one leaves\n\
             # resign = \"10d\"               # how long a re-sign with the newcomer's keys is awaited\n\
             # approve = [\"ds\"]             # which steps wait for `unbroken approve`\n\
             # max_ttl = 86400              # the largest TTL in the zone, where its driver cannot read it\n\n",
            self.zone.to_string().replace('\\', "\\\\").replace('"', "\\\""),
            self.parent.name
        );
        for choice in &self.providers {
            let _ = writeln!(out, "[provider.{}]", choice.name);
            out.push_str(&driver_lines(choice, true));
            let _ = write!(
                out,
                "name_servers = [\"ns1.{}.invalid.\"]     # CHANGE: its name servers for this zone\n\n",
                choice.name
            );
        }
        let _ = writeln!(out, "[parent.{}]", self.parent.name);
        out.push_str(&driver_lines(&self.parent, false));
        out.push('\n');
    }
}

const HEAD: &str = "\
# Settings of unbroken. `unbroken init --schema` prints what may stand here.
# No secret stands here, only where it is to be had: { env = \"NAME\" }, { file = \"PATH\" }, { command = [\"PROGRAM\", ..] }.

";

const OBSERVE: &str = "\
[observe]
# interval = \"60s\"              # between looks while something is awaited; five times that at rest
# ttl_floor = \"60s\"             # every TTL counts as at least this
# margin = \"5s\"                 # added to every wait
";

fn driver_lines(choice: &Choice, provider: bool) -> String {
    let upper = choice.name.to_ascii_uppercase().replace('-', "_");
    match choice.driver {
        Driver::Manual => "driver = \"manual\"               # you do it, unbroken watches\n".to_owned(),
        Driver::PowerDns => format!(
            "driver = \"powerdns\"\n\
             url = \"https://pdns.invalid:8081\"     # CHANGE: where its API listens\n\
             api_key = {{ env = \"{upper}_API_KEY\" }}\n"
        ),
        Driver::Rfc2136 => {
            let profile = if provider {
                "profile = \"generic\"             # CHANGE: bind, knot or generic\n"
            } else {
                ""
            };
            format!(
                "driver = \"rfc2136\"\n{profile}\
                 server = \"192.0.2.53:53\"        # CHANGE: for updates, transfers and authenticated reads\n\
                 tsig = {{ name = \"unbroken.\", algorithm = \"hmac-sha256\", secret = {{ env = \"{upper}_TSIG\" }} }}\n"
            )
        }
    }
}

fn ask<T: FromStr<Err: std::fmt::Display>>(
    context: &Context,
    question: &str,
    flag: &str,
) -> Result<T, Failure> {
    if !context.can_ask() {
        return Err(
            Failure::usage(format!("{flag} is needed: there is nobody to ask here"))
                .hint("unbroken init --zone shop.test --provider a=rfc2136 --provider b=powerdns"),
        );
    }
    loop {
        let answer = context
            .ask(question)
            .ok_or_else(|| Failure::usage("no answer; nothing was written"))?;
        match answer.parse() {
            Ok(value) => return Ok(value),
            Err(error) => context.out.note(format!("  {error}")),
        }
    }
}

fn ask_providers(context: &Context) -> Result<Vec<Choice>, Failure> {
    let drivers = "(rfc2136, powerdns, manual)";
    let old: Driver = ask(
        context,
        &format!("How is the provider driven that signs it now? {drivers}"),
        "--provider NAME=DRIVER",
    )?;
    let new: Driver = ask(
        context,
        &format!("And the one that it moves to? {drivers}"),
        "--provider NAME=DRIVER",
    )?;
    Ok([("a", old), ("b", new)]
        .map(|(name, driver)| Choice {
            name: name.to_owned(),
            driver,
        })
        .to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mix_of_drivers_gives_a_file_that_reads() {
        for provider in ["rfc2136", "powerdns", "manual"] {
            for parent in ["rfc2136", "manual"] {
                let answers = Answers {
                    zone: Name::parse("a\\\"b.test").unwrap(),
                    providers: vec![
                        format!("old={provider}").parse().unwrap(),
                        "new=manual".parse().unwrap(),
                    ],
                    parent: format!("registry={parent}").parse().unwrap(),
                };
                let settings = Settings::parse(Path::new("u.toml"), &answers.text()).unwrap();
                assert_eq!(settings.zone(&answers.zone).unwrap().signers, ["old"]);
            }
        }
        assert!("a".parse::<Choice>().is_err());
        assert!("a b=manual".parse::<Choice>().is_err());
        assert!("a=nsupdate".parse::<Choice>().is_err());
    }
}
