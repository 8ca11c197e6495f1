//! The functions that the compiler calls without being asked.
//!
//! Were they left undefined, the module would need libc.so.6. They are written in assembly, as a
//! compiler may turn a loop that copies memory into a call of `memcpy`, and hidden, so that no
//! program can come to use them.

#[cfg_attr(target_arch = "x86_64", path = "x86_64.rs")]
#[cfg_attr(target_arch = "aarch64", path = "aarch64.rs")]
mod arch;
