//! What a process and its children used, as the kernel counts it.

use std::collections::HashMap;

/// The CPU time and the memory of a process and of all that it started.
#[derive(Debug)]
pub struct Usage {
    root: u32,
    /// The last count seen of each thread, ns. One that ends takes its count along: without this the total would fall.
    threads: HashMap<u32, u64>,
}

impl Usage {
    /// Of the process `root`.
    #[must_use]
    pub fn of(root: u32) -> Self {
        Self { root, threads: HashMap::new() }
    }

    /// CPU time used so far, µs. What a thread used after the last call and before its end is missed; what lives is
    /// counted to the nanosecond, where `/proc/<id>/stat` counts in ticks of 10 ms.
    pub fn cpu(&mut self) -> f64 {
        for id in tree(self.root) {
            for task in std::fs::read_dir(format!("/proc/{id}/task")).into_iter().flatten().flatten() {
                let Some(thread) = task.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
                let text = std::fs::read_to_string(task.path().join("schedstat")).unwrap_or_default();
                if let Some(nanoseconds) = text.split(' ').next().and_then(|text| text.parse().ok()) {
                    self.threads.insert(thread, nanoseconds);
                }
            }
        }
        self.threads.values().sum::<u64>() as f64 / 1000.0
    }

    /// Resident memory, MiB.
    #[must_use]
    pub fn rss(&self) -> f64 {
        tree(self.root).into_iter().map(resident).sum::<u64>() as f64 / 1024.0
    }
}

/// Resident memory of one process in KiB, whatever the size of a page.
fn resident(id: u32) -> u64 {
    let text = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
    line.split_whitespace().next().and_then(|number| number.parse().ok()).unwrap_or_default()
}

/// A process and all that it started, itself first.
#[must_use]
pub fn tree(id: u32) -> Vec<u32> {
    let mut all = vec![id];
    let mut at = 0;
    while at < all.len() {
        all.extend(children(all[at]));
        at += 1;
    }
    all
}

/// Any thread may have started them.
fn children(id: u32) -> Vec<u32> {
    let tasks = std::fs::read_dir(format!("/proc/{id}/task")).into_iter().flatten().flatten();
    let lists = tasks.map(|task| std::fs::read_to_string(task.path().join("children")).unwrap_or_default());
    lists.flat_map(|list| list.split_whitespace().filter_map(|id| id.parse().ok()).collect::<Vec<_>>()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Command, Stdio};

    fn work() -> u64 {
        (0..2_000_000u64).fold(0, |sum, i| std::hint::black_box(sum ^ i.wrapping_mul(31)))
    }

    /// A shell that works, starts another, says that both are done and waits for its input to end.
    fn shell() -> std::process::Child {
        let work = "i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done;";
        let script = format!("{work} sh -c '{work} echo done; read line'; true");
        Command::new("sh").args(["-c", &script]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap()
    }

    #[test]
    fn what_children_use_is_counted() {
        let mut child = shell();
        let mut line = [0; 5];
        std::io::Read::read_exact(&mut child.stdout.take().unwrap(), &mut line).unwrap();
        let [parent, grandchild] = tree(child.id())[..] else { unreachable!("a shell and its child") };
        let (mut of_parent, mut of_grandchild) = (Usage::of(parent), Usage::of(grandchild));
        assert!(of_grandchild.cpu() > 1000.0 && of_parent.cpu() > of_grandchild.cpu() + 1000.0);
        assert!(of_grandchild.rss() > 0.1 && of_parent.rss() > of_grandchild.rss());
        drop(child.stdin.take());
        child.wait().unwrap();
    }

    #[test]
    fn what_a_thread_used_is_counted_after_its_end() {
        let (tell, told) = std::sync::mpsc::channel::<()>();
        let (done, is_done) = std::sync::mpsc::channel();
        let thread = std::thread::spawn(move || {
            done.send(work()).unwrap();
            let _ = told.recv();
        });
        is_done.recv().unwrap();
        let mut usage = Usage::of(std::process::id());
        let before = usage.cpu();
        drop(tell);
        thread.join().unwrap();
        assert!(usage.cpu() >= before);
    }
}
