//! A test runs its scenario in a network and process namespace of its own: the test binary calls itself there.
//!
//! Whatever becomes of the scenario, nothing of it survives: it is the first process of its process namespace, so the
//! kernel ends all the others with it; and it ends itself when the test that called it is gone.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use crate::process::{self, is_installed, search_path};
use crate::zone;

/// Set in the inner process: the directory that the scenario may use.
const INSIDE: &str = "UNBROKEN_PEERS_DIR";
/// Set by a person (through `tests/run --without-peers`) to leave these tests out.
const WITHOUT_PEERS: &str = "UNBROKEN_WITHOUT_PEERS";
/// Set by a person to find the servers' files and logs afterwards.
const KEEP: &str = "UNBROKEN_KEEP_LAB";
/// The longest that a scenario may take.
const LIMIT: Duration = Duration::from_secs(210);

/// The programs that a scenario calls, and the Debian package of each.
const PROGRAMS: [(&str, &str); 18] = [
    ("named", "bind9"),
    ("rndc", "bind9-utils"),
    ("dnssec-keygen", "bind9-utils"),
    ("dnssec-signzone", "bind9-utils"),
    ("dig", "bind9-dnsutils"),
    ("nsupdate", "bind9-dnsutils"),
    ("knotd", "knot"),
    ("knotc", "knot"),
    ("keymgr", "knot"),
    ("pdns_server", "pdns-server"),
    ("pdnsutil", "pdns-server"),
    ("sqlite3", "sqlite3"),
    ("nsd", "nsd"),
    ("unbound", "unbound"),
    ("ip", "iproute2"),
    ("unshare", "util-linux"),
    ("sh", "dash"),
    ("true", "coreutils"),
];

/// The directory of the running scenario. It fails outside of one.
pub(crate) fn directory() -> Result<PathBuf> {
    std::env::var_os(INSIDE)
        .map(PathBuf::from)
        .context("not inside a scenario")
}

/// Runs `body` in a namespace of its own, from the test called `name`.
pub(crate) fn isolated(name: &str, body: impl FnOnce() -> Result<()>) -> Result<()> {
    if std::env::var_os(INSIDE).is_some() {
        return inside(body);
    }
    if std::env::var(WITHOUT_PEERS).is_ok_and(|value| value == "1") {
        println!("{name}: left out, {WITHOUT_PEERS}=1");
        return Ok(());
    }
    outside(name)
}

/// The outer half: prepares a directory, calls this binary in a namespace, and passes on what it said.
fn outside(name: &str) -> Result<()> {
    check_programs()?;
    let flags = namespace_flags()?;
    let dir = scratch(name)?;
    let log = dir.path().join("scenario.log");
    let out = std::fs::File::create(&log)?;
    let started = Instant::now();
    let mut child = Command::new("unshare")
        .args(flags)
        .arg(std::env::current_exe()?)
        .args([name, "--exact", "--nocapture", "--test-threads=1"])
        .env("PATH", search_path())
        .env(INSIDE, dir.path())
        .env("RUST_LIB_BACKTRACE", "0")
        .stdin(Stdio::piped())
        .stdout(out.try_clone()?)
        .stderr(out)
        .spawn()?;
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break Some(status);
        }
        if started.elapsed() > LIMIT {
            child.kill()?;
            child.wait()?;
            break None;
        }
        std::thread::sleep(Duration::from_millis(50));
    };
    let said = std::fs::read_to_string(&log).unwrap_or_default();
    if std::env::var_os(KEEP).is_some() {
        println!("{name}: kept {}", dir.keep().display());
    }
    match status {
        Some(status) if status.success() => {
            println!("{name}: {:.1} s\n{said}", started.elapsed().as_secs_f32());
            Ok(())
        }
        Some(_) => bail!("the scenario failed:\n{said}"),
        None => bail!("the scenario took longer than {LIMIT:?}:\n{said}"),
    }
}

/// The inner half: makes the network, runs the scenario, and shows the servers' logs if it fails.
fn inside(body: impl FnOnce() -> Result<()>) -> Result<()> {
    std::thread::spawn(end_with_caller);
    let dir = directory()?;
    network(&dir)?;
    let outcome = body();
    if outcome.is_err() {
        println!("{}", process::tails(&dir));
    }
    outcome
}

/// Ends this process, and with it the namespace, when the caller's end of our standard input is closed.
fn end_with_caller() {
    let mut rest = Vec::new();
    // An error and the end of the input mean the same: nobody waits for this scenario any more.
    let _ = std::io::stdin().read_to_end(&mut rest);
    std::process::exit(1);
}

/// Brings up the loopback interface. BIND listens only on addresses that an interface has, so these are added.
fn network(dir: &Path) -> Result<()> {
    process::tool(dir, "ip", &["link", "set", "lo", "up"], "")?;
    for address in [zone::BIND, zone::REGISTRY] {
        let address = format!("{address}/32");
        process::tool(dir, "ip", &["address", "add", &address, "dev", "lo"], "")?;
    }
    Ok(())
}

/// Fails with the package to install where a program is missing.
fn check_programs() -> Result<()> {
    let mut missing: Vec<String> = PROGRAMS
        .iter()
        .filter(|(program, _)| !is_installed(program))
        .map(|(program, package)| format!("{program} (Debian package {package})"))
        .collect();
    if crate::servers::powerdns::schema().is_none() {
        missing.push("the SQLite backend of PowerDNS (Debian package pdns-backend-sqlite3)".to_owned());
    }
    ensure!(
        missing.is_empty(),
        "missing: {}. tests/run installs them; tests/run --without-peers leaves these tests out",
        missing.join(", ")
    );
    Ok(())
}

/// How namespaces can be had here: as root, or else in a user namespace.
fn namespace_flags() -> Result<Vec<&'static str>> {
    let common = ["--net", "--pid", "--fork", "--kill-child"];
    let candidates = [
        common.to_vec(),
        [&common[..], &["--user", "--map-root-user"]].concat(),
    ];
    for flags in candidates {
        let probe = Command::new("unshare")
            .args(&flags)
            .args(["sh", "-c", "ip link set lo up"])
            .env("PATH", search_path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()?;
        if probe.success() {
            return Ok(flags);
        }
    }
    bail!(
        "network namespaces are not allowed here: run as root, or allow user namespaces \
         (sysctl kernel.unprivileged_userns_clone=1); tests/run --without-peers leaves these tests out"
    )
}

/// An empty directory with a path short enough for the servers' sockets.
fn scratch(name: &str) -> Result<tempfile::TempDir> {
    let usual = std::env::temp_dir();
    let base = if usual.as_os_str().len() > 40 {
        PathBuf::from("/tmp")
    } else {
        usual
    };
    let dir = tempfile::Builder::new().prefix("unbroken-").tempdir_in(base)?;
    std::fs::write(dir.path().join("scenario.name"), name)?;
    Ok(dir)
}
