//! Tests of what is written: the JSON, the tables, the document.

use super::document::write_table;
use super::*;
use crate::targets::verdict;
use pillion_bench::control_plane::{self, Figures, Quantiles};
use std::path::PathBuf;

fn about(median: f64) -> Median {
    Median { median, low: median * 0.9, high: median * 1.1, values: 20 }
}

fn cost(case: &str, proxy: &str, unit: &str, cpu: f64, ratio: Option<f64>) -> Cost {
    let (ratio, target) = (ratio.map(about), (proxy == "pillion").then_some(2.5));
    let verdict = ratio.zip(target).map(|(ratio, target)| verdict(&ratio, target));
    let (case, proxy, unit) = (case.to_owned(), proxy.to_owned(), unit.to_owned());
    let (rss, delay, rate) = (ratio.map(|_| 16.0), [1200.0, 3400.0], 9876.0);
    Cost { case, proxy, unit, cpu: about(cpu), ratio, target, verdict, delay, rate, rss }
}

fn report() -> Report {
    let machine = Machine {
        cores: 2,
        processor: "Some CPU".to_owned(),
        system: "Some Linux 12".to_owned(),
        kernel: "6.1".to_owned(),
    };
    let programs = [("direct", "1"), ("litellm", "1.106.0"), ("nginx", "1.22.1"), ("pillion", "0.1.0")];
    let mut report = Report {
        runs: vec![Run { date: "2026-01-31".to_owned(), command: "cargo xtask bench -- --pairs 20".to_owned() }],
        machine,
        programs: programs.map(|(name, version)| (name.to_owned(), version.to_owned())).into(),
        ..Report::default()
    };
    report.costs(vec![
        cost("openai-stream-100", "nginx", "delta", 20.0, None),
        cost("openai-stream-100", "pillion", "delta", 24.0, Some(1.2)),
        cost("openai-stream-100", "litellm", "delta", 640.0, Some(32.0)),
    ]);
    report.costs(vec![
        cost("openai-1k", "nginx", "request", 23.3, None),
        cost("openai-1k", "pillion", "request", 55.0, Some(2.36)),
        cost("openai-1k", "direct", "request", 100.0, None),
    ]);
    let (case, proxy) = ("memory".to_owned(), "pillion".to_owned());
    report.memory(vec![Memory {
        case,
        proxy: proxy.clone(),
        idle: 10.04,
        open: vec![(100, 15.0), (500, 24.0)],
        rested: 14.0,
        rest: 60,
    }]);
    report.starts(vec![Start { case: "start".to_owned(), proxy, accepted: about(10.0), answered: about(20.0) }]);
    report
}

const TABLES: &str = "\
2026-01-31, 2 cores of Some CPU, Some Linux 12, kernel 6.1; litellm 1.106.0, nginx 1.22.1, pillion 0.1.0. `cargo xtask bench -- --pairs 20`.

| case | per | nginx CPU µs | pillion CPU µs | × nginx (95 %) | target | litellm CPU µs (× nginx) |
| --- | --- | ---: | ---: | ---: | ---: | ---: |
| openai-1k | request | 23.3 | 55.0 | 2.36 (2.12–2.60) | ≤ 2.5 open | – |
| openai-stream-100 | delta | 20.0 | 24.0 | 1.20 (1.08–1.32) | ≤ 2.5 holds | 640 (32.0) |

Delay of a streamed delta from its due time to its arrival, p50 / p99 in ms:

| case | nginx | pillion | litellm |
| --- | ---: | ---: | ---: |
| openai-stream-100 | 1.2 / 3.4 | 1.2 / 3.4 | 1.2 / 3.4 |

Whole replies a second with the case's connections; load, upstream and proxy share the cores:

| case | direct | nginx | pillion |
| --- | ---: | ---: | ---: |
| openai-1k | 9876 | 9876 | 9876 |

Resident memory:

| case | proxy | MiB idle | 100 streams | 500 streams | 60 s after load |
| --- | --- | ---: | ---: | ---: | ---: |
| memory | pillion | 10.0 | 15.0 | 24.0 | 14.0 |

From the start of the process:

| cold start | first connection ms (95 %) | first answer ms (95 %) |
| --- | ---: | ---: |
| pillion | 10 (9–11) | 20 (18–22) |
";

/// A folder with the figures of `report`, and a document with both pairs of markers.
fn folder(name: &str, report: &Report) -> (PathBuf, PathBuf) {
    let folder = std::env::temp_dir().join(format!("pillion-bench-report-{name}-{}", std::process::id()));
    report.write(&folder).unwrap();
    let document = folder.join("document.md");
    let pair = |name| document::markers(name).join("\nold\n");
    std::fs::write(&document, format!("before\n{}\nbetween\n{}\nafter\n", pair("data plane"), pair("control plane")))
        .unwrap();
    (folder, document)
}

