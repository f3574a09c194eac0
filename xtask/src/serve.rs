//! A small server of static files for localhost.

use anyhow::{Context, Result, anyhow};
use std::fs::File;
use std::net::SocketAddr;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use tiny_http::{Header, Request, Response, Server, StatusCode};

/// What is served from where.
pub struct Site {
    /// Prefixes of addresses and the directories behind them; the first that fits is taken, so the longest come first.
    pub mounts: Vec<(&'static str, PathBuf)>,
    /// Whether pages are cross-origin isolated (COOP and COEP), which SharedArrayBuffer asks for and aludel does not.
    pub isolated: bool,
}

/// A server that runs on threads of its own until the process ends.
pub struct Running {
    /// Where it listens.
    pub address: SocketAddr,
}

impl Site {
    /// Starts serving. Without a port it takes 8080, or any free one where that is in use.
    pub fn start(self, port: Option<u16>) -> Result<Running> {
        let listen = |port: u16| Server::http(("127.0.0.1", port)).map_err(|error| anyhow!("{error}"));
        let server = match port {
            Some(port) => listen(port).with_context(|| format!("cannot listen on port {port}"))?,
            None => listen(8080).or_else(|_| listen(0))?,
        };
        let address = server.server_addr().to_ip().context("the server has no address")?;
        let (server, site) = (Arc::new(server), Arc::new(self));
        // Several, since a browser keeps connections open and asks for several files at once.
        for _ in 0..4 {
            let (server, site) = (server.clone(), site.clone());
            std::thread::spawn(move || {
                while let Ok(request) = server.recv() {
                    site.answer(request);
                }
            });
        }
        Ok(Running { address })
    }

    /// Answers one request; a client that went away meanwhile is nobody's trouble.
    fn answer(&self, request: Request) {
        let found = self.file_of(request.url()).and_then(|path| Some((content_type(&path), File::open(&path).ok()?)));
        let _ = match found {
            Some((kind, file)) => {
                let mut response = Response::from_file(file);
                for (name, value) in std::iter::once(("Content-Type", kind)).chain(self.headers()) {
                    if let Ok(header) = Header::from_bytes(name, value) {
                        response.add_header(header);
                    }
                }
                request.respond(response)
            }
            None => request.respond(Response::from_string("not found\n").with_status_code(StatusCode(404))),
        };
    }

    fn headers(&self) -> Vec<(&'static str, &'static str)> {
        let mut headers = vec![("Cache-Control", "no-store"), ("X-Content-Type-Options", "nosniff")];
        if self.isolated {
            headers.push(("Cross-Origin-Opener-Policy", "same-origin"));
            headers.push(("Cross-Origin-Embedder-Policy", "require-corp"));
        }
        headers
    }

    /// The file behind an address, if it is a file inside one of the directories.
    fn file_of(&self, url: &str) -> Option<PathBuf> {
        let path = decode(url.split(['?', '#']).next()?)?;
        let (rest, directory) =
            self.mounts.iter().find_map(|(prefix, directory)| Some((path.strip_prefix(prefix)?, directory)))?;
        let relative = Path::new(rest);
        if !relative.components().all(|part| matches!(part, Component::Normal(_))) {
            return None;
        }
        let mut file = directory.join(relative);
        if file.is_dir() {
            file.push("index.html");
        }
        file.is_file().then_some(file)
    }
}

/// Resolves `%XX`; `None` where that gives no text.
fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let digits = [rest.next()?, rest.next()?];
            bytes.push(u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
}

fn content_type(path: &Path) -> &'static str {
    match path.extension().and_then(|ending| ending.to_str()).unwrap_or_default() {
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "json" | "map" => "application/json",
        "wasm" => "application/wasm",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "txt" | "md" | "ts" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::net::TcpStream;

    fn get(address: SocketAddr, path: &str) -> String {
        let mut stream = TcpStream::connect(address).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    #[test]
    fn only_files_below_the_directories_are_served() {
        let directory = std::env::temp_dir().join(format!("aludel-serve-{}", std::process::id()));
        crate::files::write(&directory.join("site/index.html"), "<p>home").unwrap();
        crate::files::write(&directory.join("site/a b.wasm"), "wasm").unwrap();
        crate::files::write(&directory.join("package/index.js"), "code").unwrap();
        crate::files::write(&directory.join("secret.txt"), "secret").unwrap();
        let mounts = vec![("/aludel/", directory.join("package")), ("/", directory.join("site"))];
        let plain = Site { mounts: mounts.clone(), isolated: false }.start(Some(0)).unwrap().address;
        let isolated = Site { mounts, isolated: true }.start(Some(0)).unwrap().address;
        let home = get(plain, "/?theme=dark");
        assert!(home.starts_with("HTTP/1.1 200") && home.ends_with("<p>home"), "{home}");
        assert!(!home.contains("Cross-Origin"), "{home}");
        assert!(get(isolated, "/").contains("Cross-Origin-Embedder-Policy: require-corp"));
        assert!(get(plain, "/a%20b.wasm").contains("Content-Type: application/wasm"));
        assert!(get(plain, "/aludel/index.js").ends_with("code"));
        for path in ["/../secret.txt", "/%2e%2e/secret.txt", "//etc/passwd", "/missing.js", "/%zz", "/%ff"] {
            assert!(get(plain, path).starts_with("HTTP/1.1 404"), "{path}");
        }
        std::fs::remove_dir_all(&directory).unwrap();
    }
}
