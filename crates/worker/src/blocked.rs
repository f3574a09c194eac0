//! Who holds others up while doing nothing: when that is said, and what is known of them.
#![forbid(unsafe_code)]

/// How long somebody waits before anything is said, in milliseconds.
const PATIENCE_MS: f64 = 1_000.0;
/// How long somebody has to have done nothing, in milliseconds: between two requests of a busy one there are gaps.
const IDLE_MS: f64 = 250.0;
/// How long a client has to say where its connection was taken, in milliseconds.
const ANSWER_MS: f64 = 250.0;
/// How much of what it says is kept, in characters.
const SITE_CHARACTERS: usize = 1_000;

/// A connection that has what others wait for, for as long as it has it. `C` names a connection.
#[derive(Debug)]
pub(crate) struct Suspect<C> {
    holder: C,
    /// Since when it has it.
    since: f64,
    /// Since when it does nothing, if it does nothing.
    pub(crate) idle_since: Option<f64>,
    /// When its client was asked where it was taken.
    asked: Option<f64>,
    site: Option<String>,
    /// The clients that know.
    told: Vec<u64>,
}

/// What is to be done about a suspect.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Step {
    /// Nothing before this time.
    Wait(f64),
    /// Ask its client where the connection was taken.
    Ask,
    /// Tell who waits, and whom it waits for.
    Tell,
}

impl<C: Copy + PartialEq> Suspect<C> {
    pub(crate) fn new(holder: C, since: f64) -> Suspect<C> {
        Suspect { holder, since, idle_since: None, asked: None, site: None, told: Vec::new() }
    }

    /// Whether it is about this connection, and about this time.
    pub(crate) fn is(&self, holder: C, since: f64) -> bool {
        self.holder == holder && self.since == since
    }

    pub(crate) fn holder(&self) -> C {
        self.holder
    }

    /// Since when it has what others wait for.
    pub(crate) fn since(&self) -> f64 {
        self.since
    }

    /// Where the connection was taken, as far as that is known.
    pub(crate) fn site(&self) -> Option<&str> {
        self.site.as_deref()
    }

    /// Takes the answer of its client.
    pub(crate) fn answer(&mut self, site: &str) {
        self.site = Some(site.chars().take(SITE_CHARACTERS).collect());
    }

    /// What is to be done now for somebody who has waited since then; each client is told once.
    pub(crate) fn step(&mut self, client: u64, waits_since: f64, now: f64) -> Step {
        let Some(idle_since) = self.idle_since.filter(|_| !self.told.contains(&client)) else {
            return Step::Wait(f64::INFINITY);
        };
        let due = (waits_since.max(self.since) + PATIENCE_MS).max(idle_since + IDLE_MS);
        if now < due {
            return Step::Wait(due);
        }
        match (self.asked, &self.site) {
            (None, _) => {
                self.asked = Some(now);
                Step::Ask
            }
            (Some(asked), None) if now < asked + ANSWER_MS => Step::Wait(asked + ANSWER_MS),
            (Some(_), _) => {
                self.told.push(client);
                Step::Tell
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_who_works_is_not_named() {
        let mut suspect = Suspect::new('h', 0.0);
        assert_eq!(suspect.step(1, 10.0, 9_000.0), Step::Wait(f64::INFINITY));
        suspect.idle_since = Some(9_000.0);
        assert_eq!(suspect.step(1, 10.0, 9_000.0), Step::Wait(9_250.0));
        suspect.idle_since = None;
        assert_eq!(suspect.step(1, 10.0, 9_300.0), Step::Wait(f64::INFINITY));
    }

    #[test]
    fn who_waits_is_told_once_with_the_site_or_after_a_while_without() {
        for answers in [true, false] {
            let mut suspect = Suspect::new('h', 100.0);
            suspect.idle_since = Some(150.0);
            // It waited for somebody else before.
            assert_eq!(suspect.step(1, 10.0, 200.0), Step::Wait(1_100.0));
            assert_eq!(suspect.step(1, 10.0, 1_100.0), Step::Ask);
            assert_eq!(suspect.step(1, 10.0, 1_101.0), Step::Wait(1_350.0));
            if answers {
                suspect.answer("app.js:10");
                assert_eq!(suspect.site(), Some("app.js:10"));
            }
            assert_eq!(suspect.step(1, 10.0, if answers { 1_102.0 } else { 1_350.0 }), Step::Tell);
            assert_eq!(suspect.step(1, 20.0, 5_000.0), Step::Wait(f64::INFINITY));
            // Another tab is told as well, and nobody is asked again.
            assert_eq!(suspect.step(2, 1_200.0, 1_400.0), Step::Wait(2_200.0));
            assert_eq!(suspect.step(2, 1_200.0, 2_200.0), Step::Tell);
        }
    }
}
