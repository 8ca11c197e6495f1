//! Arbitrary bytes as an index: no crash, no endless probing, and no answer from a damaged one
//! that the text does not hold.
#![no_main]

use std::sync::LazyLock;

use fuzz::{ask, ask_index, index, question, stamps, whole};
use hosts::Hosts;
use hosts::index::{PAGE, Page};
use libfuzzer_sys::fuzz_target;

static TEXTS: LazyLock<[Vec<u8>; 2]> = LazyLock::new(|| {
    let lines = (0..120).map(|n| format!("10.0.0.{n} host{n}.example.com h{n} db\n"));
    let special = "! no.test *.no.test\n=db database\n127.0.0.1 *.dev.test\n=loop loop\n";
    [lines.collect::<String>() + special, "fd00::1 db six\n10.1.1.1 h5\n".to_owned()]
        .map(String::into_bytes)
});

fn texts() -> [&'static [u8]; 2] {
    [&TEXTS[0], &TEXTS[1]]
}

static INDEX: LazyLock<Vec<u8>> = LazyLock::new(|| index(&texts()));

/// No question about so small an index takes more.
const MAX_READS: u64 = 5000;

fuzz_target!(|data: &[u8]| {
    let [mode, kind, len, rest @ ..] = data else { return };
    let (name, rest) = rest.split_at(usize::from(*len % 32).min(rest.len()));
    let question = question(*kind, name);
    let now = stamps(&texts());
    if mode % 3 == 0 {
        let (_, reads) = ask_index(rest, now, question);
        assert!(reads < MAX_READS, "{reads} reads");
        return;
    }
    // Edits of a good one: where, and what.
    let mut bytes = INDEX.clone();
    let mut touched = Vec::new();
    for edit in rest.chunks_exact(3) {
        let at = usize::from(u16::from_le_bytes([edit[0], edit[1]])) % bytes.len();
        bytes[at] ^= edit[2];
        touched.push(at / PAGE);
    }
    if mode % 3 == 1 {
        let all = whole(&texts());
        let mut buffer = vec![0; 5120];
        let want = ask(&mut Hosts::with_more(&all[..], &mut buffer, texts()[0].len() as u64), question);
        let (answer, _) = ask_index(&bytes, now, question);
        assert!(answer.is_none() || answer == want);
    } else {
        // Sealed again, as root could: whatever it says, it must come to an end.
        for page in touched {
            if let Some(bytes) = bytes.get_mut(page * PAGE..(page + 1) * PAGE) {
                let mut sealed = Page::<[u8; PAGE]>((&*bytes).try_into().unwrap());
                sealed.seal(now.key(), page as u32);
                bytes.copy_from_slice(&sealed.0);
            }
        }
        let (_, reads) = ask_index(&bytes, now, question);
        assert!(reads < MAX_READS, "{reads} reads");
    }
});
