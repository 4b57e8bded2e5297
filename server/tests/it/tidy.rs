//! Rules of the tree that no compiler checks.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

const LONGEST_FILE: usize = 600;

/// The top of the checkout.
fn top() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().expect("the checkout")
}

fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            walk(&path, found);
        } else {
            found.push(path);
        }
    }
}

/// The Rust files below a folder of the checkout, by their path in it, with their text.
pub(crate) fn rust_files(folder: &str) -> Vec<(String, String)> {
    let (top, mut paths) = (top(), Vec::new());
    walk(&top.join(folder), &mut paths);
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "rs"));
    assert!(!paths.is_empty(), "no Rust file in {folder}");
    let read = |path: PathBuf| {
        let name = path.strip_prefix(&top).expect("below the top").display().to_string();
        (name, std::fs::read_to_string(path).expect("text"))
    };
    paths.into_iter().map(read).collect()
}

/// Lines of code that contain one of `words`, comments aside, as `file:line: text`.
fn lines_with(files: &[(String, String)], words: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    for (name, text) in files {
        for (number, line) in text.lines().enumerate() {
            let code = line.split("//").next().unwrap_or_default();
            if words.iter().any(|word| code.contains(word)) {
                found.push(format!("{name}:{}: {}", number + 1, line.trim()));
            }
        }
    }
    found
}

fn assert_none(found: &[String], rule: &str) {
    assert!(found.is_empty(), "{rule}:\n{}", found.join("\n"));
}

#[test]
fn dependencies_go_down() {
    let (core, app) = (rust_files("src"), rust_files("app"));
    assert_none(
        &lines_with(&core, &["callsheet_app", "callsheet_server", "leptos::", "axum::"]),
        "`src` knows no tree above it",
    );
    assert_none(&lines_with(&app, &["callsheet_server", "sqlx::"]), "`app` knows neither the server nor the database");
}

#[test]
fn sql_stays_in_storage() {
    let outside = |files: Vec<(String, String)>| -> Vec<_> {
        let in_storage =
            |name: &str| name.starts_with("src/") && (name.contains("/storage/") || name.ends_with("/storage.rs"));
        files.into_iter().filter(|(name, _)| !in_storage(name)).collect()
    };
    for tree in ["src", "app", "server/src"] {
        assert_none(
            &lines_with(&outside(rust_files(tree)), &["use sqlx", " sqlx::", "(sqlx::", "<sqlx::", "&sqlx::"]),
            "SQL stays in the storage modules",
        );
    }
}

#[test]
fn files_stay_short() {
    for tree in ["src", "app", "server"] {
        for (name, text) in rust_files(tree) {
            let lines = text.lines().count();
            assert!(lines <= LONGEST_FILE, "{name} has {lines} lines; at most {LONGEST_FILE}");
        }
    }
}

#[test]
fn styles_stay_in_the_style_sheets() {
    // The content policy forbids them, and they would silently do nothing.
    assert_none(&lines_with(&rust_files("app/src"), &["style=", "style:", "<style"]), "no inline style");
}

#[test]
fn migrations_come_in_pairs() {
    let names = |engine: &str| -> BTreeSet<String> {
        let entries = std::fs::read_dir(top().join("migrations").join(engine)).expect("migrations");
        entries.map(|entry| entry.expect("an entry").file_name().into_string().expect("a name")).collect()
    };
    for set in ["", "stats/"] {
        let (sqlite, postgres) = (names(&format!("{set}sqlite")), names(&format!("{set}postgres")));
        assert!(!sqlite.is_empty());
        assert_eq!(sqlite, postgres);
        for (at, name) in (1..).zip(&sqlite) {
            assert!(name.starts_with(&format!("{at:04}_")) && name.ends_with(".sql"), "{name} is not number {at}");
        }
    }
}

/// The keys of a catalog, tables joined by dots, each with the places in its text.
fn keys(locale: &str) -> BTreeSet<(String, Vec<String>)> {
    fn walk(path: &str, value: &serde_json::Value, found: &mut BTreeSet<(String, Vec<String>)>) {
        if let Some(table) = value.as_object() {
            for (key, value) in table {
                walk(&format!("{path}.{key}"), value, found);
            }
        } else {
            let text = value.as_str().expect("text");
            let places = text.split("%{").skip(1).filter_map(|rest| rest.split_once('}'));
            let mut places: Vec<String> = places.map(|(place, _)| place.to_owned()).collect();
            places.sort();
            found.insert((path.to_owned(), places));
        }
    }
    let file = config::File::from(top().join("app/locales").join(locale)).format(config::FileFormat::Toml);
    let catalog = config::Config::builder().add_source(file).build().expect("a catalog");
    let mut found = BTreeSet::new();
    walk("", &catalog.try_deserialize().expect("a table"), &mut found);
    found
}

#[test]
fn both_languages_say_the_same() {
    let (english, chinese) = (keys("en.toml"), keys("zh-CN.toml"));
    assert!(english.len() > 100);
    let missing: Vec<_> = english.symmetric_difference(&chinese).collect();
    assert!(missing.is_empty(), "not the same keys and places in both: {missing:#?}");
}
