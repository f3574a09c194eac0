//! Calls of functions, windows, CASE, JSON and fields of dates.

use super::{Compiler, Out, always_quoted, compile_error};
use crate::expr::function::{Spelling, known};
use crate::expr::{Expr, FrameEnd, FrameUnit, Function, JsonRead, Window, precedence};
use aludel_protocol::Result;

impl Compiler<'_> {
    pub(super) fn function(&mut self, function: &Function, out: &mut Out) -> Result<()> {
        let spelling = match known(&function.name) {
            Some(known) => known.sql,
            None => {
                check_absent(&function.name)?;
                Spelling::Same
            }
        };
        match spelling {
            Spelling::Whole(sql) if function.arguments.is_empty() => {
                out.push(sql);
                return Ok(());
            }
            Spelling::Name(name) => out.push(name),
            Spelling::GroupConcat => out.push("group_concat"),
            _ => push_function_name(&function.name, out),
        }
        out.push("(");
        if spelling == Spelling::Count && function.arguments.is_empty() {
            out.push("*");
        }
        self.list(&function.arguments, out)?;
        if !function.order_by.is_empty() {
            out.push(" ORDER BY ");
            self.list(&function.order_by, out)?;
        }
        out.push(")");
        Ok(())
    }

    pub(super) fn window(&mut self, window: &Window, out: &mut Out) -> Result<()> {
        let mut between = "";
        if !window.partition_by.is_empty() {
            out.push("PARTITION BY ");
            self.list(&window.partition_by, out)?;
            between = " ";
        }
        if !window.order_by.is_empty() {
            out.push(between);
            out.push("ORDER BY ");
            self.list(&window.order_by, out)?;
            between = " ";
        }
        let Some((unit, from, to)) = &window.frame else { return Ok(()) };
        out.push(between);
        out.push(match unit {
            FrameUnit::Rows => "ROWS BETWEEN ",
            FrameUnit::Range => "RANGE BETWEEN ",
            FrameUnit::Groups => "GROUPS BETWEEN ",
        });
        self.frame_end(from, "UNBOUNDED PRECEDING", out)?;
        out.push(" AND ");
        self.frame_end(to, "UNBOUNDED FOLLOWING", out)
    }

    fn frame_end(&mut self, end: &FrameEnd, unbounded: &str, out: &mut Out) -> Result<()> {
        match end {
            FrameEnd::Unbounded => out.push(unbounded),
            FrameEnd::Current => out.push("CURRENT ROW"),
            FrameEnd::Preceding(distance) => {
                self.expr(distance, out)?;
                out.push(" PRECEDING");
            }
            FrameEnd::Following(distance) => {
                self.expr(distance, out)?;
                out.push(" FOLLOWING");
            }
        }
        Ok(())
    }

    pub(super) fn case(
        &mut self,
        value: Option<&Expr>,
        whens: &[(Expr, Expr)],
        otherwise: Option<&Expr>,
        out: &mut Out,
    ) -> Result<()> {
        if whens.is_empty() {
            return Err(compile_error("case() takes at least one condition"));
        }
        out.push("CASE");
        if let Some(value) = value {
            out.push(" ");
            self.expr(value, out)?;
        }
        for (when, then) in whens {
            out.push(" WHEN ");
            let least = if value.is_some() { precedence::AND } else { precedence::ATOM };
            match value {
                Some(_) => self.expr_at(when, least, out)?,
                None if when.is_bare_boolean() => {
                    out.push("(");
                    self.condition_at(when, 0, out)?;
                    out.push(")");
                }
                None => self.condition_at(when, least, out)?,
            }
            out.push(" THEN ");
            self.expr(then, out)?;
        }
        if let Some(otherwise) = otherwise {
            out.push(" ELSE ");
            self.expr(otherwise, out)?;
        }
        out.push(" END");
        Ok(())
    }

    pub(super) fn json(&mut self, value: &Expr, path: &Expr, read: JsonRead, out: &mut Out) -> Result<()> {
        let (before, behind) = match read {
            JsonRead::Json => ("JSON_QUOTE(", ")".to_owned()),
            JsonRead::String => ("CAST(", " AS VARCHAR)".to_owned()),
            JsonRead::Integer => ("CAST(", " AS INTEGER)".to_owned()),
            JsonRead::Float => ("CAST(", " AS FLOAT)".to_owned()),
            JsonRead::Numeric(precision, scale) => ("CAST(", format!(" AS NUMERIC({precision}, {scale}))")),
            JsonRead::Boolean => ("CAST(", " AS BOOLEAN)".to_owned()),
        };
        out.push(before);
        out.push("JSON_EXTRACT(");
        self.expr(value, out)?;
        out.push(", ");
        self.expr(path, out)?;
        out.push(")");
        out.push(&behind);
        Ok(())
    }

    pub(super) fn extract(&mut self, field: &str, inner: &Expr, out: &mut Out) -> Result<()> {
        let format = match field.to_ascii_lowercase().as_str() {
            "month" => "%m",
            "day" => "%d",
            "year" => "%Y",
            "second" => "%S",
            "hour" => "%H",
            "doy" => "%j",
            "minute" => "%M",
            "epoch" => "%s",
            "dow" => "%w",
            "week" => "%W",
            _ => return Err(compile_error(format!("{field} is not a valid extract argument."))),
        };
        out.push(&format!("CAST(STRFTIME('{format}', "));
        self.expr(inner, out)?;
        out.push(") AS INTEGER)");
        Ok(())
    }
}

/// What SQLAlchemy has a construct for and SQLite has not, and what there is instead.
const ABSENT: &[(&str, &str)] = &[
    ("any", "in() or exists()"),
    ("some", "in() or exists()"),
    ("all", "not_(), in() or exists()"),
    ("try_cast", "cast(), which gives 0 for what is no number"),
    ("rollup", "union_all() of one query for each grouping"),
    ("cube", "union_all() of one query for each grouping"),
    ("grouping_sets", "union_all() of one query for each grouping"),
    ("percentile_cont", "a subquery with row_number() and count()"),
    ("percentile_disc", "a subquery with row_number() and count()"),
    ("mode", "a subquery that is grouped and ordered by count()"),
    ("next_value", "an INTEGER primary key, with AUTOINCREMENT if need be"),
];

fn check_absent(name: &str) -> Result<()> {
    match ABSENT.iter().find(|(absent, _)| absent.eq_ignore_ascii_case(name)) {
        Some((absent, instead)) => {
            let name = absent.replace('_', if *absent == "grouping_sets" { " " } else { "_" }).to_ascii_uppercase();
            Err(compile_error(format!("SQLite has no {name}: use {instead}")))
        }
        None => Ok(()),
    }
}

/// Writes the name of a function as it was written, quoted where it has to be; a schema may stand before it.
fn push_function_name(name: &str, out: &mut Out) {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    for (at, part) in name.split('.').enumerate() {
        out.push(if at > 0 { "." } else { "" });
        let simple = part.bytes().all(plain) && part.bytes().next().is_some_and(|byte| !byte.is_ascii_digit());
        if simple {
            out.push(part);
        } else {
            out.push(&always_quoted(part));
        }
    }
}
