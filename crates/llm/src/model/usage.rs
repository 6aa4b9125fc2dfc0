//! Tokens of a call, in one way of counting.

/// Tokens that a call took. Counts are inclusive as OpenAI's are: `input` contains `cached_input` and
/// `cache_creation`, `output` contains `reasoning`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Tokens of the prompt, those from and to the cache included.
    pub input: u64,
    /// Tokens of the answer, reasoning included.
    pub output: u64,
    /// Tokens of the prompt read from the vendor's cache.
    pub cached_input: u64,
    /// Tokens of the prompt written to the vendor's cache.
    pub cache_creation: u64,
    /// Tokens of the answer spent on reasoning, where the vendor tells.
    pub reasoning: u64,
}

impl Usage {
    /// Tokens of the prompt that are neither read from nor written to the cache, as Anthropic counts; never negative.
    #[must_use]
    pub fn uncached_input(&self) -> u64 {
        self.input.saturating_sub(self.cached_input).saturating_sub(self.cache_creation)
    }

    /// Prompt and answer together.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.input.saturating_add(self.output)
    }
}
