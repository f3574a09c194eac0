//! Several tabs on one database, in one thread and in an order that dice decide: real clients, a real worker on real
//! files, and between them a browser that the test plays. It carries frames, ends hosts and tabs at any moment, and
//! lets others take over. What happens follows from the seed.

use crate::support::{Dice, Scratch};
use aludel::transport::{Buffer, Inbox, Loss, Place, Spawn, Wire};
use aludel::{Engine, EngineBuilder, Storage};
use aludel_worker::{Environment, Service};
use futures::executor::LocalPool;
use futures::future::{FutureExt, RemoteHandle};
use futures::task::LocalSpawnExt;
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::rc::{Rc, Weak};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// How rough a world is.
#[derive(Clone, Copy)]
pub struct Rough {
    /// How many hosts are ended, at most.
    pub kills: u32,
    /// A host is ended at one of so many steps.
    pub every: usize,
    /// Whether workers break, too, which their tabs survive.
    pub breaks: bool,
    /// Whether tabs die.
    pub deaths: bool,
}

/// Nothing goes wrong.
pub const CALM: Rough = Rough { kills: 0, every: 1, breaks: false, deaths: false };

/// What happens next.
enum Step {
    /// A frame of this wire reaches the host.
    Up(usize),
    /// A reply reaches this wire.
    Down(usize),
    /// This wire learns that its host is gone.
    Learn(usize),
    /// This wire finds the host of now.
    Join(usize),
    /// The host learns that the client of this wire is gone.
    Reap(usize),
    /// The host works.
    Turn,
    /// A tab becomes the host.
    Elect,
}

/// What is to be done at a time.
type Later = (f64, Box<dyn FnOnce()>);

/// How a task has ended.
type Done = Rc<RefCell<Option<std::thread::Result<()>>>>;

/// The browser.
pub struct World {
    scratch: Scratch,
    number: u64,
    pub dice: Dice,
    rough: Rough,
    clock: Rc<Cell<f64>>,
    wires: RefCell<Vec<Rc<TabWire>>>,
    host: RefCell<Option<Host>>,
    hosts: Cell<u32>,
    kills: Cell<u32>,
    later: RefCell<Vec<Later>>,
    /// A host that hears of this is ended.
    deadly: Cell<Option<&'static str>>,
    /// Before how many steps a host is ended, whatever the dice say.
    kill_in: Cell<Option<(usize, bool)>>,
    /// The tabs that are dead.
    dead: RefCell<Vec<u64>>,
    tasks: RefCell<Vec<(u64, RemoteHandle<()>, Done)>>,
    pool: RefCell<LocalPool>,
}

struct Host {
    number: u32,
    tab: u64,
    service: Service<Desk>,
}

struct Desk {
    clock: Rc<Cell<f64>>,
    replies: Vec<(u64, Vec<u8>)>,
}

impl Environment for Desk {
    fn now(&self) -> f64 {
        // The host is slow enough for its slices to end in the middle of something.
        self.clock.set(self.clock.get() + 0.05);
        self.clock.get()
    }

