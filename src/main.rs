//! The program: installs what must be there once, parses, hands over.

use std::process::ExitCode;

use unbroken::cli::{self, Cli, Exit};

fn main() -> ExitCode {
    cli::install_panic_hook();
    // Fails only if one is installed already, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let cli = match Cli::read(std::env::args_os()) {
        Ok(cli) => cli,
        Err(exit) => return exit.into(),
    };
    log_to_stderr(cli.global.log_filter());
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build();
    match runtime {
        Ok(runtime) => runtime.block_on(cli::run(cli)).into(),
        Err(error) => {
            eprintln!("error: the runtime cannot start: {error}");
            Exit::Refused.into()
        }
    }
}

fn log_to_stderr(filter: &str) {
    let filter = tracing_subscriber::EnvFilter::try_from_env("UNBROKEN_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new(filter));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(cli::colour_on_stderr())
        .with_target(false)
        .init();
}
