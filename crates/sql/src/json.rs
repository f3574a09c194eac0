//! JSON for those who are not Rust: one text crosses to JavaScript quicker than its parts.

use std::rc::Rc;

/// A text of JSON while it grows.
#[derive(Debug, Default)]
pub struct Json(String);

impl Json {
    /// The text.
    pub fn finish(self) -> String {
        self.0
    }

    /// A text.
    pub fn text(&mut self, text: &str) {
        self.0.push('"');
        let mut from = 0;
        for (at, byte) in text.bytes().enumerate().filter(|(_, byte)| matches!(byte, b'"' | b'\\' | 0..b' ')) {
            self.0.push_str(&text[from..at]);
            match byte {
                b'"' | b'\\' => self.0.extend(['\\', char::from(byte)]),
                _ => self.0 += &format!("\\u{byte:04x}"),
            }
            from = at + 1;
        }
        self.0.push_str(&text[from..]);
        self.0.push('"');
    }

    /// A text, or null.
    pub fn optional(&mut self, text: Option<&str>) {
        match text {
            Some(text) => self.text(text),
            None => self.raw("null"),
        }
    }

    /// JSON as it is.
    pub fn raw(&mut self, text: &str) {
        self.0 += text;
    }

    /// The name of a member; its value follows.
    pub fn key(&mut self, name: &str) {
        let first = self.0.ends_with('{');
        self.raw(if first { "" } else { "," });
        self.text(name);
        self.raw(":");
    }

    /// A member that is true or false.
    pub fn flag(&mut self, name: &str, value: bool) {
        self.key(name);
        self.raw(if value { "true" } else { "false" });
    }

    /// A list of so many items, each written by its number.
    pub fn list(&mut self, count: usize, write: &mut dyn FnMut(&mut Json, usize)) {
        self.raw("[");
        for at in 0..count {
            self.raw(if at > 0 { "," } else { "" });
            write(self, at);
        }
        self.raw("]");
    }

    /// A list of texts.
    pub fn texts(&mut self, items: &[String]) {
        self.list(items.len(), &mut |json, at| json.text(&items[at]));
    }

    /// A list of names.
    pub fn names(&mut self, items: &[Rc<str>]) {
        self.list(items.len(), &mut |json, at| json.text(&items[at]));
    }

    /// A number.
    pub fn number(&mut self, number: impl Into<i64>) {
        self.0 += &number.into().to_string();
    }

    /// An object, whose members `write` writes.
    pub fn object(&mut self, write: &mut dyn FnMut(&mut Json)) {
        self.raw("{");
        write(self);
        self.raw("}");
    }

    /// A member that is a text or null.
    pub fn member(&mut self, name: &str, value: Option<&str>) {
        self.key(name);
        self.optional(value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_escaped() {
        let mut json = Json::default();
        json.object(&mut |json| {
            json.member("a\"b", Some("\\\n\u{1}ü\u{0}"));
            json.flag("c", true);
            json.key("d");
            json.texts(&["x".to_owned(), String::new()]);
        });
        assert_eq!(json.finish(), r#"{"a\"b":"\\\u000a\u0001ü\u0000","c":true,"d":["x",""]}"#);
    }
}
