//! Finds where a word may stand, many bytes at a time.
//!
//! A hosts file is mostly lines that do not matter. The needle looks at a block of positions at
//! once, comparing only a few bytes of the word ("probes"), in code that the compiler turns into
//! vector instructions. Names in one file resemble each other, so which bytes tell them apart is
//! learnt on the way: a position that passed the probes and failed the full comparison hands its
//! mismatch to a probe.

/// Positions examined at once: first many, then, where some of them passes, fewer.
const BLOCK: usize = 64;
const SUB_BLOCK: usize = 16;

/// What is searched for, ASCII case apart: at the start of a word, or anywhere.
///
/// It has as many probes as pay: each costs a comparison a byte, and saves the false alarms that
/// it tells apart.
pub(crate) struct Needle<'q, const PROBES: usize> {
    text: &'q [u8],
    /// The byte in front of the text is at most this.
    before: u8,
    probes: [Probe; PROBES],
    /// The probe that learns next.
    pupil: usize,
}

#[derive(Clone, Copy)]
struct Probe {
    at: usize,
    /// The byte there, folded.
    byte: u8,
}

/// The longest text that is searched for; what stands behind it is for the caller to compare.
pub(crate) const MAX_NEEDLE: usize = 64;

/// All white space is at most a blank.
const SPACE: u8 = b' ';

/// Maps upper to lower case, and some other bytes onto each other: equal bytes stay equal, so a
/// filter that compares folded bytes misses nothing.
const fn fold(byte: u8) -> u8 {
    byte | 0x20
}

/// Whether `wanted` stands anywhere in `hay`.
#[inline(never)]
#[must_use]
pub fn holds(mut hay: &[u8], wanted: u8) -> bool {
    // A whole block at a time, and no way out of it, is what makes it vector instructions.
    while let Some((block, rest)) = hay.split_first_chunk::<BLOCK>() {
        let hits = block.map(|byte| byte == wanted);
        if hits.iter().fold(false, |any, &hit| any | hit) {
            return true;
        }
        hay = rest;
    }
    hay.contains(&wanted)
}

impl<'q, const PROBES: usize> Needle<'q, PROBES> {
    /// Searches for words that start with `text`, or with its head where it is very long; `None`
    /// if it is empty.
    pub(crate) fn word(text: &'q [u8]) -> Option<Self> {
        Self::new(text, SPACE, text.len())
    }

    /// The same where the words are names: those of one domain differ in front of the first dot.
    pub(crate) fn name(text: &'q [u8]) -> Option<Self> {
        let dot = text.iter().position(|&byte| byte == b'.');
        Self::new(
            text,
            SPACE,
            dot.filter(|&dot| dot >= PROBES).unwrap_or(text.len()),
        )
    }

    /// Searches for `text` anywhere.
    pub(crate) fn anywhere(text: &'q [u8]) -> Option<Self> {
        Self::new(text, u8::MAX, text.len())
    }

    /// The probes look at the bytes before `end`, as the heads of words are what they share.
    fn new(text: &'q [u8], before: u8, end: usize) -> Option<Self> {
        let text = text.get(..MAX_NEEDLE).unwrap_or(text);
        let mut at = end.min(text.len());
        let mut probes = [Probe { at: 0, byte: 0 }; PROBES];
        for probe in &mut probes {
            at = at.saturating_sub(1);
            let byte = fold(*text.get(at)?);
            *probe = Probe { at, byte };
        }
        Some(Self {
            text,
            before,
            probes,
            pupil: 0,
        })
    }

    pub(crate) const fn len(&self) -> usize {
        self.text.len()
    }

    /// The first position in `hay` where the text stands, from the second byte on: the first one
    /// is there to tell whether a word starts behind it.
    // Not inlined: what it keeps on the stack is gone when a line is read.
    #[inline(never)]
    pub(crate) fn find(&mut self, hay: &[u8]) -> Option<usize> {
        let end = (hay.len() + 1).checked_sub(self.text.len())?;
        if end <= BLOCK {
            return (1..end).find(|&at| self.may_start(hay, at) && self.is_at(hay, at).is_ok());
        }
        let mut at = 1;
        loop {
            at = self.skip(hay, at, end);
            if at >= end {
                return None;
            }
            // The last block overlaps the one before it.
            let block = at.min(end - BLOCK);
            if let Some(found) = self.find_in_block(hay, block) {
                return Some(found);
            }
            at = block + BLOCK;
        }
    }

    /// The first block from `at` on in which a position passes the probes; else `end` or more.
    #[inline]
    fn skip(&self, hay: &[u8], mut at: usize, end: usize) -> usize {
        while at < end && !self.any::<BLOCK>(hay, at.min(end - BLOCK)) {
            at += BLOCK;
        }
        at
    }

