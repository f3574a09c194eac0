//! How frames travel: a [`Channel`] per database pairs requests with replies over a [`Wire`] to a worker.

mod answer;
mod channel;
#[cfg(all(feature = "embedded", not(target_arch = "wasm32")))]
#[path = "host_files.rs"]
pub(crate) mod files;
#[cfg(all(not(feature = "embedded"), not(target_arch = "wasm32")))]
#[path = "no_files.rs"]
pub(crate) mod files;
#[cfg(all(feature = "embedded", not(target_arch = "wasm32")))]
mod in_process;
mod pending;
#[cfg(not(target_arch = "wasm32"))]
mod plain;
#[cfg(target_arch = "wasm32")]
mod web;

pub use answer::{Answer, RowsFrame};
pub use channel::{Channel, ChannelUse, Inbox, Listener, Listening, Loss, Progress, Site, Watch};
pub use pending::Pending;

#[cfg(all(feature = "embedded", not(target_arch = "wasm32")))]
pub(crate) use in_process::default_spawn;
#[cfg(not(target_arch = "wasm32"))]
pub use plain::Buffer;
#[cfg(all(not(feature = "embedded"), not(target_arch = "wasm32")))]
pub(crate) use plain::default_spawn;
#[cfg(not(target_arch = "wasm32"))]
pub(crate) use plain::{Instant, log_line};
#[cfg(target_arch = "wasm32")]
pub use web::Buffer;
#[cfg(target_arch = "wasm32")]
pub(crate) use web::{Instant, default_spawn, files, log_line};

use aludel_protocol::{Result, Storage};
use std::rc::Rc;
use std::task::Context;
use std::time::Duration;

/// A channel to a worker.
pub trait Wire {
    /// Sends one frame: `head`, then the batch of parameters that follows it.
    fn send(&self, head: Vec<u8>, batch: Option<Buffer>);

    /// Gives a worker that lives in this thread the time to work. Called whenever a reply is awaited.
    fn drive(&self, cx: &mut Context<'_>) {
        let _ = cx;
    }

    /// Called when a reply was taken that [`Wire::drive`] brought: its waiter will not drive again soon.
    fn rest(&self) {}

    /// Called after Shutdown was sent; a worker in this thread does all that is left to do at once.
    fn finish(&self) {}

    /// Whether the worker at the other end came to be by this wire: it is shut down with the channel, and the other
    /// clients of its database, if there are any, look for another. A guest only leaves.
    fn owns_host(&self) -> bool {
        true
    }

    /// Puts another worker in the place of one that does not answer, where that is this wire's to do: it then says
    /// [`Inbox::lost`] with [`Loss::Broke`], and [`Inbox::found`] later.
    fn replace(&self, why: &str) -> bool {
        let _ = why;
        false
    }

    /// From now on the database is in memory, and this channel's alone: a worker is needed that no other tab uses.
    fn withdraw(&self) {}

    /// Ends the worker, or a guest's way to it; nothing more arrives.
    fn terminate(&self);

    /// Runs `then` after a while, where something can; else never.
    fn later(&self, after: Duration, then: Box<dyn FnOnce()>) {
        let _ = (after, then);
    }

    /// As [`Wire::later`], but not any more after [`Wire::terminate`].
    fn later_unless_ended(&self, after: Duration, then: Box<dyn FnOnce()>) {
        self.later(after, then);
    }
}

/// Which database a channel is for, and whose it is.
#[derive(Clone, Debug)]
pub struct Place {
    /// The path of the file; `None` for a database in memory, which belongs to this channel alone.
    pub path: Option<String>,
    /// The id of this channel among all that share a host: the `client` in the headers of its frames.
    pub client: u64,
}

/// How the worker of an engine comes to be.
pub trait Spawn {
    /// Finds the worker that has the database open, or starts it; its frames arrive in `inbox`. Frames that are sent
    /// before it is there wait. Where the worker may be replaced (another tab takes over), the wire lives on, and says
    /// so by [`Inbox::lost`] and [`Inbox::found`].
    fn spawn(&self, place: &Place, inbox: Inbox) -> Result<Rc<dyn Wire>>;

    /// A number that nobody else has: the id of a channel.
    fn client(&self) -> u64 {
        0
    }

    /// In which of several worlds it is: engines of one world share the channel of a path. There is one in a tab; a
    /// simulation of several tabs in one thread has as many.
    fn world(&self) -> u64 {
        0
    }

    /// Where this kind of worker keeps files.
    fn file_storage(&self) -> Storage;
}
