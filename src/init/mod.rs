//! PID 1.

pub mod machine;
pub mod signal;
