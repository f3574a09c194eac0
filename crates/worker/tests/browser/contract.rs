//! The contract of every storage, on the origin private file system.

use crate::script::{evaluate, fresh_path};
use aludel_worker::vfs;
use aludel_worker::vfs::contract::{CASES, NAMES, Place};
use wasm_bindgen_test::{console_log, wasm_bindgen_test};

#[wasm_bindgen_test]
async fn opfs_keeps_the_contract_of_every_storage() {
    let seed = evaluate("Date.now()").as_f64().unwrap() as u64;
    console_log!("the seed is {seed}");
    for name in NAMES {
        vfs::attach_opfs(name, true).await.unwrap();
        vfs::contract::set_absent(name);
    }
    for case in CASES {
        console_log!("{}", case.name);
        let place = Place::new(&fresh_path(case.name), &fresh_path("other"), seed);
        for step in case.steps {
            vfs::attach_opfs(&place.path, true).await.unwrap();
            vfs::attach_opfs(&place.other, true).await.unwrap();
            step(&place);
            vfs::detach(&place.path);
            vfs::detach(&place.other);
        }
        drop(place);
    }
    NAMES.into_iter().for_each(vfs::detach);
}
