//! What the programs of this room share: what a process used, on which machine, and the control plane's figures.

pub mod control_plane;
pub mod machine;
pub mod usage;
