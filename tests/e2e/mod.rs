//! The main job in real containers, on four Debian releases.

mod clients;
mod dockerfile;
mod fresh;
mod packages;
mod running;
mod upgrades;
