//! What cargo says about the workspace and its dependencies.

use crate::shell;
use anyhow::{Context, Result, bail};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

/// One package of the graph.
pub struct Package {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Its licence, as an SPDX expression.
    pub license: String,
    /// Who wrote it; those of the package's name where nobody is named.
    pub authors: Vec<String>,
    /// The directory of its sources.
    pub directory: PathBuf,
    /// The oldest compiler it says that it builds with.
    pub rust_version: Option<String>,
    /// Whether it is a procedural macro: it runs in the compiler and leaves no code of its own behind.
    pub is_macro: bool,
    /// Its own direct dependencies that are compiled in, by the ids of their packages.
    pub normal: BTreeSet<String>,
}

/// The resolved graph, by package id.
pub struct Metadata {
    /// Every package.
    pub packages: BTreeMap<String, Package>,
    /// The ids of the workspace's members.
    pub members: BTreeSet<String>,
}

impl Metadata {
    /// Asks cargo, with further arguments such as `--filter-platform`.
    pub fn load(arguments: &[&str]) -> Result<Metadata> {
        let mut command = shell::cargo();
        command.args(["metadata", "--format-version", "1"]).args(arguments);
        let text = shell::ask(&mut command).context("`cargo metadata` failed")?;
        Metadata::parse(&text)
    }

    /// Reads cargo's answer.
    pub fn parse(text: &str) -> Result<Metadata> {
        let json: Value = serde_json::from_str(text)?;
        let mut packages = BTreeMap::new();
        for package in list(&json["packages"]) {
            let targets = list(&package["targets"]);
            let is_macro = targets.iter().any(|target| list(&target["kind"]).iter().any(|kind| kind == "proc-macro"));
            let manifest = PathBuf::from(string(&package["manifest_path"]));
            packages.insert(
                string(&package["id"]),
                Package {
                    name: string(&package["name"]),
                    version: string(&package["version"]),
                    license: string(&package["license"]),
                    authors: authors(package),
                    directory: manifest.parent().map(PathBuf::from).unwrap_or_default(),
                    rust_version: package["rust_version"].as_str().map(str::to_string),
                    is_macro,
                    normal: BTreeSet::new(),
                },
            );
        }
        for node in list(&json["resolve"]["nodes"]) {
            let normal = list(&node["deps"])
                .iter()
                .filter(|dependency| list(&dependency["dep_kinds"]).iter().any(|kind| kind["kind"].is_null()))
                .map(|dependency| string(&dependency["pkg"]))
                .collect();
            if let Some(package) = packages.get_mut(&string(&node["id"])) {
                package.normal = normal;
            }
        }
        let members = list(&json["workspace_members"]).iter().map(string).collect();
        Ok(Metadata { packages, members })
    }

    /// The member of this name and its id.
    pub fn member(&self, name: &str) -> Result<(&String, &Package)> {
        let found = self.members.iter().find_map(|id| {
            let package = self.packages.get(id)?;
            (package.name == name).then_some((id, package))
        });
        match found {
            Some(member) => Ok(member),
            None => bail!("the workspace has no package `{name}`"),
        }
    }

    /// The names of the members that this member depends on directly.
    pub fn member_dependencies(&self, name: &str) -> Result<BTreeSet<String>> {
        let (_, package) = self.member(name)?;
        let inside = package.normal.iter().filter(|id| self.members.contains(*id));
        Ok(inside.filter_map(|id| self.packages.get(id)).map(|package| package.name.clone()).collect())
    }

    /// Everything that is compiled into these members, macros aside, themselves included.
    pub fn reached_from(&self, members: &[&str]) -> Result<BTreeMap<&String, &Package>> {
        let mut found = BTreeMap::new();
        let mut open: Vec<&String> = Vec::new();
        for name in members {
            open.push(self.member(name)?.0);
        }
        while let Some(id) = open.pop() {
            let Some(package) = self.packages.get(id) else { continue };
            if package.is_macro || found.contains_key(id) {
                continue;
            }
            found.insert(id, package);
            open.extend(package.normal.iter());
        }
        Ok(found)
    }

    /// The packages of others that are compiled into these members.
    pub fn third_parties_of(&self, members: &[&str]) -> Result<BTreeMap<&String, &Package>> {
        let mut found = self.reached_from(members)?;
        found.retain(|id, _| !self.members.contains(*id));
        Ok(found)
    }
}

fn authors(package: &Value) -> Vec<String> {
    let named: Vec<String> = list(&package["authors"]).iter().map(string).collect();
    if named.is_empty() { vec![format!("the authors of {}", string(&package["name"]))] } else { named }
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

fn string(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_string()
}
