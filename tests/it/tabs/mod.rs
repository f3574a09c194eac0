//! Several tabs on one database: what the client does when its host goes.

mod between;
mod doubt;
mod losing;
#[cfg(not(target_arch = "wasm32"))]
mod marks;
mod notices;
mod procedures;
pub mod scripted;
mod tab;
#[cfg(not(target_arch = "wasm32"))]
mod world;
#[cfg(not(target_arch = "wasm32"))]
mod worlds;
