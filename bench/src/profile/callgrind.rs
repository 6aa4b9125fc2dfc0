//! Instructions by callgrind, of a few requests to a sidecar that has warmed up.

use super::summary::by_function;
use super::{FEW, traffic};
use crate::cases::{Case, Traffic};
use crate::proxies::{self, Place, Proxy};
use crate::upstream::Upstream;
use anyhow::{Context, ensure};
use std::path::Path;
use std::time::Duration;
use tokio::process::Command;

/// Profiles `sidecar` with a little of the case's traffic.
pub(super) async fn profile(
    sidecar: &dyn Proxy,
    case: &Case,
    upstream: &Upstream,
    folder: &Path,
) -> anyhow::Result<String> {
    let counts = folder.join("counts");
    let wrapped = Wrapped { sidecar, counts: &counts };
    let running = proxies::start(&wrapped, case, upstream, folder).await?;
    let process = running.process.as_ref().context("the sidecar is a process")?;
    let little = match case.traffic {
        Traffic::Requests { prompt, .. } => Traffic::Requests { prompt, connections: 4, count: FEW },
        Traffic::Streams { rate, deltas, .. } => Traffic::Streams { streams: 10, rate, deltas },
        other => other,
    };
    let once = Duration::ZERO;
    traffic(&running.client, little, once).await.context("the sidecar failed while it warmed up")?;
    control(&["--instr=on"], process.id()).await?;
    let units = traffic(&running.client, little, once).await?;
    control(&["--dump"], process.id()).await?;
    if let Some(process) = running.process {
        process.stop().await;
    }
    // The dump that was asked for is the first of a row; the rest is of the end.
    let dump = counts.with_extension("1");
    let own = functions(&annotate(&dump, "no").await?);
    let inclusive = functions(&annotate(&dump, "yes").await?);
    ensure!(!own.is_empty(), "callgrind counted nothing");
    Ok(format!("callgrind, {units} requests or deltas\n\n{}", by_function(&own, &inclusive)))
}

/// The sidecar, started by valgrind, counting nothing until it is told to.
struct Wrapped<'a> {
    sidecar: &'a dyn Proxy,
    counts: &'a Path,
}

impl Proxy for Wrapped<'_> {
    fn name(&self) -> &'static str {
        self.sidecar.name()
    }

    fn install(&self) -> anyhow::Result<String> {
        self.sidecar.install()
    }

    fn carries(&self, case: &Case) -> bool {
        self.sidecar.carries(case)
    }

    fn command(&self, place: &Place<'_>) -> anyhow::Result<Option<Command>> {
        let inner = self.sidecar.command(place)?.context("the sidecar is a process")?;
        let mut command = Command::new("valgrind");
        command.args(["--tool=callgrind", "--instr-atstart=no"]);
        command.arg(format!("--callgrind-out-file={}", self.counts.display()));
        command.arg("--").arg(inner.as_std().get_program()).args(inner.as_std().get_args());
        Ok(Some(command))
    }
}

async fn control(arguments: &[&str], id: u32) -> anyhow::Result<()> {
    let output = Command::new("callgrind_control").args(arguments).arg(id.to_string()).output().await;
    let output = output.context("callgrind_control is missing: apt-get install valgrind")?;
    let text = String::from_utf8_lossy(&output.stdout);
    ensure!(output.status.success() && text.contains("OK"), "callgrind_control {arguments:?}: {text}");
    Ok(())
}

async fn annotate(dump: &Path, inclusive: &str) -> anyhow::Result<String> {
    let mut annotate = Command::new("callgrind_annotate");
    annotate.args(["--auto=no", "--threshold=100", &format!("--inclusive={inclusive}")]).arg(dump);
    let output = annotate.output().await?;
    ensure!(output.status.success(), "callgrind_annotate: {}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Shares in % and functions, of lines like `49,280 ( 7.17%)  file:function [object]`.
fn functions(text: &str) -> Vec<(f64, String)> {
    let line = |line: &str| {
        let (_, rest) = line.split_once(" (")?;
        let (share, rest) = rest.split_once("%)")?;
        let (_, function) = rest.trim().split_once(':')?;
        let function = function.rsplit_once(" [/").map_or(function, |(function, _)| function);
        Some((share.trim().parse().ok()?, function.to_owned()))
    };
    text.lines().filter_map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_are_read_as_callgrind_annotate_writes_them() {
        let text = "Profiled target:  /x/pillion-sidecar run (PID 1, part 1)\n\
                    687,125 (100.0%)  PROGRAM TOTALS\n\
                    49,280 ( 7.17%)  ???:<core::iter::Copied<I> as core::iter::Iterator>::next [/x/pillion-sidecar]\n \
                    8,227 ( 1.20%)  /rustc/abc/library/core/src/lib.rs:hyper::proto::h1::role::parse\n\
                    7 ( 0.01%)  ???:<T as alloc::slice::<impl [T]>::to_vec_in::ConvertVec>::to_vec\n";
        let expected = [
            (7.17, "<core::iter::Copied<I> as core::iter::Iterator>::next".to_owned()),
            (1.2, "hyper::proto::h1::role::parse".to_owned()),
            (0.01, "<T as alloc::slice::<impl [T]>::to_vec_in::ConvertVec>::to_vec".to_owned()),
        ];
        assert_eq!(functions(text), expected);
    }
}
