//! The neutral model: what every format's decoder makes and every encoder takes.

mod usage;

pub use usage::Usage;
