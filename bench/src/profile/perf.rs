//! Samples by `perf record`, with the stack of each: needs frame pointers, which `cargo xtask bench profile` builds with.

use super::summary::{Frame, Stack, by_stack};
use super::{LENGTH, traffic};
use crate::cases::Case;
use crate::proxies::Running;
use anyhow::{Context, ensure};
use std::path::Path;
use std::process::Stdio;
use tokio::process::Command;

/// Samples a second: enough for a share of 1 % in seconds, and no multiple of a timer's rate.
const FREQUENCY: &str = "1999";

/// Whether it is installed and allowed to look.
pub(super) async fn works(folder: &Path) -> bool {
    let mut probe = Command::new("perf");
    probe.args(["record", "--quiet", "--output"]).arg(folder.join("probe")).args(["--", "true"]);
    probe.stdout(Stdio::null()).stderr(Stdio::null()).status().await.is_ok_and(|status| status.success())
}

/// Profiles what runs while the case's traffic does.
pub(super) async fn profile(running: &Running, case: &Case, folder: &Path) -> anyhow::Result<String> {
    let process = running.process.as_ref().context("the sidecar is a process")?;
    traffic(&running.client, case.traffic, LENGTH / 5).await.context("the sidecar failed while it warmed up")?;
    let samples = folder.join("samples");
    let mut record = Command::new("perf");
    record.args(["record", "--quiet", "--call-graph", "fp", "-F", FREQUENCY, "--pid", &process.id().to_string()]);
    let mut record = record.arg("--output").arg(&samples).kill_on_drop(true).spawn()?;
    let units = traffic(&running.client, case.traffic, LENGTH).await?;
    // On an interrupt it writes what it has.
    let id = record.id().context("perf ended before the traffic did")?;
    Command::new("kill").args(["-INT", &id.to_string()]).status().await?;
    record.wait().await?;

    let mut script = Command::new("perf");
    script.args(["script", "--no-inline", "--fields", "ip,sym,dso", "--input"]).arg(&samples);
    let output = script.stderr(Stdio::null()).output().await?;
    ensure!(output.status.success(), "perf script ended with {}", output.status);
    let stacks = stacks(&String::from_utf8_lossy(&output.stdout));
    ensure!(!stacks.is_empty(), "perf took no sample");
    Ok(format!("perf, {} samples over {units} requests or deltas\n\n{}", stacks.len(), by_stack(&stacks)))
}

/// The stacks of `perf script`, innermost frame first: a line for each frame, an empty one after each stack.
fn stacks(text: &str) -> Vec<Stack> {
    let blocks = text.split("\n\n").map(|block| block.lines().filter_map(frame).collect::<Stack>());
    blocks.filter(|stack| !stack.is_empty()).collect()
}

/// `7f1c symbol with spaces (/path/of/object)`.
fn frame(line: &str) -> Option<Frame> {
    let (_, rest) = line.trim().split_once(' ')?;
    let (symbol, object) = rest.rsplit_once(" (")?;
    let kernel = object.starts_with("[kernel") || object.starts_with("[guest.kernel");
    Some(if kernel { Frame::Kernel(symbol.to_owned()) } else { Frame::User(symbol.to_owned()) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stacks_are_read_as_perf_script_writes_them() {
        let text = "\n\tffffffff81 tcp_sendmsg ([kernel.kallsyms])\n\t    55d2 <hyper::Conn<I, B> as core::future::Future>::poll (/x/pillion sidecar)\n\n\
                    \t    7f11 [unknown] ([unknown])\n\n";
        let expected = [
            vec![
                Frame::Kernel("tcp_sendmsg".to_owned()),
                Frame::User("<hyper::Conn<I, B> as core::future::Future>::poll".to_owned()),
            ],
            vec![Frame::User("[unknown]".to_owned())],
        ];
        assert_eq!(stacks(text), expected);
    }
}
