//! The election: who hosts, and that a tab that nobody sees lets one that is seen go first.

use super::broker::Broker;
use super::js::Locks;
use super::life::is_hidden;
use super::lock::{Lock, waiting};
use super::tab::Tab;
use super::talk::{Line, Talk};
use futures_timer::Delay;
use std::cell::{Cell, RefCell};
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::rc::{Rc, Weak};
use std::task::{Poll, Waker};
use std::time::Duration;
use wasm_bindgen_futures::spawn_local;

/// How long a tab that nobody sees waits to hear whether a visible one wants to host.
const VOTE: Duration = Duration::from_millis(100);

/// What a tab holds as long as it takes part.
pub(super) struct Presence {
    pub(super) locks: Locks,
    pub(super) path: String,
    pub(super) talk: Talk,
    pub(super) broker: Rc<Broker>,
    /// By which others learn that this tab is gone.
    _alive: Lock,
    /// Whether that lock is held.
    pub(super) is_here: Cell<bool>,
    election: RefCell<Option<Lock>>,
    votes: Votes,
}

/// The answers to the question whether a visible tab waits.
#[derive(Default)]
struct Votes {
    count: Cell<usize>,
    visible: Cell<bool>,
    waker: Cell<Option<Waker>>,
}

impl Tab {
    pub(super) fn stand_for_election(&self, locks: &Locks, path: &str) -> Lock {
        let (me, without) = (self.weak(), self.weak());
        let granted = move || {
            if let Some(tab) = me.upgrade() {
                tab.elected();
            }
        };
        let refused = move || {
            let Some(tab) = without.upgrade() else { return };
            tab.presence.take();
            if let Err(error) = tab.host_alone() {
                tab.inbox.refuse(error);
            }
        };
        Lock::hold(locks, &format!("aludel-host:{path}"), granted, refused)
    }

    /// The lock is ours. A tab that nobody sees lets one that is seen go first.
    fn elected(self: &Rc<Tab>) {
        if !is_hidden() {
            return self.host();
        }
        let Some(presence) = self.presence() else { return };
        let (me, presence) = (self.weak(), Rc::downgrade(&presence));
        spawn_local(async move {
            let passes = is_wanted_by_visible(&me, &presence).await;
            let (Some(tab), Some(presence)) = (me.upgrade(), presence.upgrade()) else { return };
            if !passes {
                return tab.host();
            }
            // First the new place in the line, then the old one: the lock goes to the others in between.
            let again = tab.stand_for_election(&presence.locks, &presence.path);
            let before = presence.election.replace(Some(again));
            drop(before);
        });
    }
}

impl Presence {
    pub(super) fn new(locks: Locks, path: String, talk: Talk, alive: Lock, election: Lock) -> Presence {
        Presence {
            locks,
            path,
            talk,
            broker: Broker::new(),
            _alive: alive,
            is_here: Cell::new(false),
            election: RefCell::new(Some(election)),
            votes: Votes::default(),
        }
    }

    /// One who waits for the lock has answered.
    pub(super) fn count_vote(&self, visible: bool) {
        self.votes.count.set(self.votes.count.get() + 1);
        self.votes.visible.set(self.votes.visible.get() || visible);
        self.votes.waker.take().into_iter().for_each(Waker::wake);
    }
}

/// Whether a visible tab waits for the lock that this one has. A page may be put away in the meantime, and the lock must
/// go with its presence at once: nothing here keeps that.
async fn is_wanted_by_visible(tab: &Weak<Tab>, presence: &Weak<Presence>) -> bool {
    let Some((locks, path)) = presence.upgrade().map(|presence| (presence.locks.clone(), presence.path.clone())) else {
        return false;
    };
    let others = waiting(&locks, &format!("aludel-host:{path}")).await;
    let (Some(client), Some(asking)) = (tab.upgrade().map(|tab| tab.name.clone()), presence.upgrade()) else {
        return false;
    };
    if others == 0 {
        return false;
    }
    asking.votes.count.set(0);
    asking.votes.visible.set(false);
    asking.talk.say(&Line::Vote { client });
    drop(asking);
    let mut time = Delay::new(VOTE);
    poll_fn(|cx| {
        let Some(presence) = presence.upgrade() else { return Poll::Ready(false) };
        let votes = &presence.votes;
        votes.waker.set(Some(cx.waker().clone()));
        let (count, visible) = (votes.count.get(), votes.visible.get());
        if visible || count >= others || Pin::new(&mut time).poll(cx).is_ready() {
            return Poll::Ready(visible);
        }
        Poll::Pending
    })
    .await
}
