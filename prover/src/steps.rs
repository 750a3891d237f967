//! Points between the steps of a run at which tests let it die, or let others do something to its folders. In other
//! builds there is nothing here.

#[cfg(not(test))]
mod hook {
    #[derive(Clone)]
    pub(crate) struct Hook;

    pub(crate) fn step(_: &'static str) {}

    pub(crate) fn synced(_: &std::path::Path) {}

    pub(crate) fn current() -> Hook {
        Hook
    }

    impl Hook {
        pub(crate) fn enter(self) {}
    }
}

#[cfg(test)]
pub(crate) use hook::{Hook, synced_of};
pub(crate) use hook::{current, step, synced};

#[cfg(test)]
mod hook {
    use std::cell::RefCell;
    use std::path::{Path, PathBuf};
    use std::sync::Arc;

    type Act = dyn Fn(&'static str) + Send + Sync;

    thread_local! {
        static HOOK: RefCell<Hook> = const { RefCell::new(Hook(None)) };
        static SYNCED: RefCell<Vec<PathBuf>> = const { RefCell::new(Vec::new()) };
    }

    /// A folder's names were brought to the disk, which nothing else shows.
    pub(crate) fn synced(dir: &Path) {
        SYNCED.with_borrow_mut(|synced| synced.push(dir.to_owned()));
    }

    /// The folders of which the thread has synced the names during a call.
    pub(crate) fn synced_of(act: impl FnOnce()) -> Vec<PathBuf> {
        SYNCED.take();
        act();
        SYNCED.take()
    }

    /// What happens at a thread's steps.
    #[derive(Clone)]
    pub(crate) struct Hook(pub Option<Arc<Act>>);

    /// A step of the thread is about to be taken.
    pub(crate) fn step(name: &'static str) {
        let hook = current();
        if let Some(act) = hook.0 {
            act(name);
        }
    }

    /// The thread's hook.
    pub(crate) fn current() -> Hook {
        HOOK.with_borrow(Clone::clone)
    }

    impl Hook {
        /// Makes this the hook of the thread.
        pub(crate) fn enter(self) {
            HOOK.set(self);
        }
    }
}
