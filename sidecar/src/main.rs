//! The binary `pillion-sidecar`: reads flags and environment, serves until it is told to stop.

mod arguments;

use arguments::Arguments;
use clap::Parser;
use pillion_sidecar::{Sidecar, logging};
use std::process::ExitCode;
use tokio::signal::unix::{Signal, SignalKind, signal};

// Gives memory back to the system, which a sidecar multiplied by every pod has to.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    logging::start(&arguments.log);
    let mut builder = match arguments.workers {
        1 => tokio::runtime::Builder::new_current_thread(),
        workers => {
            let mut builder = tokio::runtime::Builder::new_multi_thread();
            builder.worker_threads(workers);
            builder
        }
    };
    let runtime = match builder.enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            tracing::error!(%error, "failed to start the runtime");
            return ExitCode::FAILURE;
        }
    };
    let served = runtime.block_on(serve(arguments));
    // Whatever still runs was given its time.
    runtime.shutdown_background();
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(%error, "failed to start");
            ExitCode::FAILURE
        }
    }
}

async fn serve(arguments: Arguments) -> Result<(), Box<dyn std::error::Error>> {
    // Before anything else, so that a stop during start is one too.
    let mut stop = [signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?];
    let running = tokio::select! {
        started = Sidecar::start(arguments.settings()) => started?,
        () = any(&mut stop) => return Ok(()),
    };
    any(&mut stop).await;
    tracing::info!(calls = running.calls(), "told to stop");
    tokio::select! {
        _ = running.stop() => {}
        () = any(&mut stop) => tracing::warn!("told twice to stop"),
    }
    Ok(())
}

async fn any([terminate, interrupt]: &mut [Signal; 2]) {
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}
