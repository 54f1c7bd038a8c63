//! `unbroken man`: manual pages.

use std::path::{Path, PathBuf};

use clap::Args;
use clap_mangen::Man;

use super::{Cli, Context, Exit, Failure};

/// Arguments of `man`.
#[derive(Debug, Args)]
#[command(
    after_long_help = "Examples:\n  unbroken man | man -l -\n  unbroken man --dir /usr/local/share/man/man1"
)]
pub struct ManArgs {
    /// Write all pages into this folder
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,
}

/// Prints the page of the program, or writes one file a command.
///
/// # Errors
/// If a file cannot be written.
pub async fn run(args: &ManArgs, context: &Context) -> Result<Exit, Failure> {
    let mut root = Cli::definition();
    root.build();
    let Some(dir) = &args.dir else {
        context.out.write(&page(root, "unbroken")?);
        return Ok(Exit::Done);
    };
    std::fs::create_dir_all(dir).map_err(|error| cannot_write(dir, &error))?;
    write_pages(&root, "unbroken", dir, context)?;
    Ok(Exit::Done)
}

fn write_pages(command: &clap::Command, name: &str, dir: &Path, context: &Context) -> Result<(), Failure> {
    let path = dir.join(format!("{name}.1"));
    std::fs::write(&path, page(command.clone(), name)?).map_err(|error| cannot_write(&path, &error))?;
    context.out.line(path.display());
    for sub in command.get_subcommands().filter(|sub| sub.get_name() != "help") {
        write_pages(sub, &format!("{name}-{}", sub.get_name()), dir, context)?;
    }
    Ok(())
}

fn page(command: clap::Command, name: &str) -> Result<Vec<u8>, Failure> {
    let mut octets = Vec::new();
    Man::new(command)
        .title(name.to_owned())
        .render(&mut octets)
        .map_err(|error| Failure::refused(format!("the page of {name} cannot be made: {error}")))?;
    Ok(octets)
}

fn cannot_write(path: &Path, error: &std::io::Error) -> Failure {
    Failure::refused(format!("{} cannot be written: {error}", path.display()))
}
