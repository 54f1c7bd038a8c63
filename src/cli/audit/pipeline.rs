//! A journal verified by three threads side by side: one reads, hashes and places its lines in the chain, one judges the
//! answers, and this one makes the decisions again. Each entry goes through all three, in the order of the journal.

use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread;

use super::super::Failure;
use super::lines::Lines;
use crate::adapters::bundle::Bundle;
use crate::audit::{BlobSource, Dated, Intake, Judging, Replay, Seen, Taken, Verifier};

/// So many entries are handed on at a time, or as many as have this many octets.
const BATCH: usize = 32;
const BATCH_OCTETS: usize = 1 << 20;
/// So many times that may wait between two threads: renewed signatures take a while, and nobody is to wait for that.
const AHEAD: usize = 32;

type Batch = Vec<Dated>;

/// Verifies every line.
///
/// # Errors
/// If the journal cannot be read, or is of another format.
pub(super) fn run(
    bundle: &Bundle,
    verifier: &mut Verifier,
    octets: BlobSource<'_>,
    seen: Seen<'_>,
) -> Result<(), Failure> {
    let lines = Lines::new(bundle)?;
    let (intake, judging, replay) = verifier.parts();
    let (read, placed) = sync_channel(AHEAD);
    let (answered, judged) = sync_channel(AHEAD);
    let (done, back) = channel();
    thread::scope(|scope| {
        let reading = scope.spawn(move || read_all(lines, intake, &read, &back));
        scope.spawn(move || judge(judging, &placed, &answered, octets));
        decide(replay, &judged, &done, seen);
        match reading.join() {
            Ok(done) => done,
            Err(panic) => std::panic::resume_unwind(panic),
        }
    })
}

fn read_all(
    mut lines: Lines<'_>,
    intake: &mut Intake,
    read: &SyncSender<Batch>,
    back: &Receiver<Batch>,
) -> Result<(), Failure> {
    loop {
        let (batch, more) = next_batch(&mut lines, intake)?;
        if read.send(batch).is_err() || !more {
            return Ok(());
        }
        for entry in back.try_iter().flatten() {
            intake.put_back(entry);
        }
    }
}

/// The next entries, and whether there may be more.
fn next_batch(lines: &mut Lines<'_>, intake: &mut Intake) -> Result<(Batch, bool), Failure> {
    let (mut batch, mut octets) = (Vec::with_capacity(BATCH), 0);
    while batch.len() < BATCH && octets < BATCH_OCTETS {
        let path = lines.path();
        let Some((line, next)) = lines.take()? else {
            return Ok((batch, false));
        };
        octets += line.len();
        let taken = intake.take(line, next).map_err(|error| {
            Failure::usage(format!("{}: journal.ndjson: {error}", path.display()))
                .hint("use the version of unbroken that wrote it")
        })?;
        match taken {
            Taken::Entry(entry) => batch.push(entry),
            Taken::Unread => {}
            Taken::End => return Ok((batch, false)),
        }
    }
    Ok((batch, true))
}

fn judge(
    judging: &mut Judging,
    placed: &Receiver<Batch>,
    answered: &SyncSender<Batch>,
    octets: BlobSource<'_>,
) {
    for mut batch in placed {
        for entry in &mut batch {
            judging.take(entry, octets);
        }
        if answered.send(batch).is_err() {
            return;
        }
    }
}

fn decide(replay: &mut Replay, judged: &Receiver<Batch>, done: &Sender<Batch>, seen: Seen<'_>) {
    for mut batch in judged {
        for entry in &mut batch {
            replay.take(entry, seen);
        }
        // Nobody takes them back any more once all is read.
        let _ = done.send(batch);
    }
}
