//! What tabs say to each other on the broadcast channel of a database: one line of words per message.
//!
//! Tabs of other versions read these lines, too: words may be added at the end of a line and new lines may be added, but
//! nothing that is here may change its meaning.

use super::js::{Broadcast, Endpoint, member};
use super::link::Listener;
use std::fmt;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::spawn_local;

/// The first word of each line.
const ALUDEL: &str = "aludel";

/// What a tab speaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Speaks {
    pub(super) protocol: u16,
    pub(super) version: String,
}

/// What one tab says to the others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// `client` looks for the host.
    Who { client: String, speaks: Speaks },
    /// `host` hosts the database.
    Host { host: String, speaks: Speaks },
    /// `host` hosts it no more.
    Gone { host: String },
    /// The worker of `host` broke.
    Broke { host: String, message: String },
    /// `client` wants to be a guest of `host`; `attempt` tells its attempts apart, `broker` is the one that it reaches.
    Join { client: String, host: String, attempt: String, broker: Option<String> },
    /// `client` wants to know whether the page of `host` still runs.
    Ping { client: String, host: String },
    /// It does.
    Pong { host: String },
    /// `client`, which nobody sees, may host: does a visible tab wait?
    Vote { client: String },
    /// `client` waits, and is visible or not: to `to`.
    Waits { client: String, to: String, visible: bool },
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Line::Who { client, speaks } => {
                write!(f, "{ALUDEL} who {client} {} {}", speaks.protocol, speaks.version)
            }
            Line::Host { host, speaks } => write!(f, "{ALUDEL} host {host} {} {}", speaks.protocol, speaks.version),
            Line::Gone { host } => write!(f, "{ALUDEL} gone {host}"),
            Line::Broke { host, message } => write!(f, "{ALUDEL} broke {host} {message}"),
            Line::Join { client, host, attempt, broker } => {
                write!(f, "{ALUDEL} join {client} {host} {attempt} {}", broker.as_deref().unwrap_or("-"))
            }
            Line::Ping { client, host } => write!(f, "{ALUDEL} ping {client} {host}"),
            Line::Pong { host } => write!(f, "{ALUDEL} pong {host}"),
            Line::Vote { client } => write!(f, "{ALUDEL} vote {client}"),
            Line::Waits { client, to, visible } => {
                let seen = if *visible { "visible" } else { "hidden" };
                write!(f, "{ALUDEL} waits {client} {to} {seen}")
            }
        }
    }
}

impl Line {
    /// Reads a line; what another version says and this one does not know is `None`.
    pub(super) fn read(text: &str) -> Option<Line> {
        let mut words = text.split(' ');
        let mut next = || words.next().map(str::to_owned);
        if next()? != ALUDEL {
            return None;
        }
        Some(match next()?.as_str() {
            kind @ ("who" | "host") => {
                let (id, protocol, version) = (next()?, next()?.parse().ok()?, next()?);
                let speaks = Speaks { protocol, version };
                if kind == "who" { Line::Who { client: id, speaks } } else { Line::Host { host: id, speaks } }
            }
            "gone" => Line::Gone { host: next()? },
            "broke" => Line::Broke { host: next()?, message: words.collect::<Vec<_>>().join(" ") },
            "join" => Line::Join {
                client: next()?,
                host: next()?,
                attempt: next()?,
                broker: next().filter(|broker| broker != "-"),
            },
            "ping" => Line::Ping { client: next()?, host: next()? },
            "pong" => Line::Pong { host: next()? },
            "vote" => Line::Vote { client: next()? },
            "waits" => Line::Waits { client: next()?, to: next()?, visible: next()? == "visible" },
            _ => return None,
        })
    }
}

/// The broadcast channel of a database. It is left when this is dropped.
pub(super) struct Talk {
    channel: Endpoint,
    listener: Option<Listener>,
}

impl Talk {
    /// Joins the talk about the database with this path.
    pub(super) fn join(path: &str, hear: impl Fn(Line) + 'static) -> Result<Talk, JsValue> {
        let channel: Endpoint = Broadcast::new(&format!("aludel:{path}"))?.unchecked_into();
        let listener = Listener::new(move |event: JsValue| {
            let text = member(&event, "data").and_then(|data| data.as_string());
            if let Some(line) = text.and_then(|text| Line::read(&text)) {
                hear(line);
            }
        });
        channel.listen("message", listener.as_ref())?;
        Ok(Talk { channel, listener: Some(listener) })
    }

    /// Says a line to all others.
    pub(super) fn say(&self, line: &Line) {
        // A text can always be sent; a page that is going away may have closed the channel.
        let _ = self.channel.post(&line.to_string().into());
    }
}

impl Drop for Talk {
    fn drop(&mut self) {
        let listener = self.listener.take();
        if let Some(listener) = &listener {
            let _ = self.channel.unlisten("message", listener.as_ref());
        }
        let _ = self.channel.close();
        // This may run inside the listener, which must outlive its own call.
        spawn_local(async move { drop(listener) });
    }
}
