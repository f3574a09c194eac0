//! `cargo xtask test`: every stage in its order, and at the end all results, summed from the runners' own counts.

use crate::counts::{self, Counts};
use crate::setup::{self, Needs};
use crate::stages::{STAGES, Stage};
use crate::{files, shell};
use anyhow::{Context, Result, bail};
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

/// What a stage reports as it goes.
#[derive(Default)]
pub struct Report {
    counts: Counts,
    complaints: Vec<String>,
}

impl Report {
    /// A step that has no count of its own: it passes or it fails.
    pub fn check(&mut self, what: &str, outcome: Result<()>) {
        match outcome {
            Ok(()) => self.counts.passed += 1,
            Err(error) => self.fail(format!("{what}: {error:#}")),
        }
    }

    /// Whether anything failed so far.
    pub fn has_failed(&self) -> bool {
        self.counts.failed > 0
    }

    /// A command that passes or fails as a whole.
    pub fn plain(&mut self, what: &str, command: &mut Command) {
        self.check(what, shell::run(what, command));
    }

    /// A runner that counts. One that ends badly, or whose count cannot be read, is a failure whatever it printed.
    pub fn counted(&mut self, what: &str, command: &mut Command) {
        shell::say(what);
        match shell::transcribe(command) {
            Ok(transcript) => self.judge(what, transcript.success, counts::read(&transcript.text)),
            Err(error) => self.fail(format!("{what}: {error:#}")),
        }
    }

    /// The test files of node below a directory, in one run.
    pub fn node_tests(&mut self, what: &str, directory: &str, environment: &[(&'static str, String)]) -> Result<()> {
        let is_test = |path: &std::path::PathBuf| {
            let text = path.to_string_lossy();
            text.ends_with(".test.mjs") && !text.contains("node_modules")
        };
        let tests: Vec<_> = files::files_under(&shell::root().join(directory))?.into_iter().filter(is_test).collect();
        if tests.is_empty() {
            bail!("{directory} holds no file called *.test.mjs");
        }
        self.counted(
            what,
            shell::command("node")
                // One after another: browsers that compete for two cores measure nothing and run into time limits.
                .args(["--test", "--test-concurrency=1", "--test-reporter=spec"])
                .args(tests)
                .envs(environment.iter().map(|(name, value)| (name, value))),
        );
        Ok(())
    }

    fn judge(&mut self, what: &str, success: bool, counts: Option<Counts>) {
        match counts {
            Some(counts) => {
                self.counts += counts;
                if counts.failed > 0 {
                    self.complaints.push(format!("{what}: {counts}"));
                } else if !success {
                    self.fail(format!("{what}: its runner failed although its tests passed"));
                } else if counts.passed == 0 {
                    self.fail(format!("{what}: it ran no test at all"));
                }
            }
            None if success => self.fail(format!("{what}: its count of tests cannot be read")),
            None => self.fail(format!("{what}: its runner failed")),
        }
    }

    fn fail(&mut self, complaint: String) {
        shell::complain(&complaint);
        self.counts.failed += 1;
        self.complaints.push(complaint);
    }
}

/// What became of one stage.
struct Finished {
    name: &'static str,
    report: Report,
    time: Duration,
}

/// Runs the stages named, or all of them.
pub fn test(names: &[String]) -> Result<ExitCode> {
    if names.iter().any(|name| name == "--list") {
        for stage in STAGES {
            println!("{:<12} {}", stage.name, stage.what);
        }
        return Ok(ExitCode::SUCCESS);
    }
    let stages = choose(names)?;
    let start = Instant::now();
    let mut finished = Vec::new();
    let setup = measure("setup", |report| {
        report.check("setup", setup::setup(&Needs::for_tests()));
        Ok(())
    });
    let ready = setup.report.complaints.is_empty();
    finished.push(setup);
    if ready {
        for stage in stages {
            println!("\n{}", shell::bold(&format!("=== {}: {}", stage.name, stage.what)));
            finished.push(measure(stage.name, stage.run));
        }
    }
    Ok(conclude(&finished, start.elapsed()))
}

fn measure(name: &'static str, run: fn(&mut Report) -> Result<()>) -> Finished {
    let start = Instant::now();
    let mut report = Report::default();
    if let Err(error) = run(&mut report) {
        report.fail(format!("{name}: {error:#}"));
    }
    Finished { name, report, time: start.elapsed() }
}

fn choose(names: &[String]) -> Result<Vec<&'static Stage>> {
    if names.is_empty() {
        // Firefox is tested where nothing may be left out, and where it is asked for by name.
        return Ok(STAGES.iter().filter(|stage| shell::in_ci() || !stage.only_in_ci).collect());
    }
    let find = |name: &String| STAGES.iter().find(|stage| stage.name == name);
    names
        .iter()
        .map(|name| find(name).with_context(|| format!("unknown stage `{name}`; `test --list` names them")))
        .collect()
}

/// Prints the results. The last line is the sum, and nothing follows it.
fn conclude(finished: &[Finished], time: Duration) -> ExitCode {
    let mut sum = Counts::default();
    println!("\n{}", shell::bold("=== Results"));
    for stage in finished {
        sum += stage.report.counts;
        println!("{:<12} {:>6.0} s   {}", stage.name, stage.time.as_secs_f64(), stage.report.counts);
    }
    println!("{:<12} {:>6.0} s", "in all", time.as_secs_f64());
    for complaint in finished.iter().flat_map(|stage| &stage.report.complaints) {
        println!("FAILED  {complaint}");
    }
    println!("{sum}");
    if sum.failed == 0 && sum.passed > 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(success: bool, output: &str) -> Counts {
        let mut report = Report::default();
        report.judge("a runner", success, counts::read(output));
        assert_eq!(report.complaints.is_empty(), report.counts.failed == 0);
        report.counts
    }

    #[test]
    fn a_runner_is_believed_only_when_its_status_and_its_count_agree() {
        assert_eq!(judged(true, "3 passed, 0 failed"), Counts { passed: 3, failed: 0 });
        assert_eq!(judged(false, "3 passed, 2 failed"), Counts { passed: 3, failed: 2 });
        assert_eq!(judged(false, "3 passed, 0 failed"), Counts { passed: 3, failed: 1 });
        assert_eq!(judged(true, "all is well"), Counts { passed: 0, failed: 1 });
        assert_eq!(judged(true, "0 passed, 0 failed"), Counts { passed: 0, failed: 1 });
        assert_eq!(judged(false, ""), Counts { passed: 0, failed: 1 });
    }

    #[test]
    fn a_program_that_is_missing_is_a_failure() {
        let mut report = Report::default();
        report.counted("nothing", &mut Command::new("/nowhere/no-such-program"));
        report.plain("nothing", &mut Command::new("/nowhere/no-such-program"));
        assert_eq!(report.counts, Counts { passed: 0, failed: 2 });
        assert!(report.node_tests("nothing", "xtask/src", &[]).is_err());
    }

    #[test]
    fn stages_are_chosen_by_name() {
        assert_eq!(choose(&["tidy".to_string()]).unwrap().len(), 1);
        assert!(choose(&["tidier".to_string()]).is_err());
    }
}
