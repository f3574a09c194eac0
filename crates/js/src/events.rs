//! What an engine tells, on its way to the listeners that events.ts keeps.

use aludel::{Engine, Event, EventKind, Listener, Tab};
use js_sys::{Array, Function};
use wasm_bindgen::prelude::*;

/// Listens to the events of one kind until it is freed.
#[wasm_bindgen]
pub struct NativeListener {
    _listener: Listener,
}

impl NativeListener {
    pub(crate) fn new(engine: &Engine, kind: EventKind, tell: Function) -> NativeListener {
        let tell = move |event: &Event| {
            // What a listener throws, events.ts has caught.
            let _ = tell.apply(&JsValue::UNDEFINED, &arguments(event));
        };
        NativeListener { _listener: engine.listen(kind, tell) }
    }
}

/// The parts of an event, of which events.ts makes an object.
fn arguments(event: &Event) -> Array {
    let parts: Vec<JsValue> = match event {
        Event::Change(change) => {
            let (own, missed) = (change.own.into(), change.missed.into());
            vec![texts(&change.tables).into(), change.schema.into(), tab(change.tab), own, missed]
        }
        Event::Blocked(blocked) => {
            let waiter = blocked.waiter.as_ref();
            let holders = blocked.holders.iter().map(|holder| {
                let idle = holder.idle.map_or(JsValue::NULL, milliseconds);
                [optional(holder.site.as_deref()), tab(holder.tab), milliseconds(holder.age), idle]
                    .iter()
                    .collect::<Array>()
            });
            vec![
                blocked.what.as_str().into(),
                milliseconds(blocked.waited),
                waiter.map_or(JsValue::NULL, |waiter| tab(waiter.tab)),
                optional(waiter.and_then(|waiter| waiter.site.as_deref())),
                holders.collect::<Array>().into(),
                (blocked.log_bytes as f64).into(),
            ]
        }
        Event::Host(host) => vec![host.tab.map_or(JsValue::NULL, tab)],
        Event::VersionSkew(skew) => vec![skew.ours.as_str().into(), skew.theirs.as_str().into()],
    };
    parts.iter().collect()
}

fn tab(tab: Tab) -> JsValue {
    match tab {
        Tab::This => "this".into(),
        Tab::Other => "other".into(),
    }
}

fn milliseconds(time: std::time::Duration) -> JsValue {
    (time.as_secs_f64() * 1000.0).round().into()
}

fn optional(text: Option<&str>) -> JsValue {
    text.map_or(JsValue::NULL, JsValue::from_str)
}

fn texts(texts: &[String]) -> Array {
    texts.iter().map(|text| JsValue::from_str(text)).collect()
}
