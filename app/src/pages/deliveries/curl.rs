//! The command that repeats a request, for a POSIX shell.

/// A `curl` command that sends exactly these headers and this body.
pub(super) fn curl(address: &str, headers: &[(String, String)], body: &str) -> String {
    // `--globoff`: brackets in an address are meant; `accept:` takes back what curl would add.
    let mut command = format!("curl -i --globoff -X POST {} \\\n  -H accept:", quote(address));
    for (name, value) in headers {
        // Curl takes `name:` for a wish to send none; `name;` is a header without value.
        let header = if value.is_empty() { format!("{name};") } else { format!("{name}: {value}") };
        command.push_str(&format!(" \\\n  -H {}", quote(&header)));
    }
    // Raw: a body that starts with `@` is no file's name.
    command.push_str(&format!(" \\\n  --data-raw {}", quote(body)));
    command
}

/// A text as one word of a shell, whatever is in it. Within single quotes nothing has a meaning but the quote itself.
fn quote(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    /// The words that a shell makes of a command line.
    fn words(command: &str) -> Vec<String> {
        let script = format!("printf '%s\\0' {}", command.strip_prefix("curl ").expect("curl"));
        let output = Command::new("sh").args(["-c", &script]).output().expect("a shell");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let text = String::from_utf8(output.stdout).expect("UTF-8");
        text.split_terminator('\0').map(str::to_owned).collect()
    }

    #[test]
    fn a_shell_reads_every_text_as_it_is() {
        let plain = |text: &str| text.to_owned();
        for text in [
            r#"it's "quoted" \ and `run` $(run) $HOME ${HOME}"#,
            "two\nlines\r\n\ttabbed\n",
            "直播 — 录制完成 🎬",
            "!history !! !$ ; rm -rf ~ # & | > < * ? [a-z] {b,c} ~",
            "''''",
            "@/etc/passwd",
            "-d",
            "%s %n \\0",
        ] {
            let headers = [(plain("x-note"), text.replace(['\n', '\r'], " ")), (plain("x-empty"), String::new())];
            let address = format!("https://example.com/a?q={}", text.replace('\n', ""));
            let expected = [
                "-i",
                "--globoff",
                "-X",
                "POST",
                &address,
                "-H",
                "accept:",
                "-H",
                &format!("x-note: {}", headers[0].1),
                "-H",
                "x-empty;",
                "--data-raw",
                text,
            ];
            assert_eq!(words(&curl(&address, &headers, text)), expected, "{text}");
        }
    }
}
