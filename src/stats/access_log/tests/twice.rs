//! Each line counts once: files that are read again, compressed, truncated, grown or rotated, and imports that crash.

use std::collections::HashMap;
use std::fs;
use std::io::{self, Cursor, Read, Write};
use std::ops::ControlFlow;

use flate2::Compression;
use flate2::write::GzEncoder;
use proptest::prelude::*;

use super::super::{Batch, Format, KnownPrefix, LogReader, ReadEnd, Tail};
use super::{NOW_MS, Pieces, Totals, add, count, json_line, tally};
use crate::stats::Digest;

/// A simulated database: totals, and the imported prefixes by head.
#[derive(Default)]
struct Stored {
    totals: Totals,
    files: HashMap<Digest, Vec<KnownPrefix>>,
}

impl Stored {
    fn known(&self, heads: &[Digest]) -> Vec<KnownPrefix> {
        heads.iter().filter_map(|head| self.files.get(head)).flatten().copied().collect()
    }

    /// Stores a batch. It replaces the prefix `from`, which it continues.
    fn store(&mut self, from: Option<KnownPrefix>, batch: &Batch) -> KnownPrefix {
        for known in self.files.values_mut() {
            known.retain(|known| Some(*known) != from);
        }
        let known = KnownPrefix { offset: batch.offset, prefix: batch.prefix };
        self.files.entry(batch.head).or_default().push(known);
        add(&mut self.totals, batch);
        known
    }

    /// Imports a file in batches of about `size` bytes, and stops after `batches` as in a crash.
    fn import<R: Read>(&mut self, open: impl FnMut() -> io::Result<R>, size: u64, batches: usize) -> ReadEnd {
        let mut reader = LogReader::open(open).expect("open").in_batches_of(size);
        let mut tally = tally(Format::NginxJson);
        let mut from = reader.resume(&self.known(&reader.heads()), &mut tally).expect("resume");
        let mut left = batches;
        reader.run(&mut tally, Tail::Finished, |batch| {
            if left == 0 {
                return ControlFlow::Break(());
            }
            left -= 1;
            from = Some(self.store(from, &batch));
            ControlFlow::Continue(())
        })
    }

    fn whole(&mut self, content: &[u8]) -> ReadEnd {
        self.import(|| Ok(Cursor::new(content)), 1000, usize::MAX)
    }
}

fn log(lines: i64, seed: i64) -> String {
    let line = |number: i64| {
        json_line("play.test.com", NOW_MS - number * 977, number * 13 % 400_000, number * 1001 + seed, 200)
    };
    (0..lines).map(line).collect()
}

fn expected(content: &str) -> Totals {
    count(content.as_bytes(), Format::NginxJson).0
}

fn gzip(content: &[u8]) -> Vec<u8> {
    let mut packer = GzEncoder::new(Vec::new(), Compression::fast());
    packer.write_all(content).expect("pack");
    packer.finish().expect("pack")
}

#[test]
fn the_same_content_counts_once_under_any_name_and_compression() {
    for lines in [1, 5, 2000] {
        let content = log(lines, 0);
        let bytes = content.as_bytes();
        let mut stored = Stored::default();
        assert!(matches!(stored.whole(bytes), ReadEnd::Complete));
        assert_eq!(stored.totals, expected(&content));
        let packed = gzip(bytes);
        let (first, second) = bytes.split_at(bytes.len() / 3);
        let members = [gzip(first), gzip(b""), gzip(second)].concat();
        let frames = [zstd::encode_all(first, 0).expect("pack"), zstd::encode_all(second, 0).expect("pack")].concat();
        let skipped = [&[0x50, 0x2a, 0x4d, 0x18, 2, 0, 0, 0, 7, 7][..], &frames].concat();
        for again in [bytes, &packed, &members, &frames, &skipped] {
            assert!(matches!(stored.whole(again), ReadEnd::Complete));
            assert_eq!(stored.totals, expected(&content));
        }
        let other = log(lines, 1);
        stored.whole(other.as_bytes());
        assert_eq!(stored.totals, expected(&(content + &other)), "another file counts");
    }
}

#[test]
fn compressed_content_counts_like_plain_content() {
    let content = log(3000, 0);
    for packed in [gzip(content.as_bytes()), zstd::encode_all(content.as_bytes(), 0).expect("pack")] {
        let mut stored = Stored::default();
        assert!(matches!(stored.whole(&packed), ReadEnd::Complete));
        assert_eq!(stored.totals, expected(&content));
    }
}

#[test]
fn a_complete_file_after_a_truncated_one_counts_once() {
    let content = log(4000, 0);
    for packed in [gzip(content.as_bytes()), zstd::encode_all(content.as_bytes(), 0).expect("pack")] {
        let mut stored = Stored::default();
        for part in [packed.len() / 3, packed.len() * 2 / 3, packed.len() - 1] {
            let end = stored.whole(&packed[..part]);
            assert!(matches!(end, ReadEnd::Broken(_)), "{end:?}");
        }
        let part: i64 = stored.totals.values().map(|sums| sums.requests).sum();
        assert!(part > 0 && part <= 4000, "what could be read counts: {part}");
        assert!(matches!(stored.whole(&packed), ReadEnd::Complete));
        assert_eq!(stored.totals, expected(&content));
    }
}

