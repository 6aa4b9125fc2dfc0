//! Warnings to the user who creates a pod, kept within what the API server passes on.

/// Longer ones are cut: the API server drops them whole.
pub const MAX_WARNING_CHARS: usize = 256;
/// The API server passes on 4096 bytes in all.
const MAX_WARNINGS: usize = 12;

/// Warnings in the order they were found, each once.
#[derive(Debug, Default)]
pub(super) struct Warnings(Vec<String>);

impl Warnings {
    pub(super) fn push(&mut self, warning: impl Into<String>) {
        let warning: String = warning.into().chars().filter(|c| !c.is_control()).take(MAX_WARNING_CHARS).collect();
        if self.0.len() < MAX_WARNINGS && !self.0.contains(&warning) {
            self.0.push(warning);
        }
    }

    pub(super) fn list(&self) -> &[String] {
        &self.0
    }

    pub(super) fn into_list(self) -> Vec<String> {
        self.0
    }
}
