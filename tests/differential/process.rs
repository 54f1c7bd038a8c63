//! Programs: those that run to their end, and servers that end with the test.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const PATHS: &str = "/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin";

pub(crate) fn is_installed(program: &str) -> bool {
    PATHS.split(':').any(|dir| Path::new(dir).join(program).is_file())
}

fn command(dir: &Path, program: &str, args: &[&str]) -> Command {
    let mut command = Command::new(program);
    command
        .env("PATH", PATHS)
        .env("LC_ALL", "C")
        .current_dir(dir)
        .args(args)
        .stdin(Stdio::null());
    command
}

/// What it printed on stdout and stderr; it may fail, and is ended after `limit`.
pub(crate) fn output(dir: &Path, program: &str, args: &[&str], limit: Duration) -> (bool, String) {
    let file = tempfile::NamedTempFile::new().unwrap();
    let mut child = command(dir, program, args)
        .stdout(file.reopen().unwrap())
        .stderr(Stdio::from(file.reopen().unwrap()))
        .spawn()
        .unwrap_or_else(|error| panic!("{program}: {error}"));
    let deadline = Instant::now() + limit;
    let good = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status.success();
        }
        if Instant::now() > deadline {
            child.kill().unwrap();
            child.wait().unwrap();
            break false;
        }
        std::thread::sleep(Duration::from_millis(4));
    };
    let text = String::from_utf8_lossy(&std::fs::read(file.path()).unwrap()).into_owned();
    (good, text)
}

/// What a program printed that has to succeed; stdout alone.
pub(crate) fn run(dir: &Path, program: &str, args: &[&str]) -> String {
    let output = command(dir, program, args).output().unwrap();
    assert!(
        output.status.success(),
        "{program} {args:?}: {}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// A server that is ended when it is dropped.
pub(crate) struct Server(Child);

impl Server {
    pub(crate) fn start(dir: &Path, program: &str, args: &[&str]) -> Server {
        let log = std::fs::File::create(dir.join(format!("{program}.log"))).unwrap();
        Server(
            command(dir, program, args)
                .stdout(log.try_clone().unwrap())
                .stderr(log)
                .spawn()
                .unwrap_or_else(|error| panic!("{program}: {error}")),
        )
    }

    /// Waits until it does what is asked of it.
    pub(crate) fn until(&mut self, what: &str, mut ready: impl FnMut() -> bool) {
        let deadline = Instant::now() + Duration::from_secs(20);
        while !ready() {
            if let Some(status) = self.0.try_wait().unwrap() {
                panic!("the server ended ({status}) before {what}");
            }
            assert!(Instant::now() < deadline, "still not {what}");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Both fail only where it has ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A port that is free over UDP and TCP now.
pub(crate) fn free_port() -> u16 {
    loop {
        let tcp = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = tcp.local_addr().unwrap().port();
        if std::net::UdpSocket::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}