    /// Whether the byte in front of `at` lets the text start there; a filter, like the probes.
    #[inline]
    fn may_start(&self, hay: &[u8], at: usize) -> bool {
        let before = hay.get(at.wrapping_sub(1));
        before.is_some_and(|&byte| byte <= self.before)
    }

    /// Whether any of the `LEN` positions from `block` on passes the probes.
    #[inline]
    fn any<const LEN: usize>(&self, hay: &[u8], block: usize) -> bool {
        let chunk = |at: usize| hay.get(at..)?.first_chunk::<LEN>();
        let Some(before) = chunk(block.wrapping_sub(1)) else {
            return false;
        };
        let mut passes = before.map(|byte| byte <= self.before);
        for probe in &self.probes {
            let Some(bytes) = chunk(block + probe.at) else {
                return false;
            };
            for (passes, &byte) in passes.iter_mut().zip(bytes) {
                *passes &= fold(byte) == probe.byte;
            }
        }
        passes.iter().fold(false, |any, &passes| any | passes)
    }

    fn find_in_block(&mut self, hay: &[u8], block: usize) -> Option<usize> {
        for sub_block in (block..block + BLOCK).step_by(SUB_BLOCK) {
            if !self.any::<SUB_BLOCK>(hay, sub_block) {
                continue;
            }
            for at in sub_block..sub_block + SUB_BLOCK {
                let passes = |probe: &Probe| {
                    hay.get(at + probe.at).map(|&byte| fold(byte)) == Some(probe.byte)
                };
                if !self.may_start(hay, at) || !self.probes.iter().all(passes) {
                    continue;
                }
                match self.is_at(hay, at) {
                    Ok(()) => return Some(at),
                    Err(mismatch) => self.learn(mismatch),
                }
            }
        }
        None
    }

    /// Compares all of the text; the error is the first position in it that differs.
    fn is_at(&self, hay: &[u8], at: usize) -> Result<(), usize> {
        let hay = hay.get(at..).unwrap_or_default();
        let mut pairs = self.text.iter().zip(hay);
        match pairs.position(|(a, b)| !a.eq_ignore_ascii_case(b)) {
            None if hay.len() >= self.text.len() => Ok(()),
            mismatch => Err(mismatch.unwrap_or(0)),
        }
    }

    fn learn(&mut self, at: usize) {
        if self.probes.iter().any(|probe| probe.at == at) {
            return;
        }
        if let (Some(&byte), Some(probe)) = (self.text.get(at), self.probes.get_mut(self.pupil)) {
            *probe = Probe {
                at,
                byte: fold(byte),
            };
            self.pupil += 1;
            if self.pupil == PROBES {
                self.pupil = 0;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What `find` should find, the plain way.
    fn plain(hay: &[u8], text: &[u8], word: bool) -> Option<usize> {
        (1..hay.len()).find(|&at| {
            let rest = hay[at..].get(..text.len());
            rest.is_some_and(|rest| rest.eq_ignore_ascii_case(text))
                && (!word || hay[at - 1] <= b' ')
        })
    }

    #[test]
    fn a_needle_finds_what_a_plain_search_finds() {
        // Few letters, so that near misses abound; lengths around the size of a block.
        let mut state = 1_u64;
        let mut random = |below: usize| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            usize::try_from(state % below as u64).unwrap()
        };
        for _ in 0..50_000 {
            let hay: Vec<u8> = (0..random(300)).map(|_| b"aAb. B"[random(6)]).collect();
            let text: Vec<u8> = (0..=random(6)).map(|_| b"aAb."[random(4)]).collect();
            let got = [
                Needle::<2>::word(&text).unwrap().find(&hay),
                Needle::<2>::name(&text).unwrap().find(&hay),
                Needle::<2>::anywhere(&text).unwrap().find(&hay),
                Needle::<1>::anywhere(&text).unwrap().find(&hay),
            ];
            let anywhere = plain(&hay, &text, false);
            let word = plain(&hay, &text, true);
            let want = [word, word, anywhere, anywhere];
            let (text, hay) = (text.escape_ascii(), hay.escape_ascii());
            assert_eq!(got, want, "{text} in {hay}");
        }
    }

    #[test]
    fn a_needle_learns_what_tells_names_apart() {
        let hay: Vec<u8> = (0..1000)
            .flat_map(|n| format!("10.0.0.1 host{n:04}.example.com\n").into_bytes())
            .collect();
        let mut needle = Needle::<2>::word(b"HOST0999.example.com").unwrap();
        let want = hay.windows(8).position(|window| window == b"host0999");
        assert_eq!(needle.find(&hay), want);
        let learnt = needle
            .probes
            .iter()
            .filter(|probe| (4..8).contains(&probe.at));
        assert_eq!(learnt.count(), 2);
    }
}