/// Short files have no full head, and their last line may be incomplete.
#[test]
fn short_files_truncated_anywhere_count_once() {
    for lines in 1..5 {
        for content in [&log(lines, 0)[..], log(lines, 0).trim_end()] {
            let packed = gzip(content.as_bytes());
            for part in 18..packed.len() {
                let mut stored = Stored::default();
                if LogReader::open(|| Ok(Cursor::new(&packed[..part]))).is_ok() {
                    stored.whole(&packed[..part]);
                }
                assert!(matches!(stored.whole(&packed), ReadEnd::Complete));
                assert_eq!(stored.totals, expected(content), "{part} of {}", packed.len());
            }
        }
    }
}

#[test]
fn content_before_damage_counts() {
    let content = log(4000, 0);
    let mut packed = gzip(content.as_bytes());
    let middle = packed.len() / 2;
    packed[middle..middle + 64].fill(0xff);
    let mut stored = Stored::default();
    assert!(matches!(stored.whole(&packed), ReadEnd::Broken(_)));
    assert!(stored.totals.values().any(|sums| sums.requests > 0));
    let nothing = LogReader::open(|| Ok(Cursor::new(b"\x1f\x8b\xff\xff\xff"))).err();
    assert!(nothing.is_some(), "nothing could be read at all");
}

#[test]
fn truncation_within_a_line_that_is_too_long() {
    let (before, after) = (log(10, 0), log(5, 9));
    let content = format!("{before}{}\n{after}", "x".repeat(3 << 20));
    let packed = gzip(content.as_bytes());
    let mut stored = Stored::default();
    assert!(matches!(
        stored.import(|| Ok(Cursor::new(&packed[..packed.len() / 2])), u64::MAX, usize::MAX),
        ReadEnd::Broken(_)
    ));
    assert_eq!(stored.totals, expected(&before), "the lines before it count");
    assert!(matches!(stored.import(|| Ok(Cursor::new(&packed)), u64::MAX, usize::MAX), ReadEnd::Complete));
    assert_eq!(stored.totals, expected(&content));
}

#[test]
fn another_file_with_the_same_head_is_read_from_its_start() {
    let content = log(1000, 0);
    let mut stored = Stored::default();
    stored.whole(content.as_bytes());
    // The same first half, then other lines; longer and shorter than the known content.
    let lines: Vec<_> = content.split_inclusive('\n').collect();
    let shorter: String = lines[..500].concat() + &log(100, 7);
    let longer: String = lines[..500].concat() + &log(900, 8);
    stored.whole(longer.as_bytes());
    assert_eq!(stored.totals, expected(&(content.clone() + &longer)));
    stored.whole(shorter.as_bytes());
    assert_eq!(stored.totals, expected(&(content.clone() + &longer + &shorter)));
    for again in [&content, &longer, &shorter] {
        stored.whole(again.as_bytes());
    }
    assert_eq!(stored.totals, expected(&(content + &longer + &shorter)));
}

#[test]
fn a_file_that_is_written_while_it_is_read() {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("access.log");
    let content = log(300, 0);
    let mut writer = fs::File::create(&path).expect("create");
    let mut stored = Stored::default();
    let mut reader = LogReader::open(|| fs::File::open(&path)).expect("open");
    let mut tally = tally(Format::NginxJson);
    let mut from = None;
    for piece in content.as_bytes().chunks(777) {
        writer.write_all(piece).expect("write");
        let end = reader.run(&mut tally, Tail::Growing, |batch| {
            from = Some(stored.store(from, &batch));
            ControlFlow::Continue(())
        });
        assert!(matches!(end, ReadEnd::Complete));
        let so_far = fs::read_to_string(&path).expect("read");
        let lines = &so_far[..so_far.rfind('\n').map_or(0, |at| at + 1)];
        assert_eq!(stored.totals, expected(lines), "a line that is not finished waits");
    }
    // Rotated: the file is renamed, and a new one is created.
    fs::rename(&path, folder.path().join("access.log.1")).expect("rename");
    writer.write_all(&content.as_bytes()[..50]).expect("write");
    fs::write(&path, log(20, 3)).expect("write");
    reader.run(&mut tally, Tail::Finished, |batch| {
        stored.store(from, &batch);
        ControlFlow::Continue(())
    });
    assert_eq!(tally.report().bad, 1, "the line that was never finished");
    for name in ["access.log.1", "access.log", "access.log.1"] {
        stored.import(|| fs::File::open(folder.path().join(name)), 5000, usize::MAX);
    }
    assert_eq!(stored.totals, expected(&(content + &log(20, 3))));
}

