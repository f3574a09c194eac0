//! A host whose part the test plays: it sees the frames, and answers them or not.

use aludel::Storage;
use aludel::transport::{Buffer, Inbox, Place, Spawn, Wire};
use aludel_protocol::{Header, Reply, Request};
use std::cell::{Cell, RefCell};
use std::rc::Rc;

/// The far end of a channel.
#[derive(Default)]
pub struct Scripted {
    inbox: RefCell<Option<Inbox>>,
    /// What was sent and not looked at yet.
    sent: RefCell<Vec<Vec<u8>>>,
    pub guest: Cell<bool>,
    pub ended: Cell<bool>,
    pub client: u64,
}

pub struct ScriptedSpawn(pub Rc<Scripted>);

impl Scripted {
    pub fn new(client: u64) -> Rc<Scripted> {
        Rc::new(Scripted { client, ..Scripted::default() })
    }

    /// Takes the frames that were sent, each read by `look`.
    pub fn take<T>(&self, look: impl Fn(Header, Request<'_>) -> T) -> Vec<T> {
        let frames = self.sent.take();
        frames
            .iter()
            .map(|frame| Request::decode(frame).map(|(header, request)| look(header, request)).unwrap())
            .collect()
    }

    pub fn inbox(&self) -> Inbox {
        self.inbox.borrow().clone().unwrap()
    }

    pub fn answer(&self, header: &Header, reply: &Reply<'_>) {
        self.inbox().frame(Buffer::from_vec(reply.encode(header)));
    }
}

impl Spawn for ScriptedSpawn {
    fn spawn(&self, _place: &Place, inbox: Inbox) -> aludel::Result<Rc<dyn Wire>> {
        *self.0.inbox.borrow_mut() = Some(inbox);
        Ok(Rc::new(ScriptedSpawn(self.0.clone())))
    }

    fn client(&self) -> u64 {
        self.0.client
    }

    fn world(&self) -> u64 {
        self.0.client
    }

    fn file_storage(&self) -> Storage {
        Storage::Disk
    }
}

impl Wire for ScriptedSpawn {
    fn send(&self, mut head: Vec<u8>, batch: Option<Buffer>) {
        head.extend(batch.map(Buffer::into_vec).unwrap_or_default());
        self.0.sent.borrow_mut().push(head);
    }

    fn owns_host(&self) -> bool {
        !self.0.guest.get()
    }

    fn terminate(&self) {
        self.0.ended.set(true);
    }
}