    fn post(&mut self, client: u64, parts: &[&[u8]]) {
        self.replies.push((client, parts.concat()));
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Standing {
    /// It has no host; whether its channel was told that it lost one.
    Seeking { told: bool },
    /// It is connected to this host.
    Joined(u32),
    /// Its channel is over; the host does not know yet.
    Left,
    /// Nobody knows of it any more.
    Forgotten,
}

/// A channel's way to the host.
struct TabWire {
    world: Weak<World>,
    tab: u64,
    client: u64,
    inbox: Inbox,
    standing: Cell<Standing>,
    /// Whether something was sent to the host that it is connected to.
    used: Cell<bool>,
    cause: RefCell<Loss>,
    up: RefCell<VecDeque<Vec<u8>>>,
    /// To which host those are on their way.
    posted_to: Cell<u32>,
    /// Replies under way, each with the host that sent it.
    down: RefCell<VecDeque<(u32, Vec<u8>)>>,
    /// What waits for the first host.
    waiting: RefCell<Vec<Vec<u8>>>,
}

impl World {
    pub fn new(seed: u64, rough: Rough) -> Rc<World> {
        static WORLDS: AtomicU64 = AtomicU64::new(1);
        Rc::new(World {
            number: WORLDS.fetch_add(1, Ordering::Relaxed),
            scratch: Scratch::new(),
            dice: Dice::new(seed),
            rough,
            clock: Rc::default(),
            wires: RefCell::default(),
            host: RefCell::default(),
            hosts: Cell::new(0),
            kills: Cell::new(0),
            later: RefCell::default(),
            deadly: Cell::new(None),
            kill_in: Cell::new(None),
            dead: RefCell::default(),
            tasks: RefCell::default(),
            pool: RefCell::default(),
        })
    }

    /// An engine of a tab.
    pub fn engine(self: &Rc<World>, tab: u64) -> EngineBuilder {
        Engine::builder(&self.scratch.url("world.db")).transport(Rc::new(TabSpawn { world: self.clone(), tab }))
    }

    /// A file of the database, by its name.
    pub fn file(&self, name: &str) -> std::path::PathBuf {
        self.scratch.path(name)
    }

    /// What the host calls those who have come so far.
    pub fn clients(&self) -> Vec<u64> {
        self.wires.borrow().iter().map(|wire| wire.client).collect()
    }

    /// How many hosts were ended.
    pub fn kills(&self) -> u32 {
        self.kills.get()
    }

    /// Ends each host that is asked for something with these words in it.
    pub fn kill_by(&self, words: &'static str) {
        self.deadly.set(Some(words));
    }

    /// Ends a host after so many steps from now; its worker breaks, or it just goes.
    pub fn kill_in(&self, steps: usize, breaks: bool) {
        self.kill_in.set(Some((steps, breaks)));
    }

    /// Has a tab do something, for as long as it lives.
    pub fn spawn(&self, tab: u64, task: impl Future<Output = ()> + 'static) {
        let done = Rc::new(RefCell::new(None));
        let note = done.clone();
        let task = async move {
            let outcome = AssertUnwindSafe(task).catch_unwind().await;
            *note.borrow_mut() = Some(outcome);
        };
        let handle = self.pool.borrow().spawner().spawn_local_with_handle(task).unwrap();
        self.tasks.borrow_mut().push((tab, handle, done));
    }

    /// Lets everything happen until all that living tabs do is done.
    pub fn run(self: &Rc<World>) {
        let mut steps = 0;
        loop {
            self.pool.borrow_mut().run_until_stalled();
            let mut over = true;
            for (_, _, done) in self.tasks.borrow().iter() {
                match &mut *done.borrow_mut() {
                    Some(outcome) => std::mem::replace(outcome, Ok(())).unwrap_or_else(|panic| resume_unwind(panic)),
                    None => over = false,
                }
            }
            if over {
                return;
            }
            self.step();
            steps += 1;
            assert!(steps < 200_000, "somebody waits for ever");
        }
    }

    /// The same without any more disturbance, for who looks at the outcome.
    pub fn calm<T: 'static>(self: &Rc<World>, task: impl Future<Output = T> + 'static) -> T {
        self.kills.set(self.rough.kills);
        let outcome = Rc::new(RefCell::new(None));
        let into = outcome.clone();
        self.tasks.borrow_mut().clear();
        self.spawn(u64::MAX, async move {
            let value = task.await;
            *into.borrow_mut() = Some(value);
        });
        self.run();
        outcome.take().unwrap()
    }

    fn step(self: &Rc<World>) {
        self.clock.set(self.clock.get() + 1.0);
        let due: Vec<_> = self.later.borrow_mut().extract_if(.., |(at, _)| *at <= self.clock.get()).collect();
        due.into_iter().for_each(|(_, then)| then());
        match self.kill_in.get() {
            Some((0, breaks)) if self.host.borrow().is_some() => {
                self.kill_in.set(None);
                self.kill(if breaks { broke("so the test says") } else { Loss::Gone });
            }
            Some((steps, breaks)) => self.kill_in.set(Some((steps.saturating_sub(1), breaks))),
            None => {}
        }
        if self.kills.get() < self.rough.kills && self.dice.roll(self.rough.every) == 0 {
            self.disturb();
        }
        let steps = self.steps();
        match &steps[self.dice.roll(steps.len())] {
            Step::Up(at) => self.up(*at),
            Step::Down(at) => self.down(*at),
            Step::Learn(at) => self.learn(*at),
            Step::Join(at) => self.join(*at),
            Step::Reap(at) => self.reap(*at),
            Step::Turn => self.turn(),
            Step::Elect => self.elect(),
        }
    }

    fn wire(&self, at: usize) -> Rc<TabWire> {
        self.wires.borrow()[at].clone()
    }

    /// What can happen now.
    fn steps(&self) -> Vec<Step> {
        let number = self.host.borrow().as_ref().map(|host| host.number);
        let mut steps = vec![if number.is_some() { Step::Turn } else { Step::Elect }];
        for (at, wire) in self.wires.borrow().iter().enumerate() {
            let dead = self.is_dead(wire.tab);
            match wire.standing.get() {
                // What a tab had posted before it died still arrives.
                Standing::Joined(_) | Standing::Seeking { .. } if dead && wire.up.borrow().is_empty() => {
                    wire.standing.set(Standing::Left);
                }
                Standing::Joined(host) if dead && Some(host) != number => wire.standing.set(Standing::Left),
                Standing::Joined(host) if Some(host) == number => {
                    if !wire.up.borrow().is_empty() {
                        steps.push(Step::Up(at));
                    }
                }
                Standing::Joined(_) => steps.push(Step::Learn(at)),
                Standing::Seeking { .. } if number.is_some() => {
                    steps.push(Step::Join(at));
                    if number == Some(wire.posted_to.get()) && !wire.up.borrow().is_empty() {
                        steps.push(Step::Up(at));
                    }
                }
                Standing::Left if number.is_some() => steps.push(Step::Reap(at)),
                Standing::Seeking { .. } | Standing::Left | Standing::Forgotten => {}
            }
            if !wire.down.borrow().is_empty() {
                steps.push(Step::Down(at));
            }
        }
        steps
    }

    fn up(&self, at: usize) {
        let frame = self.wire(at).up.borrow_mut().pop_front();
        let Some(frame) = frame else { return };
        let is_deadly = |words: &str| frame.windows(words.len()).any(|window| window == words.as_bytes());
        let deadly = self.deadly.get().is_some_and(is_deadly);
        if let Some(host) = self.host.borrow_mut().as_mut() {
            host.service.receive(frame);
        }
        if deadly {
            self.kill(Loss::Gone);
        }
    }

    fn turn(&self) {
        let mut guard = self.host.borrow_mut();
        let Some(host) = guard.as_mut() else { return };
        // Without a pause, so that what waits for a time gets there.
        self.clock.set(self.clock.get() + self.dice.roll(10) as f64);
        let turn = catch_unwind(AssertUnwindSafe(|| host.service.turn()));
        let (number, wires) = (host.number, self.wires.borrow());
        for (client, frame) in std::mem::take(&mut host.service.environment_mut().replies) {
            if let Some(wire) = wires.iter().find(|wire| wire.client == client) {
                wire.down.borrow_mut().push_back((number, frame));
            }
        }
        drop(wires);
        drop(guard);
        if turn.is_err() {
            self.kill(broke("it panicked"));
        }
    }

    fn down(&self, at: usize) {
        let wire = self.wire(at);
        let frame = wire.down.borrow_mut().pop_front();
        let Some((host, frame)) = frame else { return };
        if matches!(wire.standing.get(), Standing::Left | Standing::Forgotten) {
            return;
        }
        // What a host had sent before it ended arrives late, or from some frame on never.
        let ended = self.host.borrow().as_ref().is_none_or(|now| now.number != host);
        if ended && self.dice.roll(3) == 0 {
            return wire.down.borrow_mut().retain(|(number, _)| *number != host);
        }
        wire.inbox.frame(Buffer::from_vec(frame));
    }

    fn learn(&self, at: usize) {
        let wire = self.wire(at);
        // What was posted to one that lives arrives, or the end of it does not.
        let posted = wire.up.borrow().len();
        wire.up.borrow_mut().truncate(self.dice.roll(posted + 1));
        let told = wire.used.replace(false);
        wire.standing.set(Standing::Seeking { told });
        if told {
            let cause = wire.cause.borrow().clone();
            wire.inbox.lost(cause);
        }
    }

    fn join(&self, at: usize) {
        let wire = self.wire(at);
        let Some(number) = self.host.borrow().as_ref().map(|host| host.number) else { return };
        if wire.posted_to.replace(number) != number {
            wire.up.take();
        }
        let before = wire.standing.replace(Standing::Joined(number));
        if before == (Standing::Seeking { told: true }) {
            wire.inbox.found();
        } else {
            wire.waiting.take().into_iter().for_each(|frame| wire.post(frame));
        }
    }

    fn reap(&self, at: usize) {
        let wire = self.wire(at);
        if let Some(host) = self.host.borrow_mut().as_mut() {
            host.service.drop_client(wire.client);
        }
        wire.standing.set(Standing::Forgotten);
    }

    fn elect(&self) {
        let living: Vec<u64> = {
            let (wires, dead) = (self.wires.borrow(), self.dead.borrow());
            let seeking = wires.iter().filter(|wire| matches!(wire.standing.get(), Standing::Seeking { .. }));
            seeking.map(|wire| wire.tab).filter(|tab| !dead.contains(tab)).collect()
        };
        if living.is_empty() {
            return;
        }
        self.hosts.set(self.hosts.get() + 1);
        let (number, tab) = (self.hosts.get(), living[self.dice.roll(living.len())]);
        let service = Service::new(Desk { clock: self.clock.clone(), replies: Vec::new() });
        *self.host.borrow_mut() = Some(Host { number, tab, service });
    }

    /// Something goes wrong.
    fn disturb(self: &Rc<World>) {
        let host = self.host.borrow().as_ref().map(|host| host.tab);
        let living: Vec<u64> = {
            let (tasks, dead) = (self.tasks.borrow(), self.dead.borrow());
            let mut tabs: Vec<u64> = tasks.iter().map(|(tab, ..)| *tab).filter(|tab| !dead.contains(tab)).collect();
            tabs.dedup();
            tabs
        };
        // One tab is left, so that somebody can tell.
        if self.rough.deaths && living.len() > 1 && self.dice.roll(3) == 0 {
            let tab = living[self.dice.roll(living.len())];
            if host == Some(tab) {
                self.kill(Loss::Gone);
            }
            return self.die(tab);
        }
        // A tab that was asleep is taken for dead, and takes its host for dead: then it finds the same one again.
        if host.is_some() && self.dice.roll(4) == 0 {
            return self.part();
        }
        if host.is_some() {
            let breaks = self.rough.breaks && self.dice.roll(3) == 0;
            self.kill(if breaks { broke("so the dice say") } else { Loss::Gone });
        }
    }

    /// The host is gone between two of its turns, with the files as they are.
    fn kill(&self, cause: Loss) {
        let Some(mut host) = self.host.take() else { return };
        self.kills.set(self.kills.get() + 1);
        host.service.crash();
        for wire in self.wires.borrow().iter() {
            *wire.cause.borrow_mut() = cause.clone();
            let mut down = wire.down.borrow_mut();
            let from = down.iter().position(|(number, _)| *number == host.number).unwrap_or(down.len());
            let arrive = self.dice.roll(down.len() - from + 1);
            down.truncate(from + arrive);
        }
    }

    /// One of the tabs loses sight of its host.
    fn part(&self) {
        let wire = self.wire(self.dice.roll(self.wires.borrow().len()));
        if matches!(wire.standing.get(), Standing::Joined(_)) && !self.is_dead(wire.tab) {
            *wire.cause.borrow_mut() = Loss::Gone;
            wire.standing.set(Standing::Joined(0));
        }
    }

    /// A tab is gone, with all that it was doing.
    fn die(&self, tab: u64) {
        self.dead.borrow_mut().push(tab);
        for wire in self.wires.borrow().iter().filter(|wire| wire.tab == tab) {
            let posted = wire.up.borrow().len();
            wire.up.borrow_mut().truncate(self.dice.roll(posted + 1));
            wire.down.take();
        }
        self.tasks.borrow_mut().retain(|(other, ..)| *other != tab);
    }

    fn is_dead(&self, tab: u64) -> bool {
        self.dead.borrow().contains(&tab)
    }
}

fn broke(why: &str) -> Loss {
    Loss::Broke(format!("the worker broke: {why}"))
}

impl Drop for World {
    fn drop(&mut self) {
        self.host.take();
    }
}

struct TabSpawn {
    world: Rc<World>,
    tab: u64,
}

impl Spawn for TabSpawn {
    fn spawn(&self, place: &Place, inbox: Inbox) -> aludel::Result<Rc<dyn Wire>> {
        let wire = Rc::new(TabWire {
            world: Rc::downgrade(&self.world),
            tab: self.tab,
            client: place.client,
            inbox,
            standing: Cell::new(Standing::Seeking { told: false }),
            used: Cell::new(false),
            cause: RefCell::new(Loss::Gone),
            up: RefCell::default(),
            posted_to: Cell::new(0),
            down: RefCell::default(),
            waiting: RefCell::default(),
        });
        self.world.wires.borrow_mut().push(wire.clone());
        Ok(Rc::new(Handle(wire)))
    }

