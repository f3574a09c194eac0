//! A small server of static files for localhost.

use anyhow::{Context, Result};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

/// How many bytes the head of a request may have.
const MOST_HEAD: u64 = 64 << 10;

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
        let listen = |port: u16| TcpListener::bind(("127.0.0.1", port));
        let listener = match port {
            Some(port) => listen(port).with_context(|| format!("cannot listen on port {port}"))?,
            None => listen(8080).or_else(|_| listen(0))?,
        };
        let address = listener.local_addr().context("the server has no address")?;
        let site = Arc::new(self);
        std::thread::spawn(move || {
            loop {
                let Ok((stream, _)) = listener.accept() else { continue };
                let site = site.clone();
                // A thread each: browsers open connections before they use them, and none of these may keep another waiting.
                // A client that went away meanwhile is nobody's trouble.
                std::thread::spawn(move || site.answer(stream));
            }
        });
        Ok(Running { address })
    }

    /// Answers the one request of a connection.
    fn answer(&self, mut stream: TcpStream) -> io::Result<()> {
        let mut head = BufReader::new(stream.try_clone()?).take(MOST_HEAD);
        let (mut first, mut line) = (Vec::new(), Vec::new());
        head.read_until(b'\n', &mut first)?;
        // Nothing is taken from the other lines; but a connection that is closed before they are read is broken off.
        while head.read_until(b'\n', &mut line)? > "\r\n".len() {
            line.clear();
        }
        let first = String::from_utf8_lossy(&first);
        let mut words = first.split_ascii_whitespace();
        let (method, url) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let path = self.file_of(url).filter(|_| matches!(method, "GET" | "HEAD"));
        let found = path.and_then(|path| Some((content_type(&path), File::open(&path).ok()?)));
        let Some((kind, mut file)) = found else {
            stream
                .write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 10\r\nConnection: close\r\n\r\nnot found\n")?;
            return stream.shutdown(Shutdown::Write);
        };
        let mut answer =
            format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n", file.metadata()?.len());
        for (name, value) in std::iter::once(("Content-Type", kind)).chain(self.headers()) {
            answer += &format!("{name}: {value}\r\n");
        }
        stream.write_all((answer + "\r\n").as_bytes())?;
        if method == "GET" {
            io::copy(&mut file, &mut stream)?;
        }
        stream.shutdown(Shutdown::Write)
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

    fn get(address: SocketAddr, path: &str) -> String {
        ask(address, "GET", path)
    }

    fn head(address: SocketAddr, path: &str) -> String {
        ask(address, "HEAD", path)
    }

    fn ask(address: SocketAddr, method: &str, path: &str) -> String {
        let mut stream = TcpStream::connect(address).unwrap();
        write!(stream, "{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").unwrap();
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
        assert!(!head(plain, "/").contains("home") && head(plain, "/").contains("Content-Length: 7"));
        // Connections that nobody uses yet keep nobody waiting.
        let _idle: Vec<_> = (0..20).map(|_| TcpStream::connect(plain).unwrap()).collect();
        assert!(get(plain, "/").ends_with("<p>home"));
        std::fs::remove_dir_all(&directory).unwrap();
    }
}
