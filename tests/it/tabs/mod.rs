//! Several tabs on one database: what the client does when its host goes.

mod losing;
mod notices;
pub mod scripted;
mod world;
mod worlds;
