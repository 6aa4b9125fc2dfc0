//! On which machine and when a figure was measured: without that it says nothing.

use k8s_openapi::jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::fmt;

/// What a reader needs to know of the machine.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Machine {
    /// Cores that this process may use.
    pub cores: usize,
    /// The processor's name, else its architecture.
    pub processor: String,
    /// The operating system's name and version.
    pub system: String,
    /// The kernel's release.
    pub kernel: String,
}

impl Machine {
    /// The one that this runs on.
    #[must_use]
    pub fn this() -> Self {
        let read = |file: &str| std::fs::read_to_string(file).unwrap_or_default();
        Self {
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            processor: value(&read("/proc/cpuinfo"), "model name", ':')
                .unwrap_or_else(|| std::env::consts::ARCH.to_owned()),
            system: value(&read("/etc/os-release"), "PRETTY_NAME", '=').unwrap_or_else(|| "Linux".to_owned()),
            kernel: read("/proc/sys/kernel/osrelease").trim().to_owned(),
        }
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { cores, processor, system, kernel } = self;
        write!(f, "{cores} cores of {processor}, {system}, kernel {kernel}")
    }
}

/// Today in UTC, as `2026-01-31`.
#[must_use]
pub fn today() -> String {
    Timestamp::now().strftime("%Y-%m-%d").to_string()
}

/// The first value of `key` in a file of `key: value` lines.
fn value(text: &str, key: &str, separator: char) -> Option<String> {
    let (_, value) =
        text.lines().filter_map(|line| line.split_once(separator)).find(|(found, _)| found.trim() == key)?;
    Some(value.trim().trim_matches('"').to_owned()).filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_as_the_kernel_and_the_distribution_write_them() {
        let processor = "processor\t: 0\nmodel name\t: Some CPU @ 2.70GHz\nmodel name\t: Another\n";
        assert_eq!(value(processor, "model name", ':').unwrap(), "Some CPU @ 2.70GHz");
        assert_eq!(value("NAME=\"X\"\nPRETTY_NAME=\"X 12 (y)\"\n", "PRETTY_NAME", '=').unwrap(), "X 12 (y)");
        assert_eq!(value("processor\t: 0\n", "model name", ':'), None, "arm64 names no model");
    }

    #[test]
    fn a_day_is_written_as_one_sorts_it() {
        let today = today();
        assert_eq!(today.len(), 10);
        assert!(today.as_str() > "2026-01-01" && today.split('-').count() == 3, "{today}");
    }
}
