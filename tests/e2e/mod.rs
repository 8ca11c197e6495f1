//! The main job in real containers, on four Debian releases.

mod bad_systems;
mod clients;
mod day;
mod dockerfile;
mod fresh;
mod init_package;
mod init_tools;
mod packages;
mod running;
mod upgrades;
mod verify;
