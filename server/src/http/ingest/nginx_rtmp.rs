//! nginx-rtmp: one form post per call, the push address's query appended raw behind the server's own fields.
//!
//! A publisher can therefore repeat any field. The server's own come first, so the **first** of a name counts; what else
//! carries a reserved name is dropped, and the rest are the push parameters.

use std::net::IpAddr;

use callsheet::model::{Millis, SourceId};
use callsheet::streams::{ClosedPart, PushRequest};
use url::form_urlencoded;

use super::{BadHook, FlvFacts, NAME, TEXT};
use crate::push_url;

/// The fields that nginx-rtmp writes itself, in whichever call.
const RESERVED: &[&str] = &[
    "addr",
    "app",
    "call",
    "clientid",
    "flashver",
    "name",
    "pageurl",
    "path",
    "recorder",
    "swfurl",
    "tcurl",
    "time",
    "timestamp",
    "type",
];

/// What one request says. `key` is nginx-rtmp's `clientid`: it starts at 1 again with the server.
#[derive(Debug, Clone)]
pub enum NginxCall {
    Publish {
        key: String,
        push: PushRequest,
    },
    /// The heartbeat of a publisher. Refused, nginx drops the publisher, and tells its end.
    Update {
        key: String,
    },
    PublishDone {
        key: String,
    },
    RecordDone {
        key: String,
        file: RecordedFile,
    },
    /// A call that concerns no publish: connections and players.
    Ignored,
}

/// A file that a recorder closed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordedFile {
    /// The recorder's name; empty for the unnamed one.
    pub recorder: String,
    /// Where it lies on the media server. The file's name has the stream's name percent-encoded.
    pub path: String,
    /// When it was opened, from its name under `record_unique on`: whole seconds.
    pub started_at: Option<Millis>,
}

impl RecordedFile {
    /// The part in the console's words. `now` is when the call came; `facts` are known where the file can be read.
    #[must_use]
    pub fn into_part(self, now: Millis, facts: Option<FlvFacts>) -> ClosedPart {
        ClosedPart {
            recorder: self.recorder,
            location: Some(self.path),
            started_at: self.started_at,
            stopped_at: now,
            duration_ms: facts.map(|facts| facts.duration_ms),
            bytes: facts.map(|facts| facts.bytes),
            failure: None,
        }
    }
}

/// Reads the body of one call.
///
/// # Errors
/// A field that the call needs is missing, empty, or too long to keep.
pub fn parse(source: SourceId, body: &[u8]) -> Result<NginxCall, BadHook> {
    let form = Form(form_urlencoded::parse(body).into_owned().collect());
    let key = || NAME.check("clientid", form.need("clientid")?);
    Ok(match form.need("call")?.as_str() {
        "publish" => NginxCall::Publish { key: key()?, push: form.push(source)? },
        "update_publish" => NginxCall::Update { key: key()? },
        "publish_done" => NginxCall::PublishDone { key: key()? },
        "record_done" => NginxCall::RecordDone { key: key()?, file: form.recorded_file()? },
        _ => NginxCall::Ignored,
    })
}

struct Form(Vec<(String, String)>);

impl Form {
    fn first(&self, field: &str) -> Option<&str> {
        let found = self.0.iter().find(|(name, _)| name == field);
        found.map(|(_, value)| value.as_str())
    }

    fn need(&self, field: &'static str) -> Result<String, BadHook> {
        let value = self.first(field).filter(|value| !value.is_empty());
        value.map(str::to_owned).ok_or(BadHook::Missing(field))
    }

    fn push(&self, source: SourceId) -> Result<PushRequest, BadHook> {
        let hosts = [self.first("tcurl").and_then(push_url::host), self.first("vhost"), self.first("domain")];
        let is_param = |(name, _): &&(String, String)| !RESERVED.contains(&name.as_str());
        Ok(PushRequest {
            source,
            hosts: hosts.into_iter().flatten().map(str::to_owned).collect(),
            app: self.need("app")?,
            stream: self.need("name")?,
            client: self.first("addr").and_then(|addr| addr.parse().ok()).map(|addr: IpAddr| addr.to_string()),
            params: self.0.iter().filter(is_param).cloned().collect(),
        })
    }

    fn recorded_file(&self) -> Result<RecordedFile, BadHook> {
        let path = TEXT.check("path", self.need("path")?)?;
        Ok(RecordedFile {
            recorder: NAME.check("recorder", self.first("recorder").unwrap_or_default().to_owned())?,
            started_at: opened_at(&path, &self.need("name")?),
            path,
        })
    }
}

/// `record_unique on` names a file `{stream}-{epoch}{suffix}`. The name of the stream may itself end like that, and is
/// another one than `stream` after a renaming redirect.
fn opened_at(path: &str, stream: &str) -> Option<Millis> {
    let file = path.rsplit('/').next()?;
    let rest = file.strip_prefix(stream).unwrap_or(file);
    let epochs = rest.split('-').skip(1).filter_map(|piece| {
        let digits = piece.split(|c: char| !c.is_ascii_digit()).next()?;
        if digits.len() == 10 { digits.parse::<Millis>().ok() } else { None }
    });
    epochs.last().map(|seconds| seconds * 1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_opening_time_in_a_files_name() {
        let found = Some(1_795_337_096_000);
        for (path, stream, expected) in [
            ("/rec/demo-1795337096_20261122084456.flv", "demo", found),
            ("/rec/cam1-1795337096.flv", "cam1", found),
            ("/rec/renamed_stream-1795337096_20261122084602.flv", "redir1", found),
            ("/rec/cam-1111111111-1795337096.flv", "cam-1111111111", found),
            ("/rec/cam-1111111111.flv", "cam-1111111111", None),
            ("/rec-1111111111/demo.flv", "demo", None),
            ("/rec/demo-20261122084456.flv", "demo", None),
            ("/rec/demo-2026-11-22.flv", "demo", None),
            ("/rec/demo.flv", "demo", None),
        ] {
            assert_eq!(opened_at(path, stream), expected, "{path}");
        }
    }

    #[test]
    fn what_is_missing_is_named() {
        for (body, missing) in [
            ("", "call"),
            ("call=&clientid=1", "call"),
            ("call=publish&app=live&name=a", "clientid"),
            ("call=publish&clientid=1&name=a", "app"),
            ("call=publish&clientid=1&app=live", "name"),
            ("call=update_publish&name=a", "clientid"),
            ("call=record_done&clientid=1&name=a&recorder=&path=", "path"),
        ] {
            let error = parse(SourceId(1), body.as_bytes()).expect_err(body);
            assert_eq!(error, BadHook::Missing(missing), "{body}");
        }
    }

    #[test]
    fn hosts_come_best_first_and_reserved_names_are_no_parameters() {
        let body = b"app=live&tcurl=rtmp://10.0.0.1/live&addr=192.0.2.7&clientid=4&call=publish&name=a&type=live\
            &domain=b.example.com&vhost=a.example.com&token=x%26y&name=evil&call=publish_done&clientid=9&path=/etc";
        let Ok(NginxCall::Publish { key, push }) = parse(SourceId(7), body) else {
            panic!("a publish");
        };
        assert_eq!((key.as_str(), push.stream.as_str(), push.source), ("4", "a", SourceId(7)));
        assert_eq!(push.hosts, ["10.0.0.1", "a.example.com", "b.example.com"]);
        let params: Vec<_> = push.params.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        assert_eq!(params, [("domain", "b.example.com"), ("vhost", "a.example.com"), ("token", "x&y")]);
    }
}
