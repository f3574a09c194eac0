//! A host whose part the test plays: it sees the frames, and answers them or not.

use aludel::Storage;
use aludel::transport::{Buffer, Inbox, Loss, Place, Spawn, Wire};
use aludel_protocol::{
    Batch, BatchWriter, BeginMode, Error, Fate, Header, PROTOCOL_VERSION, RepeatClass, Reply, Request, RowsReply,
    TransactionOp, ValueRef,
};
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// The far end of a channel.
#[derive(Default)]
pub struct Scripted {
    inbox: RefCell<Option<Inbox>>,
    /// What was sent and not looked at yet.
    sent: RefCell<Vec<Vec<u8>>>,
    pub guest: Cell<bool>,
    pub ended: Cell<bool>,
    /// What is to run when the test says that its time has come.
    later: RefCell<Vec<Box<dyn FnOnce()>>>,
    /// The epoch that its replies say.
    pub epoch: Cell<u32>,
    pub client: u64,
}

pub struct ScriptedSpawn(pub Rc<Scripted>);

/// A frame, in a word or two.
#[derive(Debug, PartialEq)]
pub struct Sent {
    pub header: Header,
    pub what: String,
    /// How many bytes it has.
    pub len: usize,
}

impl Scripted {
    pub fn new() -> Rc<Scripted> {
        static CLIENTS: AtomicU64 = AtomicU64::new(1000);
        let client = CLIENTS.fetch_add(1, Ordering::Relaxed);
        Scripted::of(client)
    }

    /// That of a client with this id.
    pub fn of(client: u64) -> Rc<Scripted> {
        Rc::new(Scripted { client, epoch: Cell::new(1), ..Scripted::default() })
    }

