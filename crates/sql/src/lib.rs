//! What aludel knows about texts of SQL: their tokens, their parameters, where a script is cut into statements.
//!
//! Pure: nothing here waits, and nothing fails for reasons of the environment. The same rules serve the Rust client and
//! the JavaScript face.
#![forbid(unsafe_code)]

pub mod compile;
pub mod expr;
mod extent;
pub mod fields;
pub mod json;
mod parameters;
pub mod reflect;
pub mod schema;
mod script;
pub mod shape;
pub mod statement;
mod text;
mod token;
pub mod typed;
pub mod types;
pub mod wire;

pub use parameters::{Expected, Style, describe, describe_batch, missing_parameter, mixed_parameters, wrong_count};
pub use script::{StatementSpan, first_keyword, is_commit, is_dml, is_explain, split_statements};
pub use text::Text;
pub use token::{Token, TokenKind, Tokens, tokens};
