//! How steps and the history of a database fit; `pkg-templates/src/migration_steps.ts` says the same.

use super::history::History;
use super::{Migrations, Step};
use aludel_protocol::{Error, ErrorKind, Result};
use std::collections::{HashMap, HashSet};

/// What is to be done.
pub(super) struct Plan<'a> {
    pub pending: &'a [Step],
    /// The names of the steps that were run and are not known.
    pub unknown: Vec<String>,
    /// How many steps are to be noted as run, because `user_version` says so.
    pub adopted: usize,
    /// What forbids to go on.
    pub problem: Option<Error>,
}

/// Compares steps with what was done.
pub(super) fn plan<'a>(migrations: &'a Migrations, history: &History) -> Plan<'a> {
    let steps = &migrations.steps[..];
    let known: HashSet<&str> = steps.iter().map(|step| step.name.as_str()).collect();
    let names = history.applied.iter().map(|each| &each.name);
    let unknown: Vec<String> = names.filter(|name| !known.contains(name.as_str())).cloned().collect();
    let done = history.applied.len();
    match adopted(migrations, history) {
        Ok(0) => {}
        Ok(adopted) => {
            return Plan { pending: steps.get(adopted..).unwrap_or_default(), unknown, adopted, problem: None };
        }
        Err(problem) => return Plan { pending: steps, unknown, adopted: 0, problem: Some(problem) },
    }
    let problem = misfit(migrations, history, &unknown);
    Plan { pending: steps.get(done..).unwrap_or_default(), unknown, adopted: 0, problem }
}

/// Gives what forbids to go on; else whether there is nothing to do.
pub(super) fn settled(migrations: &Migrations, plan: &Plan<'_>) -> Result<bool> {
    match &plan.problem {
        Some(problem) if migrations.allow_newer && problem.kind() == ErrorKind::NewerDatabase => Ok(true),
        Some(problem) => Err(problem.clone()),
        None => Ok(plan.pending.is_empty() && plan.adopted == 0),
    }
}

fn wrong(message: String) -> Error {
    Error::new(ErrorKind::Migration, message)
}

/// How many steps are to be taken for run, though the database knows of none.
fn adopted(migrations: &Migrations, history: &History) -> Result<usize> {
    let version = history.version;
    if !migrations.user_version || history.kept || version == 0 {
        return Ok(0);
    }
    if !migrations.adopt {
        return Err(wrong(format!(
            "user_version is {version}, and the database knows of no steps: say with adopt that it has had {version} of them, \
             or with user_version(false) that the number means something else"
        )));
    }
    let known = migrations.steps.len();
    usize::try_from(version).ok().filter(|adopted| *adopted <= known).ok_or_else(|| {
        let message = format!(
            "the database has had {version} steps, and this program knows {known}: it was made by newer code, which is to \
             be loaded"
        );
        Error::new(ErrorKind::NewerDatabase, message)
    })
}

fn misfit(migrations: &Migrations, history: &History, unknown: &[String]) -> Option<Error> {
    let (steps, applied) = (&migrations.steps, &history.applied);
    let last = applied.last().map_or("", |last| last.name.as_str());
    if !unknown.is_empty() {
        let names: Vec<String> = unknown.iter().take(5).map(|name| quoted(name)).collect();
        let more = unknown.len() - names.len();
        let names = names.join(", ") + &if more > 0 { format!(" and {more} more") } else { String::new() };
        if unknown.last().is_some_and(|name| name == last) {
            let message = format!(
                "the database has had steps that this program does not know: {names}. It was migrated by newer code, which \
                 is to be loaded"
            );
            return Some(Error::new(ErrorKind::NewerDatabase, message));
        }
        let last = quoted(last);
        return Some(wrong(format!(
            "the database has had {names}, which this program lacks though it knows {last}, a later one"
        )));
    }
    let done: HashMap<&str, Option<&str>> =
        applied.iter().map(|each| (each.name.as_str(), each.checksum.as_deref())).collect();
    for (i, (step, had)) in steps.iter().zip(applied).enumerate() {
        if step.name == had.name {
            continue;
        }
        let (name, had) = (quoted(&step.name), quoted(&had.name));
        return Some(wrong(if done.contains_key(step.name.as_str()) {
            format!("step {name} is in place {}, where the database has had {had}: steps keep their order", i + 1)
        } else {
            format!("step {name} comes before {had}, which the database has had without it: new steps go to the end")
        }));
    }
    for (step, had) in steps.iter().zip(applied) {
        if had.checksum.is_some() && had.checksum != step.checksum {
            let [was, is] = [&had.checksum, &step.checksum].map(|sum| sum.as_deref().unwrap_or("none"));
            return Some(wrong(format!(
                "step {} was changed after it was run: its checksum was {was} and is {is}. Undo the change, and make it a \
                 step of its own",
                quoted(&step.name)
            )));
        }
    }
    // A copy by texts of SQL has the table and not the number.
    let (version, count) = (history.version, applied.len());
    if migrations.user_version && history.kept && version != 0 && usize::try_from(version) != Ok(count) {
        return Some(wrong(format!(
            "user_version is {version} where {count} steps were run: something else sets it. With user_version(false) it is \
             left to that"
        )));
    }
    None
}

/// A name as it stands in messages.
pub(super) fn quoted(name: &str) -> String {
    if name.chars().count() > 100 {
        return format!("{:?}", format!("{}...", name.chars().take(100).collect::<String>()));
    }
    format!("{name:?}")
}

/// The checksum of SQL: FNV-1a of 64 bits over its UTF-8, without white space around it and with line ends as one character.
pub(super) fn checksum(sql: &str) -> String {
    let plain = sql.strip_prefix('\u{feff}').unwrap_or(sql).replace("\r\n", "\n").replace('\r', "\n");
    let plain = plain.trim_matches([' ', '\t', '\n']);
    let sum = plain
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |sum, byte| (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    format!("fnv1a64:{sum:016x}")
}