#[test]
fn a_short_file_that_was_still_being_written_is_found_again() {
    let content = log(40, 0);
    let mut stored = Stored::default();
    for written in [100, 400, 1000, 4000] {
        // Each time by a new process.
        let mut reader = LogReader::open(|| Ok(Cursor::new(&content[..written]))).expect("open");
        let mut tally = tally(Format::NginxJson);
        let from = reader.resume(&stored.known(&reader.heads()), &mut tally).expect("resume");
        reader.run(&mut tally, Tail::Growing, |batch| {
            stored.store(from, &batch);
            ControlFlow::Continue(())
        });
    }
    assert!(matches!(stored.whole(content.as_bytes()), ReadEnd::Complete));
    assert_eq!(stored.totals, expected(&content));
}

/// Reads a file that is truncated and rewritten between any two reads.
#[test]
fn a_file_that_is_cut_while_it_is_read_never_counts_as_one() {
    let (old, new) = (log(40, 0), log(90, 7));
    // Shorter or longer than a head; partly known or unknown.
    for (before, known) in [(20, 0), (20, 12), (40, 0), (40, 25)] {
        let before = &old[..old.match_indices('\n').nth(before - 1).expect("so many lines").0 + 1];
        for reads_before_cut in 1..8 {
            let mut stored = Stored::default();
            if known > 0 {
                let end = old.match_indices('\n').nth(known - 1).expect("so many lines").0 + 1;
                stored.whole(&old.as_bytes()[..end]);
            }
            let reads = std::cell::Cell::new(0);
            let content = || {
                reads.set(reads.get() + 1);
                if reads.get() <= reads_before_cut { before } else { new.as_str() }
            };
            let open = || Ok(Changing { content, offset: 0 });
            let mut reader = LogReader::open(open).expect("open");
            let mut tally = tally(Format::NginxJson);
            let end = match reader.resume(&stored.known(&reader.heads()), &mut tally) {
                Ok(from) => reader.run(&mut tally, Tail::Growing, |batch| {
                    stored.store(from, &batch);
                    ControlFlow::Continue(())
                }),
                Err(end) => end,
            };
            assert!(matches!(end, ReadEnd::Complete | ReadEnd::Changed), "{end:?}");
            stored.whole(old.as_bytes());
            stored.whole(new.as_bytes());
            assert_eq!(stored.totals, expected(&(old.clone() + &new)), "cut after {reads_before_cut} reads");
        }
    }
}

/// A reader of content that changes between reads.
struct Changing<C> {
    content: C,
    offset: usize,
}

impl<'a, C: Fn() -> &'a str> Read for Changing<C> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let left = (self.content)().as_bytes().get(self.offset..).unwrap_or_default();
        let read = left.len().min(into.len()).min(3000);
        into[..read].copy_from_slice(&left[..read]);
        self.offset += read;
        Ok(read)
    }
}

#[test]
fn a_w3c_file_is_resumed_with_its_columns() {
    let mut content = "#Version: 1.0\n#Fields: date time sc-bytes cs-host\n".to_owned();
    for number in 0..500 {
        if number == 300 {
            content += "#Fields: cs-host sc-bytes time date\n";
        }
        content += &match number {
            ..300 => format!("2026-11-22 09:{:02}:00 {number} play.test.com\n", number % 60),
            _ => format!("play.test.com {number} 09:{:02}:00 2026-11-22\n", number % 60),
        };
    }
    let whole = count(content.as_bytes(), Format::W3c).0;
    for died_after in 1..20 {
        let mut totals = Totals::new();
        let mut from = Vec::new();
        for batches in [died_after, usize::MAX] {
            let open = || Ok(Pieces::new(content.as_bytes(), &[700]));
            let mut reader = LogReader::open(open).expect("open").in_batches_of(1000);
            let mut tally = tally(Format::W3c);
            reader.resume(&from, &mut tally).expect("resume");
            let mut left = batches;
            reader.run(&mut tally, Tail::Finished, |batch| {
                if left == 0 {
                    return ControlFlow::Break(());
                }
                left -= 1;
                add(&mut totals, &batch);
                from = vec![KnownPrefix { offset: batch.offset, prefix: batch.prefix }];
                ControlFlow::Continue(())
            });
            assert_eq!(tally.report().bad, 0);
        }
        assert_eq!(totals, whole, "after {died_after} batches");
    }
}

proptest! {
    #[test]
    fn an_import_resumes_after_a_crash_at_any_batch(size in 1..5000u64, deaths in prop::collection::vec(0..4usize, 0..6), cut in 0..300usize) {
        let content = log(200, 0);
        let content = &content[..content.len() - cut];
        let mut stored = Stored::default();
        for batches in deaths {
            stored.import(|| Ok(Pieces::new(content.as_bytes(), &[1000, 1, 300])), size, batches);
        }
        stored.import(|| Ok(Pieces::new(content.as_bytes(), &[4000])), size, usize::MAX);
        stored.import(|| Ok(Cursor::new(content)), size, usize::MAX);
        prop_assert_eq!(stored.totals, expected(content));
    }

    #[test]
    fn a_growing_file_counts_once(grown in prop::collection::vec(1..60i64, 1..6)) {
        let mut stored = Stored::default();
        let mut lines = 0;
        for more in grown {
            lines += more;
            stored.whole(log(lines, 0).as_bytes());
            prop_assert_eq!(&stored.totals, &expected(&log(lines, 0)));
        }
    }
}