#[test]
fn the_document_gets_the_last_runs_tables_between_its_markers() {
    let (folder, document) = folder("tables", &report());
    assert_eq!(write_table(&folder, &document).unwrap(), ["data plane"]);
    let text = std::fs::read_to_string(&document).unwrap();
    let [from, to] = document::markers("data plane");
    let expected = format!("before\n{from}\n{}\n{to}\nbetween\n", TABLES.trim());
    assert!(text.starts_with(&expected), "{text}");
    assert!(text.ends_with("\nold\n<!-- control plane: to here -->\nafter\n"), "nothing was measured of it: {text}");
    write_table(&folder, &document).unwrap();
    assert_eq!(std::fs::read_to_string(&document).unwrap(), text, "written twice it is the same");
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn the_control_planes_figures_are_written_where_there_are_some() {
    let (folder, document) = folder("control-plane", &report());
    let figures = Figures {
        date: "2026-02-01".to_owned(),
        machine: report().machine,
        namespaces: 500,
        routes: 5000,
        sidecars: 1000,
        changes: 100,
        ready_seconds: 2.5,
        connect_seconds: 3.0,
        change_milliseconds: Quantiles { p50: 110.4, p99: 130.0, max: 150.0 },
        served_milliseconds: Quantiles { p50: 120.4, p99: 140.0, max: 160.0 },
        change_bytes: 6700.0,
        change_cpu_milliseconds: 8.7,
        storm_seconds: 1.25,
        storm_cpu_milliseconds: 900.0,
        rss_mib: [20.0, 60.0, 61.0],
    };
    std::fs::write(folder.join(control_plane::FILE), serde_json::to_vec(&figures).unwrap()).unwrap();
    assert_eq!(write_table(&folder, &document).unwrap(), ["data plane", "control plane"]);
    let text = std::fs::read_to_string(&document).unwrap();
    for part in [
        "--routes 5000 --sidecars 1000",
        "after 110 ms (p50), 130 ms (p99)",
        "answers by it after 120 ms (p50), 140 ms (p99)",
        "6.7 KB and 8.7 ms",
        "61 MiB after the storm",
    ] {
        assert!(text.contains(part), "no '{part}' in {text}");
    }
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_quick_run_no_run_and_a_document_without_markers_are_refused() {
    let (folder, document) = folder("refused", &Report { quick: true, ..report() });
    assert!(write_table(&folder, &document).unwrap_err().to_string().contains("quick"));
    report().write(&folder).unwrap();
    std::fs::write(&document, "no marker\n").unwrap();
    assert!(write_table(&folder, &document).unwrap_err().to_string().contains("<!-- data plane: from here"));
    assert_eq!(std::fs::read_to_string(&document).unwrap(), "no marker\n");
    std::fs::remove_file(folder.join(FILE)).unwrap();
    assert!(write_table(&folder, &document).unwrap_err().to_string().contains("cargo xtask bench"));
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn figures_are_read_as_they_were_written() {
    let (folder, _) = folder("json", &report());
    assert_eq!(Report::find(&folder).unwrap(), Some(report()));
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_later_run_keeps_what_it_did_not_measure_again() {
    let mut later = Report { costs: vec![], memory: vec![], starts: vec![], ..report() };
    later.runs[0].command = "cargo xtask bench openai-1k".to_owned();
    later.programs.remove("litellm");
    later.keep(report()).unwrap();
    later.costs(vec![cost("openai-1k", "pillion", "request", 50.0, Some(2.0))]);
    assert_eq!(later.runs.len(), 2);
    assert_eq!(later.programs, report().programs);
    assert_eq!(later.memory, report().memory);
    let costs: Vec<_> =
        later.costs.iter().map(|cost| (cost.case.as_str(), cost.proxy.as_str(), cost.cpu.median)).collect();
    assert!(costs.contains(&("openai-1k", "pillion", 50.0)) && costs.contains(&("openai-1k", "nginx", 23.3)));
    assert_eq!(costs.len(), report().costs.len());
}

#[test]
fn figures_of_another_machine_or_another_program_are_not_mixed() {
    let mut moved = report();
    moved.machine.cores = 64;
    assert!(report().keep(moved).unwrap_err().to_string().contains("64 cores"));
    let mut updated = report();
    updated.programs.insert("nginx".to_owned(), "1.29.0".to_owned());
    assert_eq!(report().keep(updated).unwrap_err().to_string(), "nginx was 1.29.0 in the earlier run and is 1.22.1");
}

#[test]
fn the_terminals_table_has_a_line_for_each_case_and_proxy() {
    let tables = report().tables();
    let line = "| openai-1k | pillion | 55.0 | request | 2.36 (2.12–2.60) | ≤ 2.5 open | 1200 | 3400 | 9876 | 16.0 |";
    assert!(tables.lines().any(|found| found == line), "{tables}");
    assert!(tables.find("openai-1k").unwrap() < tables.find("openai-stream-100").unwrap(), "in the order of the list");
}
