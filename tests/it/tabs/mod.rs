//! Several tabs on one database: what the client does when its host goes.

mod losing;
mod notices;
pub mod scripted;
#[cfg(not(target_arch = "wasm32"))]
mod world;
#[cfg(not(target_arch = "wasm32"))]
mod worlds;
