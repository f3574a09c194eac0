//! Hosts that die at every single thing that they do to the disk: what the next one says of a request is what is in the
//! database. Not a single exception is allowed.

use super::world::{Asked, World};
use crate::vfs::simulated::{Call, Failing, Plan, Random, SimulatedDisk};
use aludel_protocol::{Durability, Fate, RepeatClass, Request};
use std::collections::BTreeSet;

const CLIENTS: u64 = 3;

/// A database with its tables, and clients 1 to 3 with two connections each. Client 0 has one that nobody asks about.
fn world(disk: &SimulatedDisk, random: Random) -> World {
    let mut world = World::new(disk, random, 100);
    world.durability = world.random.pick(&[Durability::Normal, Durability::Full]).unwrap();
    world.open(1, 1).unwrap();
    world.query((1, 1), "CREATE TABLE t(tag INTEGER, part INTEGER, pad BLOB)").unwrap();
    world.query((1, 1), "CREATE TABLE u(tag INTEGER PRIMARY KEY)").unwrap();
    world.query((1, 1), "INSERT INTO u VALUES(1)").unwrap();
    world.open(1, 2).unwrap();
    for client in (2..=CLIENTS).chain([0]) {
        world.open(client, 1).unwrap();
        world.open(client, 2).unwrap();
    }
    world
}

/// Clients work, several at once, while others disturb them.
fn round(world: &mut World) {
    work(world);
    if world.random.below(25) == 0 {
        // Everyone goes, and with the last of them the log.
        for client in 0..=CLIENTS {
            for connection in [1, 2] {
                world.send(client, connection, RepeatClass::Safe, Request::Close);
            }
        }
        world.settle();
        for client in 0..=CLIENTS {
            world.open(client, 1).unwrap();
            world.open(client, 2).unwrap();
        }
    }
}

fn work(world: &mut World) {
    let mut busy = BTreeSet::new();
    for _ in 0..1 + world.random.below(3) {
        let who = (1 + world.random.below(CLIENTS as usize) as u64, 1 + world.random.below(2) as u32);
        if busy.insert(who) {
            world.work(who.0, who.1);
        }
    }
    if world.random.below(3) == 0 {
        let connection = 1 + world.random.below(2) as u32;
        world.disturb(0, connection);
    }
    world.settle();
}

/// Asks the next host about everything that was asked before; what it says is what is there.
fn check(world: &mut World, asked: &[Asked], what: &str) -> usize {
    let mut committed = 0;
    world.open(1, 1).unwrap_or_else(|error| panic!("{what}: {error}"));
    let there = world.tags((1, 1));
    for client in 1..=CLIENTS {
        if client > 1 {
            world.open(client, 1).unwrap();
        }
        let own: Vec<&Asked> = asked.iter().filter(|asked| asked.client == client).collect();
        let fates = world.fates(client, 1, own.iter().map(|asked| asked.request).collect());
        for (asked, fate) in own.into_iter().zip(fates) {
            match fate {
                Fate::Committed { had_rows, .. } => {
                    assert!(there.contains(&asked.tag), "{what}: {asked:?} is said to be committed, and is not there");
                    assert_eq!(had_rows, asked.returns, "{what}: {asked:?}");
                    committed += 1;
                }
                Fate::NotCommitted => {
                    assert!(!there.contains(&asked.tag), "{what}: {asked:?} is there, and said not to be committed");
                }
                Fate::Unknown => panic!("{what}: nobody knows what became of {asked:?}"),
            }
        }
    }
    committed
}

#[test]
fn fates_agree_with_the_database_wherever_the_host_dies() {
    let mut random = Random::new("fates_agree_with_the_database_wherever_the_host_dies");
    let (mut points, mut committed, mut in_doubt) = (0, 0, 0);
    for _ in 0..5 {
        let disk = SimulatedDisk::new();
        disk.remember();
        let seed = random.number();
        let mut first = world(&disk, Random::with_seed(seed));
        for _ in 0..16 {
            round(&mut first);
        }
        let total = disk.ops();
        first.service.crash();
        let from = first.asked[0].at;
        for count in from..=total {
            for torn in [false, true] {
                let image = disk.killed_after(count, torn);
                let what = format!("seed {seed}, {count} of {total} operations, torn: {torn}");
                let asked: Vec<Asked> = first.asked.iter().filter(|asked| asked.at <= count).cloned().collect();
                let mut next = World::new(&image, Random::with_seed(seed ^ count as u64), 1_000_000);
                let done = check(&mut next, &asked, &what);
                let there = next.tags((1, 1));
                for asked in &asked {
                    let heard = asked.answered_at.is_some_and(|at| at <= count);
                    in_doubt += usize::from(!heard);
                    assert!(!heard || asked.succeeded == there.contains(&asked.tag), "{what}: {asked:?}");
                }
                points += 1;
                committed += done;
                // What was said once is said again, whatever happens to the log.
                if count % 7 == 0 {
                    for (client, connection) in [(1, 2), (2, 2), (3, 2), (0, 1), (0, 2)] {
                        next.open(client, connection).unwrap();
                    }
                    round(&mut next);
                    let later: Vec<Asked> = asked.iter().chain(&next.asked).cloned().collect();
                    next.service.crash();
                    let mut third = World::new(&image, Random::with_seed(seed), 2_000_000);
                    check(&mut third, &later, &format!("{what}, and another host"));
                    third.service.crash();
                }
                next.service.crash();
            }
        }
    }
    println!("{points} points, {committed} commits told, {in_doubt} in doubt");
    assert!(points > 500 && in_doubt > 250, "{points} points, {in_doubt} in doubt");
}

/// A call fails, a write is done by half, or the disk is full for a while; then the host dies.
#[test]
fn fates_agree_with_the_database_when_the_disk_fails() {
    let mut random = Random::new("fates_agree_with_the_database_when_the_disk_fails");
    let (mut failures, mut failed) = (0, 0);
    for run in 0..250_u64 {
        let seed = random.number();
        let disk = SimulatedDisk::new();
        let mut world = world(&disk, Random::with_seed(seed));
        for _ in 0..2 {
            work(&mut world);
        }
        let call = random.pick(&[Some(Call::Write), Some(Call::Sync), Some(Call::Truncate), None]).unwrap();
        let failing = random.pick(&[Failing::Io, Failing::Full, Failing::Half]).unwrap();
        let plan = Plan { call, after: random.below(25) as u64, count: 1 + random.below(3) as u64, failing };
        let what = format!("run {run}, seed {seed}, {plan:?}");
        disk.plan(Some(plan));
        for _ in 0..3 {
            work(&mut world);
        }
        failures += disk.seen().1;
        disk.plan(None);
        if random.below(2) == 0 {
            work(&mut world);
        }
        let asked = world.asked.clone();
        world.service.crash();
        let mut next = World::new(&disk, random.clone(), 1_000_000);
        check(&mut next, &asked, &what);
        let there = next.tags((1, 1));
        for asked in &asked {
            let is_there = there.contains(&asked.tag);
            // A commit that failed at its very end is cut off the log, unless that fails as well; then its death brings it
            // back.
            assert!(asked.succeeded == is_there || (plan.count > 1 && is_there), "{what}: {asked:?}");
            failed += usize::from(!asked.succeeded);
        }
        next.service.crash();
    }
    println!("{failures} calls failed, {failed} requests");
    assert!(failures > 100 && failed > 100, "{failures} calls failed, {failed} requests");
}
