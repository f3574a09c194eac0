//! Where in a program a connection was taken: told to those who wait for it.

use std::fmt;
use std::panic::Location;
use std::rc::Rc;

/// A place in the program. It is cheap to note, and becomes a text only when somebody wants to know.
#[derive(Clone, Default)]
pub struct Site(Place);

#[derive(Clone, Default)]
enum Place {
    #[default]
    Unknown,
    Rust(&'static Location<'static>),
    Told(Rc<dyn Fn() -> Option<String>>),
}

impl Site {
    /// Where the caller was called.
    #[track_caller]
    pub(crate) fn here() -> Site {
        Site(Place::Rust(Location::caller()))
    }

    /// A place that a function tells.
    pub fn told(tell: impl Fn() -> Option<String> + 'static) -> Site {
        Site(Place::Told(Rc::new(tell)))
    }

    /// The file, the line and the column, where they are known.
    pub fn text(&self) -> Option<String> {
        match &self.0 {
            Place::Unknown => None,
            Place::Rust(location) => Some(location.to_string()),
            Place::Told(tell) => tell(),
        }
    }
}

impl fmt::Debug for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Place::Rust(location) => write!(f, "Site({location})"),
            Place::Unknown | Place::Told(_) => f.write_str("Site"),
        }
    }
}
