//! The mechanism `patch`: on every glibc that the archive has, on real systems, and killed or
//! failing at each of its system calls.

mod crash;
mod glibcs;
mod systems;
mod tree;
