//! `supervise/status`, which runsv replaces whenever its service changes.
//!
//! # Source
//!
//! `update_status` of runsv.c, runit 2.1.2: 20 bytes. 8 of TAI64 seconds and 4 of nanoseconds, 4 of
//! PID (lowest first), paused, wanted (`u`, `d`, `x`), TERM sent, state (0 down, 1 up, 2 finish).

/// What of it matters at the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Status {
    /// Of the service, or of its `finish`; 0 if neither runs.
    pub(super) pid: u32,
    /// The supervisor has been told to leave it down.
    pub(super) wanted_down: bool,
    /// Neither up nor on its way down: its `finish` begins a moment after the service has ended.
    at_rest: bool,
}

impl Status {
    /// Reads the content of the file; none if it is something else.
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let record: &[u8; 20] = bytes.first_chunk()?;
        let [.., p0, p1, p2, p3, _, wanted, _, state] = *record;
        Some(Self {
            pid: u32::from_le_bytes([p0, p1, p2, p3]),
            wanted_down: matches!(wanted, b'd' | b'x'),
            at_rest: state == 0,
        })
    }

    /// Whether it is down, and stays so.
    pub(super) fn is_down(self) -> bool {
        self.pid == 0 && self.at_rest && self.wanted_down
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_read_as_runsv_writes_it() {
        let mut record = *b"\x40\0\0\0\x66\x77\x88\x99\0\0\0\x01\x39\x30\0\0\0u\0\x01";
        assert_eq!(
            Status::parse(&record),
            Some(Status {
                pid: 12345,
                wanted_down: false,
                at_rest: false
            })
        );
        record[17] = b'd';
        assert!(!Status::parse(&record).unwrap().is_down());
        record[12..16].fill(0);
        record[19] = 2;
        assert!(!Status::parse(&record).unwrap().is_down());
        record[19] = 0;
        assert!(Status::parse(&record).unwrap().is_down());
        record[17] = b'x';
        assert!(Status::parse(&record).unwrap().is_down());
        assert_eq!(Status::parse(&record[..19]), None);
        assert_eq!(Status::parse(b""), None);
    }
}
