//! Who is in the foreground of our terminal.

use sys::terminal::{foreground, lead_group, own_group, set_foreground};

/// Our controlling terminal, if we have one.
#[derive(Debug)]
pub(super) struct Terminal {
    fd: Option<i32>,
    given: bool,
}

impl Terminal {
    /// The first of our three descriptors that is it.
    pub(super) fn find() -> Self {
        let fd = [0, 1, 2].into_iter().find(|&fd| foreground(fd).is_ok());
        Self { fd, given: false }
    }

    /// The terminal, for a child that puts itself into its foreground; none if we are not there
    /// ourselves, and so it is not ours to give.
    pub(super) fn offer(&mut self) -> Option<i32> {
        let fd = self.fd?;
        if foreground(fd).ok()? != own_group() {
            return None;
        }
        // A group led from outside our PID namespace has no number here, so that the terminal could
        // not be given back to it.
        if own_group() == 0 && lead_group().is_err() {
            return None;
        }
        self.given = true;
        Some(fd)
    }

    /// Puts the process group `leader` into the foreground, if we are there.
    pub(super) fn give(&mut self, leader: i32) {
        if let Some(fd) = self.offer() {
            let _ = set_foreground(fd, leader);
        }
    }

    /// Takes the foreground back, whoever has it. SIGTTOU is blocked, so this does not stop us.
    pub(super) fn take(&mut self) {
        if let (Some(fd), true) = (self.fd, self.given) {
            self.given = false;
            let _ = set_foreground(fd, own_group());
        }
    }
}
