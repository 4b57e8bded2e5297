//! README, CONTRIBUTING and guides: commands run against a real console, samples are valid, links resolve.

mod document;
mod reader;

use std::fs;
use std::path::Path;
use std::process::Command;
use std::thread;

use callsheet_server::config::{Config, Overrides};

use document::{Block, Document};
use reader::Reader;

/// Commands that are not run, and why.
const EXEMPT: &[(&str, &str)] = &[
    ("make run", "builds a release; the browser tests start the console"),
    ("make test", "runs this test"),
    ("make dev", "builds the console, which this test has"),
    ("make bench", "takes minutes"),
    ("make soak", "takes minutes"),
    ("make fuzz", "takes minutes"),
    ("cargo nextest run", "runs tests"),
    ("npx playwright test", "runs tests"),
];

#[test]
fn every_command_and_sample_works() {
    let documents = Document::all();
    for (command, _) in EXEMPT {
        let mut commands = documents.iter().flat_map(Document::blocks).filter(|block| block.language == "sh");
        assert!(commands.any(|block| block.text.contains(command)), "`{command}` is exempt but in no document");
    }
    for (text, _) in reader::SUBSTITUTIONS {
        assert!(
            documents.iter().any(|document| document.text.contains(text)),
            "`{text}` is replaced but in no document"
        );
    }

    let failed: Vec<_> = thread::scope(|scope| {
        let running: Vec<_> = documents.iter().map(|document| (document, scope.spawn(|| check(document)))).collect();
        running.into_iter().filter_map(|(document, run)| run.join().is_err().then_some(&document.name)).collect()
    });
    assert!(failed.is_empty(), "see above: {failed:?}");
}

#[test]
fn every_link_leads_to_a_file_and_a_heading() {
    for document in Document::all() {
        for (line, link) in document.links() {
            assert!(document.resolves(&link), "{}:{line}: {link} is broken", document.name);
        }
    }
}

/// Checks the blocks of one document in order.
fn check(document: &Document) {
    let mut reader = Reader::new(document);
    for block in document.blocks() {
        let place = format!("{}:{}", document.name, block.line);
        match block.language.as_str() {
            "sh" => run(&mut reader, document, &block),
            "toml" => {
                let path = reader.write("guide.toml", &block.text);
                let overrides = Overrides { config: Some(path), ..Overrides::default() };
                Config::load(&overrides).unwrap_or_else(|error| panic!("{place}: {error}"));
            }
            "json" => {
                let parsed = serde_json::from_str::<serde_json::Value>(&block.text);
                parsed.unwrap_or_else(|error| panic!("{place}: {error}"));
            }
            "nginx" => test_nginx(&reader, &place, &block.text),
            "python" => test_python(&place, &block.text),
            other => panic!("{place}: blocks of `{other}` are not tested"),
        }
    }
    reader.finish();
}

fn run(reader: &mut Reader, document: &Document, block: &Block) {
    for (line, command) in block.commands() {
        if EXEMPT.iter().all(|(exempt, _)| !command.contains(exempt)) {
            reader.run(&format!("{}:{line}", document.name), &command);
        }
    }
}

/// `nginx -t` with the lines at the place where they belong.
fn test_nginx(reader: &Reader, place: &str, lines: &str) {
    let lines = reader.substitute(lines);
    let (module, body) = match lines.split_whitespace().next() {
        Some("application") => (
            "load_module /usr/lib/nginx/modules/ngx_rtmp_module.so;",
            format!("rtmp {{ server {{ listen 1935; {lines} }} }}"),
        ),
        Some("location") => ("", format!("http {{ server {{ listen 8080; {lines} }} }}")),
        _ => ("", format!("http {{ {lines} }}")),
    };
    let config = format!("{module}\npid nginx.pid;\nerror_log stderr;\nevents {{}}\n{body}\n");
    let path = reader.write("nginx.conf", &config);
    let folder = path.parent().expect("a folder");
    let mut nginx = Command::new("/usr/sbin/nginx");
    nginx.arg("-t").arg("-p").arg(folder).arg("-c").arg(&path).args(["-e", "stderr"]);
    assert_succeeds(place, &mut nginx);
}

/// Runs the lines with invalid credentials; they send no request.
fn test_python(place: &str, lines: &str) {
    let set = |name: &str| std::env::var(name).unwrap_or_else(|_| panic!("{name}; run the tests by `make test`"));
    let mut python = Command::new(set("CALLSHEET_TEST_PYTHON"));
    python.args(["-W", "ignore", "-c"]).arg(format!("access_key = secret_key = 'x'\n{lines}"));
    python.env("PYTHONPATH", format!("{}/1.6.354", set("CALLSHEET_TEST_JDCLOUD")));
    assert_succeeds(place, &mut python);
}

fn assert_succeeds(place: &str, command: &mut Command) {
    let output = command.output().unwrap_or_else(|error| panic!("{place}: {command:?}: {error}"));
    assert!(output.status.success(), "{place}: {command:?}\n{}", String::from_utf8_lossy(&output.stderr));
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
