//! Several tabs on one database: what the client does when its host goes.

mod notices;
pub mod scripted;
