//! Arbitrary names over a text that has something of everything: search and index agree.
#![no_main]

use std::sync::LazyLock;

use fuzz::{ask, ask_index, index, question, stamps, whole};
use hosts::Hosts;
use libfuzzer_sys::fuzz_target;

const HOSTS: &str = "\
127.0.0.1 localhost
::1 localhost ip6-localhost
10.0.0.1 db.internal db DB
10.0.0.2 db
::ffff:10.0.0.3 mapped
fd00::1234:abcd six
127.0.0.1 *.dev.test dev.test
10.0.0.4 *.a.dev.test
! ads.test *.ads.test
=db database
=database sql
=sql chain *.chain
=loop loop
=x.dev.test short
10.0.0.5
10.0.0.6 trailing.
10.0.0.7 *.\u{e4} *.. a.*.b *
";
const DROP_IN: &str = "10.1.0.1 db other\n! other\n=nowhere lost\n0.0.0.0 *.b.a.dev.test\n";

static INDEX: LazyLock<Vec<u8>> = LazyLock::new(|| index(&texts()));

fn texts() -> [&'static [u8]; 2] {
    [HOSTS.as_bytes(), DROP_IN.as_bytes()]
}

fuzz_target!(|data: &[u8]| {
    let [kind, name @ ..] = data else { return };
    let question = question(*kind, name);
    let all = whole(&texts());
    let mut buffer = vec![0; 128 + usize::from(*kind)];
    let want = ask(&mut Hosts::with_more(&all[..], &mut buffer, HOSTS.len() as u64), question);
    let (answer, _) = ask_index(&INDEX, stamps(&texts()), question);
    assert_eq!(answer, want);
});
