//! Runs the program as a person would, and a lab for it to look at.
#![allow(dead_code, reason = "each test file uses a part")]

pub(crate) mod secrets;

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use unbroken::adapters::SystemClock;
use unbroken::lab::{LabConfig, Served, World};
use unbroken::ports::Clock;

/// The longest that one call of the program may take; then it is killed.
const RUN_LIMIT: Duration = Duration::from_secs(120);

/// What the program did.
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ran {
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {}\n{}", self.out, self.err))
    }

    /// Everything, for a snapshot; `dir` stands as DIR.
    pub(crate) fn shown(&self, dir: &Path) -> String {
        let mut text = format!("exit {}\n", self.code.unwrap_or(-1));
        for (mark, part) in [("stdout", &self.out), ("stderr", &self.err)] {
            if !part.is_empty() {
                text.push_str(&format!("--- {mark}\n{part}"));
            }
        }
        text.replace(&dir.display().to_string(), "DIR")
    }
}

/// Runs it in `dir` with nothing of the user's own settings.
pub(crate) fn unbroken(dir: &Path, arguments: &[&str]) -> Ran {
    unbroken_with(dir, arguments, &[])
}

pub(crate) fn unbroken_with(dir: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> Ran {
    let mut child = Command::new(env!("CARGO_BIN_EXE_unbroken"))
        .args(arguments)
        .current_dir(dir)
        .env_remove("UNBROKEN_LOG")
        .env_remove("SUDO_USER")
        .env("HOME", dir)
        .env("USER", "ann")
        .env("XDG_CONFIG_HOME", dir.join("config"))
        .env("XDG_STATE_HOME", dir.join("state"))
        .envs(variables.iter().copied())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let (out, err) = (all_of(child.stdout.take()), all_of(child.stderr.take()));
    let deadline = Instant::now() + RUN_LIMIT;
    let status = loop {
        match child.try_wait().unwrap() {
            None if Instant::now() > deadline => child.kill().unwrap(),
            None => std::thread::sleep(Duration::from_millis(10)),
            Some(status) => break status,
        }
    };
    let makes = status.success() && matches!(arguments, ["audit", "bundle" | "merge", ..]);
    let made = arguments.iter().skip_while(|word| **word != "--out").nth(1);
    if let (true, Some(made)) = (makes, made) {
        let held = secrets::holder(&dir.join(made), &secrets_beside(dir));
        assert_eq!(held, None, "a secret is in {made}");
    }
    Ran {
        code: status.code(),
        out: out.join().unwrap(),
        err: err.join().unwrap(),
    }
}

/// What the files of secrets in a folder hold: TSIG keys, and the seed of a key that seals.
fn secrets_beside(dir: &Path) -> Vec<Vec<u8>> {
    let mut out = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "key") {
            let text = String::from_utf8_lossy(&std::fs::read(path).unwrap())
                .trim()
                .to_owned();
            // PRIVATE+KEY+name+hash+base64 of an octet and the seed.
            let seal = text
                .strip_prefix("PRIVATE+KEY+")
                .and_then(|rest| rest.splitn(3, '+').nth(2));
            let held = secrets::both(seal.unwrap_or(&text));
            out.extend(
                held.iter()
                    .filter(|_| seal.is_some())
                    .skip(1)
                    .map(|octets| octets[1..].to_vec()),
            );
            out.extend(held);
        }
    }
    out
}

fn all_of(pipe: Option<impl Read + Send + 'static>) -> JoinHandle<String> {
    std::thread::spawn(move || {
        let mut text = String::new();
        pipe.unwrap().read_to_string(&mut text).unwrap();
        text
    })
}

/// A lab on sockets with settings for it.
pub(crate) struct Lab {
    pub(crate) world: Arc<World>,
    pub(crate) dir: tempfile::TempDir,
    _served: Served,
}

impl Lab {
    pub(crate) async fn start(change: impl FnOnce(&mut LabConfig)) -> Lab {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let mut config = LabConfig::built_in(clock.now()).unwrap();
        change(&mut config);
        let world = Arc::new(World::new(&config).unwrap());
        let served = Served::start(world.clone(), clock).await.unwrap();
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("anchors.ds"), world.anchors()).unwrap();
        let roots: Vec<String> = world.roots().iter().map(|a| format!("\"{a}\"")).collect();
        let map: Vec<String> = served
            .map
            .iter()
            .map(|(from, to)| format!("\"{from}\" = \"{to}\""))
            .collect();
        let names = |provider: &str| -> Vec<String> {
            let names = world.name_servers(provider);
            names.iter().map(|name| format!("\"{name}\"")).collect()
        };
        let text = format!(
            "[zone.\"shop.test.\"]\nsigners = [\"a\"]\nparent = \"registry\"\nanchors = \"anchors.ds\"\n\
             probes = {{ positive = \"www.shop.test. A\", wildcard = \"x.wild.shop.test\" }}\n\n\
             [provider.a]\ndriver = \"manual\"\nname_servers = [{}]\n\n\
             [provider.b]\ndriver = \"manual\"\nname_servers = [{}]\n\n\
             [parent.registry]\ndriver = \"manual\"\n\n\
             [observe]\nroots = [{}]\nqps = 1000\ntimeout = \"2s\"\naddresses = {{ {} }}\n",
            names("a").join(", "),
            names("b").join(", "),
            roots.join(", "),
            map.join(", ")
        );
        std::fs::write(dir.path().join("unbroken.toml"), text).unwrap();
        Lab {
            world,
            dir,
            _served: served,
        }
    }

    /// Runs the program while the lab serves.
    pub(crate) async fn unbroken(&self, arguments: &[&str]) -> Ran {
        let dir: PathBuf = self.dir.path().to_path_buf();
        let arguments: Vec<String> = arguments.iter().map(|word| (*word).to_owned()).collect();
        tokio::task::spawn_blocking(move || {
            let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
            unbroken(&dir, &words)
        })
        .await
        .unwrap()
    }
}

/// Drivers that do the work, in place of a person.
pub(crate) fn automatic(text: &str, world: &World, dir: &Path) -> String {
    let mut text = text.to_owned();
    for (table, operator) in [
        ("provider.a", "a"),
        ("provider.b", "b"),
        ("parent.registry", "registry"),
    ] {
        let key = world.tsig(operator).unwrap();
        std::fs::write(dir.join(format!("{operator}.key")), &key.secret).unwrap();
        let driver = format!(
            "[{table}]\ndriver = \"rfc2136\"\nserver = \"{}\"\ntsig = {{ name = \"{}\", algorithm = \"hmac-sha256\", \
             secret = {{ file = \"{operator}.key\" }} }}",
            world.primary(operator).unwrap(),
            key.name
        );
        text = text.replace(&format!("[{table}]\ndriver = \"manual\""), &driver);
    }
    text.replace("anchors = ", "soak = \"1s\"\nresign = \"0s\"\nanchors = ")
        .replace(
            "[observe]\n",
            "[observe]\nttl_floor = \"0s\"\nmargin = \"0s\"\ninterval = \"300ms\"\n",
        )
}
