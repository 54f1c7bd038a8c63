//! The fold of a journal, and its events one by one.

use std::ops::ControlFlow;
use std::sync::Arc;

use super::error::RunError;
use crate::evidence::{BlobId, Sweep};
use crate::moment::Moment;
use crate::ports::{JournalView, Told, ToldBody};
use crate::workflow::{Event, State};

/// The state that a journal comes to.
///
/// # Errors
/// If the journal is damaged or holds an entry that this version cannot read.
pub fn fold_view(journal: &dyn JournalView, mut state: State) -> Result<State, RunError> {
    let octets = |id: &BlobId| journal.blob(id).ok().map(Arc::from);
    each_event(journal, &mut |_, at, event| {
        state.apply(at, event, &octets);
        Ok(())
    })?;
    Ok(state)
}

/// Is shown an entry's number, when it was written, and what it says.
pub type EachEvent<'a> = &'a mut dyn FnMut(u64, Moment, &Event) -> Result<(), RunError>;

/// Shows every event of a journal to `each`, from the first to the last.
///
/// # Errors
/// If the journal is damaged or holds an entry that this version cannot read, and what `each` gives.
pub fn each_event(journal: &dyn JournalView, each: EachEvent<'_>) -> Result<(), RunError> {
    let mut done = Ok(());
    journal.tell(&mut |told| {
        let Told { seq, at, body, .. } = told;
        done = match body {
            ToldBody::Sweep(sweep) => {
                let event = Event::Sweep(std::mem::replace(sweep, Sweep::nothing(at)));
                let done = each(seq, at, &event);
                if let Event::Sweep(taken) = event {
                    *sweep = taken;
                }
                done
            }
            ToldBody::Text(kind, text) => {
                read(seq, Event::parse(kind, text)).and_then(|event| each(seq, at, &event))
            }
            ToldBody::Value(kind, value) => {
                read(seq, Event::read(kind, value)).and_then(|event| each(seq, at, &event))
            }
        };
        match done {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        }
    })?;
    done
}

fn read(seq: u64, event: Result<Event, serde_json::Error>) -> Result<Event, RunError> {
    event.map_err(|error| RunError::Entry {
        seq,
        said: error.to_string(),
    })
}