    fn client(&self) -> u64 {
        self.world.wires.borrow().len() as u64 + 1
    }

    fn world(&self) -> u64 {
        // Worlds run in one thread one after the other.
        self.world.number << 32 | self.tab
    }

    fn file_storage(&self) -> Storage {
        Storage::Disk
    }
}

struct Handle(Rc<TabWire>);

impl TabWire {
    fn post(&self, frame: Vec<u8>) {
        match self.standing.get() {
            Standing::Joined(_) => {
                self.used.set(true);
                self.up.borrow_mut().push_back(frame);
            }
            Standing::Seeking { told: false } => self.waiting.borrow_mut().push(frame),
            Standing::Seeking { told: true } => panic!("a frame was sent although its host is known to be gone"),
            Standing::Left | Standing::Forgotten => {}
        }
    }
}

impl Wire for Handle {
    fn send(&self, mut head: Vec<u8>, batch: Option<Buffer>) {
        head.extend(batch.map(Buffer::into_vec).unwrap_or_default());
        if self.0.world.upgrade().is_some_and(|world| !world.is_dead(self.0.tab)) {
            self.0.post(head);
        }
    }

    fn owns_host(&self) -> bool {
        let Some(world) = self.0.world.upgrade() else { return false };
        world
            .host
            .borrow()
            .as_ref()
            .is_some_and(|host| host.tab == self.0.tab && self.0.standing.get() == Standing::Joined(host.number))
    }

    fn terminate(&self) {
        if self.owns_host()
            && let Some(world) = self.0.world.upgrade()
        {
            world.host.take();
        }
        self.0.standing.set(Standing::Left);
        self.0.up.take();
    }

    fn later(&self, after: Duration, then: Box<dyn FnOnce()>) {
        if let Some(world) = self.0.world.upgrade() {
            let at = world.clock.get() + after.as_secs_f64() * 1000.0;
            world.later.borrow_mut().push((at, then));
        }
    }
}
