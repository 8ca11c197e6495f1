//! What holds for every environment.

use std::collections::BTreeMap;

use baseimage::environment::Environment;
use baseimage::store::to_json;
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;

use super::{Root, shown};

/// Any bytes that can be a file name and a variable's name.
fn name() -> impl Strategy<Value = Vec<u8>> {
    let byte = any::<u8>().prop_filter("in no name", |byte| !b"\0=/".contains(byte));
    let bytes = vec(byte, 1..20).prop_filter("hidden", |name| !name.starts_with(b".."));
    bytes.prop_filter("the folder", |name| name != b".")
}

/// Any bytes that can be a value, newlines more often than chance has them.
fn value() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![1 => Just(b'\n'), 1 => Just(b'\''), 8 => 1_u8..];
    vec(byte, 0..40)
}

fn environment() -> impl Strategy<Value = Environment> {
    btree_map(name(), value(), 0..12).prop_map(|pairs: BTreeMap<_, _>| pairs.into_iter().collect())
}

fn limits() -> ProptestConfig {
    ProptestConfig {
        cases: 128,
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(limits())]

    /// Import after export is the identity, on bytes: as the next boot reads it, as `container-env`
    /// does, and after a startup script.
    #[test]
    fn what_is_exported_is_imported(environment in environment()) {
        let root = Root::new();
        let store = root.store();
        let mut live = store.export(store.import(environment.clone()));
        store.reload(&mut live);
        prop_assert_eq!(live.environment(), &environment, "{}", shown(live.environment()));
        // What the folder holds is all but what is a user's or a shell's own.
        let (loaded, _) = store.load().unwrap();
        let personal: [&[u8]; 6] = [b"HOME", b"USER", b"GROUP", b"UID", b"GID", b"SHELL"];
        let stored = environment.iter().filter(|(name, _)| !personal.contains(name));
        let stored: Environment = stored.collect();
        prop_assert_eq!(loaded, stored);
    }

    /// The folder after any boots with any environments is the one before, once a boot comes
    /// without any.
    #[test]
    fn boots_leave_the_users_own_files(own in environment(), boots in vec(environment(), 0..4)) {
        let root = Root::new();
        let store = root.store();
        for (name, value) in own.iter() {
            store.set(name, value).unwrap();
        }
        let before = root.files();
        for process in boots {
            drop(store.export(store.import(process)));
        }
        let live = store.export(store.import(Environment::new()));
        prop_assert_eq!(live.environment(), &own);
        prop_assert_eq!(root.files(), before);
    }

    /// The same for what one sets by hand.
    #[test]
    fn what_is_set_is_there(name in name(), value in value()) {
        let root = Root::new();
        let store = root.store();
        store.set(&name, &value).unwrap();
        let (loaded, warnings) = store.load().unwrap();
        prop_assert_eq!(warnings, []);
        prop_assert_eq!(loaded.get(&name), Some(value.as_slice()));
        store.unset(&name).unwrap();
        prop_assert!(store.load().unwrap().0.is_empty());
    }

    /// JSON is ASCII on one line, whatever is in it.
    #[test]
    fn json_is_ascii(environment in environment()) {
        let json = to_json(&environment);
        prop_assert!(json.iter().all(|byte| (b' '..=b'~').contains(byte)));
    }
}
