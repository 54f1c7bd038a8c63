//! Programs that are started, watched and stopped.

use std::fs::{self, File};
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

/// Where servers live that are not in everybody's search path.
const SYSTEM_DIRS: &str = "/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin";

/// A search path in which the servers are found too.
pub(crate) fn search_path() -> String {
    match std::env::var("PATH") {
        Ok(path) if !path.is_empty() => format!("{path}:{SYSTEM_DIRS}"),
        _ => SYSTEM_DIRS.to_owned(),
    }
}

/// Whether a program is installed.
pub(crate) fn is_installed(program: &str) -> bool {
    search_path()
        .split(':')
        .any(|dir| Path::new(dir).join(program).is_file())
}

/// A program, found in the wider search path.
pub(crate) fn command(program: &str) -> Command {
    let mut command = Command::new(program);
    command.env("PATH", search_path());
    command
}

/// A server that runs until it is dropped. What it prints goes to a log in its directory.
pub(crate) struct Daemon {
    dir: PathBuf,
    program: String,
    args: Vec<String>,
    child: Child,
}

impl Daemon {
    /// Starts a program in a directory.
    pub(crate) fn start(dir: &Path, program: &str, args: &[&str]) -> Result<Self> {
        let args: Vec<String> = args.iter().map(|&arg| arg.to_owned()).collect();
        File::create(dir.join("log"))?;
        Ok(Self {
            dir: dir.to_owned(),
            program: program.to_owned(),
            child: spawn(dir, program, &args)?,
            args,
        })
    }

    /// Asks it to end, and starts it again when it has.
    pub(crate) fn restart(&mut self) -> Result<()> {
        let pid = self.child.id().to_string();
        tool(&self.dir, "sh", &["-c", &format!("kill -TERM {pid}")], "")?;
        let deadline = Instant::now() + Duration::from_secs(10);
        while self.child.try_wait()?.is_none() {
            ensure!(Instant::now() < deadline, "{} does not end", self.program);
            std::thread::sleep(Duration::from_millis(5));
        }
        self.child = spawn(&self.dir, &self.program, &self.args)?;
        Ok(())
    }

    /// Waits until the server does what is asked of it; fails at once if it has ended.
    pub(crate) fn until(&mut self, what: &str, mut ready: impl FnMut() -> bool) -> Result<()> {
        let deadline = Instant::now() + Duration::from_secs(30);
        while !ready() {
            let log = self.dir.join("log");
            if let Some(status) = self.child.try_wait()? {
                bail!(
                    "{} ended ({status}) before {what}:\n{}",
                    self.program,
                    tail(&log, 20)
                );
            }
            ensure!(
                Instant::now() < deadline,
                "{}: still not {what}:\n{}",
                self.program,
                tail(&log, 20)
            );
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    /// Stops it now.
    pub(crate) fn stop(&mut self) {
        // Both fail only where it has ended already, which is what is wanted.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        self.stop();
    }
}

fn spawn(dir: &Path, program: &str, args: &[String]) -> Result<Child> {
    let out = File::options().append(true).open(dir.join("log"))?;
    command(program)
        .args(args)
        .current_dir(dir)
        .stdin(Stdio::null())
        .stdout(out.try_clone()?)
        .stderr(out)
        .spawn()
        .with_context(|| format!("{program} does not start"))
}

/// What a program that ended had to say.
pub(crate) struct Outcome {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// A program at work, which ends by itself.
pub(crate) struct Running {
    child: Child,
    deadline: Instant,
    out: File,
    err: File,
}

impl Running {
    /// Starts it with some input; it may take as long as `limit`.
    pub(crate) fn begin(mut command: Command, limit: Duration, input: &str) -> Result<Self> {
        // Files and not pipes: a program that prints much must not wait for a reader.
        let (mut stdin, out, err) = (
            tempfile::tempfile()?,
            tempfile::tempfile()?,
            tempfile::tempfile()?,
        );
        stdin.write_all(input.as_bytes())?;
        stdin.seek(SeekFrom::Start(0))?;
        command
            .stdin(stdin)
            .stdout(out.try_clone()?)
            .stderr(err.try_clone()?);
        let program = command.get_program().to_string_lossy().into_owned();
        let child = command
            .spawn()
            .with_context(|| format!("{program} does not start"))?;
        Ok(Self {
            child,
            deadline: Instant::now() + limit,
            out,
            err,
        })
    }

    /// Whether it has ended by now.
    pub(crate) fn has_ended(&mut self) -> Result<bool> {
        Ok(self.child.try_wait()?.is_some())
    }

    /// Waits for its end; exit code 124 means that it took too long.
    pub(crate) fn finish(mut self) -> Result<Outcome> {
        let code = loop {
            if let Some(status) = self.child.try_wait()? {
                break status.code();
            }
            if Instant::now() >= self.deadline {
                self.child.kill()?;
                self.child.wait()?;
                break Some(124);
            }
            std::thread::sleep(Duration::from_millis(10));
        };
        Ok(Outcome {
            code,
            stdout: contents(self.out)?,
            stderr: contents(self.err)?,
        })
    }
}

/// Runs a tool in a directory, which has to succeed within 20 seconds; returns what it printed.
pub(crate) fn tool(dir: &Path, program: &str, args: &[&str], input: &str) -> Result<String> {
    let mut command = command(program);
    command.args(args).current_dir(dir);
    let outcome = Running::begin(command, Duration::from_secs(20), input)?.finish()?;
    ensure!(
        outcome.code == Some(0),
        "{program} {} failed ({:?}):\n{}{}",
        args.join(" "),
        outcome.code,
        outcome.stdout,
        outcome.stderr
    );
    Ok(outcome.stdout)
}

fn contents(mut file: File) -> Result<String> {
    file.seek(SeekFrom::Start(0))?;
    Ok(std::io::read_to_string(file)?)
}

/// The last lines of a log.
fn tail(log: &Path, lines: usize) -> String {
    let text = fs::read(log)
        .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
        .unwrap_or_default();
    let all: Vec<&str> = text.lines().collect();
    all[all.len().saturating_sub(lines)..].join("\n")
}

/// The last lines of the logs of all servers under a directory.
pub(crate) fn tails(root: &Path) -> String {
    let mut text = String::new();
    let Ok(entries) = fs::read_dir(root) else {
        return text;
    };
    let mut logs: Vec<PathBuf> = entries.flatten().map(|entry| entry.path().join("log")).collect();
    logs.sort();
    for log in logs.iter().filter(|log| log.is_file()) {
        text.push_str(&format!("--- {}\n{}\n", log.display(), tail(log, 25)));
    }
    text
}
