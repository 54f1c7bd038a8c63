//! Captures of every form.
