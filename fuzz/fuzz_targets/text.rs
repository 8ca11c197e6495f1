//! Arbitrary text, and a question about it: searches through windows of several sizes and the
//! index must agree, whatever the text is.
#![no_main]

use fuzz::{ask, ask_index, index, question, stamps, whole};
use hosts::Hosts;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    // A kind of question, the length of the name, the name, `hosts`, and from a form feed that
    // starts a line on a file of `hosts.d`.
    let [kind, len, rest @ ..] = data else { return };
    let (name, text) = rest.split_at(usize::from(*len).min(rest.len()));
    let cut = text.windows(2).position(|pair| pair == b"\n\x0c");
    let texts: Vec<&[u8]> = match cut {
        Some(cut) => vec![&text[..cut], &text[cut..]],
        None => vec![text],
    };
    let question = question(*kind, name);
    let all = whole(&texts);
    let main = texts[0].len() as u64;
    let mut answers = Vec::new();
    for size in [Hosts::<&[u8]>::MIN_BUFFER, 200, 5120] {
        let mut buffer = vec![0; size];
        answers.push(ask(&mut Hosts::with_more(&all[..], &mut buffer, main), question));
    }
    assert_eq!(answers[0], answers[1]);
    assert_eq!(answers[1], answers[2]);
    let (answer, _) = ask_index(&index(&texts), stamps(&texts), question);
    // It may give up where too much in it looks alike, but not be wrong.
    assert!(answer.is_none() || answer == answers[0]);
});
