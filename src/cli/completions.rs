//! `unbroken completions`: what a shell needs to complete the commands.

use clap::Args;
use clap_complete::Shell;

use super::{Cli, Context, Exit, Failure};

/// Arguments of `completions`.
#[derive(Debug, Args)]
#[command(
    after_long_help = "Example:\n  unbroken completions bash > ~/.local/share/bash-completion/completions/unbroken"
)]
pub struct CompletionsArgs {
    /// The shell
    #[arg(value_enum)]
    pub shell: Shell,
}

/// Prints the completions.
///
/// # Errors
/// Never; what goes wrong with stdout is seen at the end.
pub async fn run(args: &CompletionsArgs, context: &Context) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::definition(), "unbroken", &mut script);
    context.out.write(&script);
    Ok(Exit::Done)
}
