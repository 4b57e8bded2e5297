//! A Markdown document: its fenced blocks, links and headings.

use std::fs;
use std::path::{Path, PathBuf};

use super::read;

pub(super) struct Document {
    /// Path from the top of the repository.
    pub(super) name: String,
    path: PathBuf,
    pub(super) text: String,
}

/// A fenced block.
pub(super) struct Block {
    pub(super) language: String,
    /// Line number of its first line.
    pub(super) line: usize,
    /// Without the indentation of its fence.
    pub(super) text: String,
}

impl Block {
    /// Commands with their line numbers. A command continues after `\`, `&&` and `|`.
    pub(super) fn commands(&self) -> Vec<(usize, String)> {
        let mut commands: Vec<(usize, String)> = Vec::new();
        let mut continues = false;
        for (number, line) in (self.line..).zip(self.text.lines()) {
            match commands.last_mut() {
                Some((_, command)) if continues => *command += &format!("\n{line}"),
                _ if line.trim().is_empty() => continue,
                _ => commands.push((number, line.to_owned())),
            }
            continues = ["\\", "&&", "|"].iter().any(|end| line.trim_end().ends_with(end));
        }
        commands
    }
}

impl Document {
    pub(super) fn all() -> Vec<Self> {
        let top = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the repository");
        let guides = fs::read_dir(top.join("public/guides")).expect("guides");
        let guides = guides.map(|entry| entry.expect("a guide").path());
        let guides = guides.filter(|path| path.extension().is_some_and(|extension| extension == "md"));
        let paths = guides.chain([top.join("README.md"), top.join("CONTRIBUTING.md")]);
        let document = |path: PathBuf| {
            let name = path.strip_prefix(top).expect("in the repository").display().to_string();
            Self { name, text: read(&path), path }
        };
        let documents: Vec<_> = paths.map(document).collect();
        assert!(documents.len() > 2, "there are guides");
        documents
    }

    pub(super) fn blocks(&self) -> Vec<Block> {
        let mut blocks = Vec::new();
        let mut lines = (1..).zip(self.text.lines());
        while let Some((number, line)) = lines.next() {
            let Some(language) = line.trim_start().strip_prefix("```") else { continue };
            let indentation = line.len() - line.trim_start().len();
            let inside = lines.by_ref().map(|(_, line)| line).take_while(|line| line.trim() != "```");
            let text: Vec<_> = inside.map(|line| line.get(indentation..).unwrap_or_default()).collect();
            blocks.push(Block { language: language.to_owned(), line: number + 1, text: text.join("\n") });
        }
        blocks
    }

    /// Relative links with their line numbers.
    pub(super) fn links(&self) -> Vec<(usize, String)> {
        let links_of = |(number, line): (usize, &str)| {
            let targets = line.split("](").skip(1).filter_map(|rest| rest.split(')').next());
            targets.map(|target| (number, target.to_owned())).collect::<Vec<_>>()
        };
        let links = (1..).zip(self.text.lines()).flat_map(links_of);
        links.filter(|(_, target)| !target.contains("://")).collect()
    }

    /// Returns whether a relative link leads to a file, and to a heading if it names one.
    pub(super) fn resolves(&self, link: &str) -> bool {
        let (file, anchor) = link.split_once('#').map_or((link, None), |(file, anchor)| (file, Some(anchor)));
        let folder = self.path.parent().expect("a folder");
        let path = if file.is_empty() { self.path.clone() } else { folder.join(file) };
        match anchor {
            None => path.is_file(),
            Some(anchor) => path.is_file() && anchors(&read(&path)).any(|heading| heading == anchor),
        }
    }
}

/// The anchors of the headings, as GitHub names them.
fn anchors(text: &str) -> impl Iterator<Item = String> {
    let headings = text.lines().filter(|line| line.starts_with('#'));
    headings.map(|heading| {
        let title = heading.trim_start_matches('#').trim().to_lowercase();
        let kept = title.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
        kept.map(|c| if c == ' ' { '-' } else { c }).collect()
    })
}
