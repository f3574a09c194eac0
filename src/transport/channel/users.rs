//! Who uses a channel: it ends with the last of them.

use super::Channel;
use std::rc::Rc;

/// A use of a channel; when the last one is dropped, the worker closes its files and ends.
#[derive(Debug)]
pub struct ChannelUse(Rc<Channel>);

impl ChannelUse {
    pub(super) fn new(channel: Rc<Channel>) -> ChannelUse {
        channel.users.set(channel.users.get() + 1);
        ChannelUse(channel)
    }

    /// Gives up the use; when it is the last one, waits until the worker has ended.
    pub async fn release(self) {
        let channel = self.0.clone();
        drop(self);
        if channel.users.get() == 0 {
            channel.ended().await;
        }
    }
}

impl Clone for ChannelUse {
    fn clone(&self) -> ChannelUse {
        ChannelUse::new(self.0.clone())
    }
}

impl std::ops::Deref for ChannelUse {
    type Target = Rc<Channel>;

    fn deref(&self) -> &Rc<Channel> {
        &self.0
    }
}

impl Drop for ChannelUse {
    fn drop(&mut self) {
        self.0.users.set(self.0.users.get() - 1);
        if self.0.users.get() == 0 {
            self.0.shut_down();
        }
    }
}
