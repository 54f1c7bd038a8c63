//! Questions and answers in what was said.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use crate::capture::answer;
use crate::dns::{Message, Name, Rtype};
use crate::dnssec::offline::Captured;

/// More questions without an answer than this are not remembered.
const MOST_OPEN: usize = 65_536;
const DNS: u16 = 53;

/// Client, server, identifier, question, transport.
type Asked = (SocketAddr, SocketAddr, u16, Name, Rtype, &'static str);

/// All that was said.
#[derive(Default)]
pub(super) struct Talk {
    answers: Vec<Captured>,
    open: BTreeMap<Asked, Option<i64>>,
    undecodable: u64,
    others: u64,
}

impl Talk {
    /// Takes what one end said to another. On ports other than 53 only what reads as DNS counts.
    pub(super) fn message(
        &mut self,
        octets: &[u8],
        from: SocketAddr,
        to: SocketAddr,
        transport: &'static str,
        at: Option<i64>,
    ) {
        let usual = from.port() == DNS || to.port() == DNS;
        let message = match Message::parse(octets) {
            Ok(message) => message,
            Err(_) if !usual => return,
            Err(_) => {
                self.damaged(octets, from, transport, at);
                return;
            }
        };
        let Some(question) = message.question.clone() else {
            self.others += u64::from(usual);
            return;
        };
        if message.opcode != 0 {
            self.others += u64::from(usual);
            return;
        }
        let (name, rtype) = (question.name, question.rtype);
        if message.flags.response {
            self.open
                .remove(&(to, from, message.id, name.clone(), rtype, transport));
            self.answers.push(Captured {
                name,
                rtype,
                server: from.to_string(),
                transport: transport.to_owned(),
                at,
                answer: Ok(Arc::new(message)),
            });
        } else if self.open.len() < MOST_OPEN {
            self.open
                .insert((from, to, message.id, name, rtype, transport), at);
        }
    }

    /// An answer of which the question can still be read is the answer to it, and undecodable.
    fn damaged(&mut self, octets: &[u8], from: SocketAddr, transport: &'static str, at: Option<i64>) {
        self.undecodable += 1;
        if octets.get(2).is_none_or(|flags| flags & 0x80 == 0) {
            return;
        }
        // The header with its one question, and nothing else counted.
        let mut head = octets.get(..octets.len().min(512)).unwrap_or_default().to_vec();
        if let Some(counts) = head.get_mut(4..12) {
            counts.copy_from_slice(&[0, 1, 0, 0, 0, 0, 0, 0]);
        }
        let question = Message::parse(&head).ok().and_then(|head| head.question);
        if let Some(question) = question {
            self.answers.push(Captured {
                answer: answer(octets, &question.name, question.rtype).map(Arc::new),
                name: question.name,
                rtype: question.rtype,
                server: from.to_string(),
                transport: transport.to_owned(),
                at,
            });
        }
    }

    /// The answers, and each question that got none.
    pub(super) fn finish(mut self, notes: &mut Vec<String>) -> Vec<Captured> {
        if self.undecodable > 0 {
            notes.push(format!(
                "{} messages on port 53 cannot be decoded",
                self.undecodable
            ));
        }
        if self.others > 0 {
            notes.push(format!("{} messages are no questions or answers", self.others));
        }
        for ((_, server, _, name, rtype, transport), at) in self.open {
            self.answers.push(Captured {
                name,
                rtype,
                server: server.to_string(),
                transport: transport.to_owned(),
                at,
                answer: Err("no answer in the capture".to_owned()),
            });
        }
        self.answers
    }
}