    /// Takes the frames that were sent, each read by `look`.
    pub fn take<T>(&self, look: impl Fn(Header, Request<'_>) -> T) -> Vec<T> {
        let frames = self.sent.take();
        frames
            .iter()
            .map(|frame| Request::decode(frame).map(|(header, request)| look(header, request)).unwrap())
            .collect()
    }

    pub fn sent(&self) -> Vec<Sent> {
        let lens: Vec<usize> = self.sent.borrow().iter().map(Vec::len).collect();
        let words = self.take(|header, request| {
            assert_eq!(header.client, self.client);
            (header, word(&header, &request))
        });
        words.into_iter().zip(lens).map(|((header, what), len)| Sent { header, what, len }).collect()
    }

    /// The frames that were sent, without looking at them closely.
    pub fn words(&self) -> Vec<String> {
        self.sent().into_iter().map(|sent| sent.what).collect()
    }

    pub fn inbox(&self) -> Inbox {
        self.inbox.borrow().clone().unwrap()
    }

    pub fn answer(&self, header: &Header, reply: &Reply<'_>) {
        let header = Header { epoch: self.epoch.get(), ..*header };
        self.inbox().frame(Buffer::from_vec(reply.encode(&header)));
    }

    /// Answers Hello.
    pub fn greets(&self, header: &Header) {
        self.answer(header, &Reply::Hello { protocol: PROTOCOL_VERSION, version: "1", sqlite_version: "3" });
    }

    pub fn opened(&self, header: &Header) {
        self.answer(header, &Reply::Opened { storage: Storage::Disk, journal_mode: "wal", settles_in: 0 });
    }

    pub fn done(&self, header: &Header, in_transaction: bool) {
        self.answer(header, &Reply::Done { in_transaction });
    }

    /// The answer to a statement that returns no rows.
    pub fn rows(&self, header: &Header, in_transaction: bool) {
        let (more, columns) = (false, Some(Vec::new()));
        let rows = RowsReply { more, in_transaction, changes: 1, last_insert_rowid: 1, columns, batch: Batch::EMPTY };
        self.answer(header, &Reply::Rows(rows));
    }

    /// The first of the rows of a statement, of one column.
    pub fn first_rows(&self, header: &Header) {
        self.one_row(header, 1, true);
    }

    /// The only row of a statement, of one column.
    pub fn only_row(&self, header: &Header, value: i64) {
        self.one_row(header, value, false);
    }

    fn one_row(&self, header: &Header, value: i64, more: bool) {
        let mut frame = RowsReply::encode_head(header, more, true, -1, 0, Some(&["x".into()]));
        let mut batch = BatchWriter::new(1);
        batch.push(ValueRef::Integer(value));
        batch.encode(&mut frame);
        self.inbox().frame(Buffer::from_vec(frame.finish()));
    }

    pub fn fails(&self, header: &Header, error: Error) {
        self.answer(header, &Reply::Error { error, in_transaction: false });
    }

    pub fn fates(&self, header: &Header, fates: &[Fate]) {
        self.answer(header, &Reply::Fates(fates.to_vec()));
    }

    /// Answers Hello and Open, and gives the words and headers of the rest.
    pub fn greet(&self) -> Vec<Sent> {
        let mut rest = Vec::new();
        loop {
            let sent = self.sent();
            if sent.is_empty() {
                return rest;
            }
            for sent in sent {
                match sent.what.split(' ').next().unwrap() {
                    "hello" => {
                        self.greets(&sent.header);
                    }
                    "open" | "reopen" => self.opened(&sent.header),
                    _ => rest.push(sent),
                }
            }
        }
    }

    pub fn lost(&self) {
        self.inbox().lost(Loss::Gone);
        assert_eq!(self.words(), Vec::<String>::new(), "there is nobody to send it to");
    }

    /// Nothing of what was sent since the last host has left its tab.
    pub fn absent(&self) {
        self.inbox().lost(Loss::Absent);
        assert_eq!(self.words(), Vec::<String>::new(), "there is nobody to send it to");
    }

    pub fn broke(&self) {
        self.inbox().lost(Loss::Broke("the worker broke: boom".into()));
        assert_eq!(self.words(), Vec::<String>::new(), "there is nobody to send it to");
    }

    /// The next host.
    pub fn found(&self) {
        self.epoch.set(self.epoch.get() + 1);
        self.inbox().found();
    }

    /// Lets the time pass for which somebody waits.
    pub fn pass_time(&self) {
        self.later.take().into_iter().for_each(|then| then());
    }
}

fn word(header: &Header, request: &Request<'_>) -> String {
    let about = |what: &str| format!("{what} of {}", header.connection);
    match request {
        Request::Hello { .. } => "hello".into(),
        Request::Open(options) => about(if options.create { "open" } else { "reopen" }),
        Request::Execute(execute) => execute.sql.into(),
        Request::Transaction { op, .. } => match op {
            TransactionOp::Begin(_) => "BEGIN".into(),
            TransactionOp::Commit => "COMMIT".into(),
            TransactionOp::Rollback => "ROLLBACK".into(),
            TransactionOp::Savepoint(name, mode) => {
                format!("SAVEPOINT {name}{}", if *mode == BeginMode::None { "" } else { " after BEGIN" })
            }
            TransactionOp::Release(name) => format!("RELEASE {name}"),
            TransactionOp::RollbackTo(name) => format!("ROLLBACK TO {name}"),
        },
        Request::Credit { .. } => "credit".into(),
        Request::CloseStream { .. } => "close stream".into(),
        Request::Cancel { request } => format!("cancel {request}"),
        Request::Reset => about("reset"),
        Request::Close => about("close"),
        Request::Shutdown => "shutdown".into(),
        Request::Leave => "leave".into(),
        Request::Fates(requests) => format!("fates {requests:?}"),
        Request::Watch { changes } => format!("watch {changes}"),
        Request::Site { text } => format!("{} is {text}", about("site")),
        Request::Import(step) => format!("import {step:?}"),
        Request::Procedure(call) => format!("procedure {}", call.export),
    }
}

/// The header of what answers no request.
pub fn notice_header(host: &Scripted, connection: u32) -> Header {
    Header { client: host.client, ..Header::new(0, 0, connection, RepeatClass::Safe) }
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

    fn later(&self, _after: Duration, then: Box<dyn FnOnce()>) {
        self.0.later.borrow_mut().push(then);
    }
}
