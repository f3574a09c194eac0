//! Commands: where they run, how they show what they do, and how they fail.

use crate::sqlite;
use anyhow::{Context, Result, bail};
use std::ffi::{OsStr, OsString};
use std::io::{BufRead, BufReader, IsTerminal, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// The root of the repository.
pub fn root() -> PathBuf {
    let manifest = std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
    Path::new(&manifest).parent().map(Path::to_path_buf).unwrap_or_default()
}

/// Where cargo puts what it builds.
pub fn target_dir() -> PathBuf {
    match std::env::var_os("CARGO_TARGET_DIR") {
        Some(path) => root().join(path),
        None => root().join("target"),
    }
}

/// Where cargo keeps what it downloaded.
pub fn cargo_home() -> Result<PathBuf> {
    let home = match std::env::var_os("CARGO_HOME") {
        Some(path) => path.into(),
        None => std::env::home_dir().context("there is no home directory, and no CARGO_HOME")?.join(".cargo"),
    };
    home.canonicalize().with_context(|| format!("there is no {}", home.display()))
}

/// Where the tools are that `setup` installs by cargo. Always in the repository, whatever the target directory is.
pub fn tools_dir() -> PathBuf {
    root().join("target/tools")
}

/// Whether this is a run of the continuous integration, in which nothing may be left out.
pub fn in_ci() -> bool {
    std::env::var_os("CI").is_some_and(|value| !value.is_empty() && value != "false" && value != "0")
}

/// A command that runs in the root of the repository, with the installed tools first on its path.
pub fn command(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    let mut path = OsString::from(tools_dir().join("bin"));
    if let Some(rest) = std::env::var_os("PATH") {
        path.push(":");
        path.push(rest);
    }
    command.current_dir(root()).env("PATH", path).stdin(Stdio::null());
    // For every cargo that is started from here, or it would compile SQLite anew each time that this changes.
    command.env(sqlite::SOURCE_DIR, sqlite::directory());
    // Cargo describes this very package to us; its children would take that for a description of theirs.
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") || text == "CARGO_BIN_NAME" {
            command.env_remove(&name);
        }
    }
    command
}

/// The cargo that started us.
pub fn cargo() -> Command {
    command(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

/// A program of the npm parts.
pub fn npm_bin(name: &str) -> Command {
    command(root().join("tests/node_modules/.bin").join(name))
}

/// Bold on a terminal, plain in a file.
pub fn bold(text: &str) -> String {
    if std::io::stdout().is_terminal() { format!("\x1b[1m{text}\x1b[0m") } else { text.to_string() }
}

/// Says what is being done.
pub fn say(text: &str) {
    println!("{} {text}", bold("==>"));
}

/// Says what went wrong, at once and where it happened; the end repeats it.
pub fn complain(text: &str) {
    println!("{}  {text}", bold("FAILED"));
}

/// Runs a command whose own output shows how far it is.
pub fn run(title: &str, command: &mut Command) -> Result<()> {
    say(title);
    let start = Instant::now();
    let status = command.status().with_context(|| format!("cannot start {}", line_of(command)))?;
    if !status.success() {
        bail!("{title}: `{}` failed ({status})", line_of(command));
    }
    if start.elapsed() > Duration::from_secs(5) {
        println!("    took {:.0} s", start.elapsed().as_secs_f64());
    }
    Ok(())
}

/// Runs a command without showing its output, unless it fails; says now and then that it is still at it.
pub fn run_quietly(title: &str, command: &mut Command) -> Result<String> {
    say(title);
    let (done, waiting) = mpsc::channel::<()>();
    let heartbeat = std::thread::spawn(move || {
        let start = Instant::now();
        while let Err(mpsc::RecvTimeoutError::Timeout) = waiting.recv_timeout(Duration::from_secs(10)) {
            println!("    ... still at it ({} s)", start.elapsed().as_secs());
        }
    });
    let output = command.output().with_context(|| format!("cannot start {}", line_of(command)));
    drop(done);
    let _ = heartbeat.join();
    let output = output?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    if !output.status.success() {
        print!("{text}");
        eprint!("{}", String::from_utf8_lossy(&output.stderr));
        bail!("{title}: `{}` failed ({})", line_of(command), output.status);
    }
    Ok(text)
}

/// What a command prints, or `None` where it cannot be started or fails.
pub fn ask(command: &mut Command) -> Option<String> {
    let output = command.stderr(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

/// What became of a command whose output was shown and kept.
pub struct Transcript {
    /// Whether it ended with status 0.
    pub success: bool,
    /// Both of its outputs, line by line.
    pub text: String,
}

/// Runs a command, shows its output as it comes and keeps it.
pub fn transcribe(command: &mut Command) -> Result<Transcript> {
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start {}", line_of(command)))?;
    let (sender, lines) = mpsc::channel::<String>();
    let mut readers = Vec::new();
    if let Some(stdout) = child.stdout.take() {
        readers.push(forward(stdout, sender.clone()));
    }
    if let Some(stderr) = child.stderr.take() {
        readers.push(forward(stderr, sender.clone()));
    }
    drop(sender);
    let mut text = String::new();
    for line in lines {
        println!("{line}");
        text.push_str(&line);
        text.push('\n');
    }
    for reader in readers {
        let _ = reader.join();
    }
    Ok(Transcript { success: child.wait()?.success(), text })
}

fn forward(stream: impl Read + Send + 'static, sender: mpsc::Sender<String>) -> std::thread::JoinHandle<()> {
    std::thread::spawn(move || {
        let mut reader = BufReader::new(stream);
        let mut bytes = Vec::new();
        while reader.read_until(b'\n', &mut bytes).is_ok_and(|count| count > 0) {
            let line = String::from_utf8_lossy(&bytes).trim_end().to_string();
            if sender.send(line).is_err() {
                return;
            }
            bytes.clear();
        }
    })
}

fn line_of(command: &Command) -> String {
    let mut line = command.get_program().to_string_lossy().into_owned();
    for argument in command.get_args() {
        line.push(' ');
        line.push_str(&argument.to_string_lossy());
    }
    line
}
