//! Parsing and verification of JD Cloud's request signatures, `JDCLOUD2-HMAC-SHA256` and `JDCLOUD3-HMAC-SHA256`. Key lookup, clock and nonces
//! are in [`auth`](super::auth).

use axum::http::header::HOST;
use axum::http::request::Parts;
use callsheet::model::Millis;
use hmac::{Hmac, Mac};
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use sha2::{Digest, Sha256};

/// Header with the time of the signature, `yyyymmddThhmmssZ`.
const DATE: &str = "x-jdcloud-date";
/// Header with a unique value.
const NONCE: &str = "x-jdcloud-nonce";

/// Maximum number of signed headers. The vendor's SDKs sign six.
const MAX_SIGNED_HEADERS: usize = 32;

/// The request has no valid signature header.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unsigned {
    #[error("`authorization` must contain a signature by JDCLOUD2-HMAC-SHA256 or JDCLOUD3-HMAC-SHA256")]
    NoSignature,
    #[error(
        "`x-jdcloud-date` must be the time of the signature, such as 20190214T104514Z, on the day of the credential"
    )]
    BadDate,
    #[error("a signed header is missing")]
    MissingHeader,
    #[error("`SignedHeaders` must list at most {MAX_SIGNED_HEADERS} headers, each once")]
    BadSignedHeaders,
}

/// The two schemes, which differ only in their names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scheme {
    Two,
    Three,
}

impl Scheme {
    const fn algorithm(self) -> &'static str {
        match self {
            Self::Two => "JDCLOUD2-HMAC-SHA256",
            Self::Three => "JDCLOUD3-HMAC-SHA256",
        }
    }

    /// Prefix of the secret.
    const fn prefix(self) -> &'static str {
        match self {
            Self::Two => "JDCLOUD2",
            Self::Three => "JDCLOUD3",
        }
    }

    const fn terminator(self) -> &'static str {
        match self {
            Self::Two => "jdcloud2_request",
            Self::Three => "jdcloud3_request",
        }
    }
}

/// The parsed signature of a request.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Signature<'a> {
    scheme: Scheme,
    pub(super) access_key: &'a str,
    /// `yyyymmdd/region/service/jdcloud…_request`; region and service are ignored.
    scope: &'a str,
    signed_headers: &'a str,
    signature: Vec<u8>,
    date: &'a str,
    /// Time of the signature.
    pub(super) at: Millis,
    /// The nonce, if it is signed.
    pub(super) nonce: Option<&'a str>,
}

impl<'a> Signature<'a> {
    /// Parses the headers.
    pub(super) fn of(request: &'a Parts) -> Result<Self, Unsigned> {
        let text = |name: &str| request.headers.get(name).and_then(|value| value.to_str().ok());
        let authorization = text("authorization").ok_or(Unsigned::NoSignature)?;
        let (algorithm, fields) = authorization.split_once(' ').ok_or(Unsigned::NoSignature)?;
        let scheme = [Scheme::Two, Scheme::Three].into_iter().find(|scheme| scheme.algorithm() == algorithm);
        let scheme = scheme.ok_or(Unsigned::NoSignature)?;
        let field = |name: &str| {
            let mut fields = fields.split(',').filter_map(|field| field.trim().split_once('='));
            fields.find(|(field, _)| *field == name).map(|(_, value)| value).ok_or(Unsigned::NoSignature)
        };
        let (access_key, scope) = field("Credential")?.split_once('/').ok_or(Unsigned::NoSignature)?;
        let signature = hex::decode(field("Signature")?).map_err(|_| Unsigned::NoSignature)?;
        let signed_headers = field("SignedHeaders")?;
        let [day, _region, _service, terminator] = scope.split('/').collect::<Vec<_>>()[..] else {
            return Err(Unsigned::NoSignature);
        };
        if terminator != scheme.terminator() {
            return Err(Unsigned::NoSignature);
        }
        let date = text(DATE).ok_or(Unsigned::BadDate)?;
        let at = DateTime::strptime("%Y%m%dT%H%M%SZ", date).map_err(|_| Unsigned::BadDate)?;
        let at = at.to_zoned(TimeZone::UTC).map_err(|_| Unsigned::BadDate)?.timestamp().as_millisecond();
        if date.get(..8) != Some(day) {
            return Err(Unsigned::BadDate);
        }
        let nonce = if signed_headers.split(';').any(|name| name == NONCE) { text(NONCE) } else { None };
        Ok(Self { scheme, access_key, scope, signed_headers, signature, date, at, nonce })
    }

    /// Verifies the signature with `secret`, in constant time.
    pub(super) fn verify(&self, request: &Parts, body: &[u8], secret: &str) -> Result<bool, Unsigned> {
        let canonical = canonical_request(request, self.signed_headers, body)?;
        let to_sign =
            format!("{}\n{}\n{}\n{}", self.scheme.algorithm(), self.date, self.scope, sha256(canonical.as_bytes()));
        let mut key = format!("{}{secret}", self.scheme.prefix()).into_bytes();
        for part in self.scope.split('/') {
            key = keyed(&key, part.as_bytes()).finalize().into_bytes().to_vec();
        }
        Ok(keyed(&key, to_sign.as_bytes()).verify_slice(&self.signature).is_ok())
    }
}

fn keyed(key: &[u8], text: &[u8]) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(text);
    mac
}

fn sha256(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

/// Builds the canonical request, which is signed.
fn canonical_request(request: &Parts, signed_headers: &str, body: &[u8]) -> Result<String, Unsigned> {
    let mut names: Vec<&str> = signed_headers.split(';').take(MAX_SIGNED_HEADERS + 1).collect();
    // Repeated names could make the text arbitrarily long, before the signature is verified.
    let is_repeated =
        |(place, name): (usize, &&str)| names[..place].iter().any(|before| before.eq_ignore_ascii_case(name));
    if names.len() > MAX_SIGNED_HEADERS || names.iter().enumerate().any(is_repeated) {
        return Err(Unsigned::BadSignedHeaders);
    }
    names.sort_unstable();
    let mut headers = String::new();
    for name in names {
        let values: Vec<&str> = match name {
            "host" => vec![host(request).ok_or(Unsigned::MissingHeader)?],
            name => request.headers.get_all(name).iter().filter_map(|value| value.to_str().ok()).collect(),
        };
        if values.is_empty() {
            return Err(Unsigned::MissingHeader);
        }
        let values: Vec<&str> = values.into_iter().map(str::trim).collect();
        headers.push_str(&format!("{name}:{}\n", values.join(",")));
    }
    Ok(format!(
        "{}\n{}\n{}\n{headers}\n{signed_headers}\n{}",
        request.method,
        canonical_path(request.uri.path()),
        canonical_query(request.uri.query().unwrap_or_default()),
        sha256(body)
    ))
}

/// Returns the `host` header without a default port.
fn host(request: &Parts) -> Option<&str> {
    let host = request.headers.get(HOST).and_then(|host| host.to_str().ok())?;
    let plain = [":80", ":443"].into_iter().find_map(|port| host.strip_suffix(port));
    Some(plain.unwrap_or(host))
}

fn canonical_path(path: &str) -> String {
    let mut decoded = decode(path);
    decoded.dedup_by(|next, before| (*next, *before) == (b'/', b'/'));
    encode(&decoded, b"/~")
}

fn canonical_query(query: &str) -> String {
    let mut pairs: Vec<(String, String)> = query
        .split('&')
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(name, value)| (encode(&decode(name), b"~"), encode(&decode(value), b"~")))
        .filter(|(name, _)| !name.is_empty())
        .collect();
    pairs.sort_unstable();
    let pairs: Vec<String> = pairs.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
    pairs.join("&")
}

/// Decodes percent-encoded text; `+` is a space, and an invalid `%` stays.
pub(super) fn decode(text: &str) -> Vec<u8> {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let digits = bytes.get(at + 1..at + 3).filter(|_| *byte == b'%');
        let escaped = digits.and_then(|digits| hex::decode(digits).ok());
        match (escaped, byte) {
            (Some(escaped), _) => decoded.extend(escaped),
            (None, b'+') => decoded.push(b' '),
            (None, byte) => decoded.push(*byte),
        }
        at += if digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit)) { 3 } else { 1 };
    }
    decoded
}

fn encode(bytes: &[u8], safe: &[u8]) -> String {
    let mut encoded = String::with_capacity(bytes.len());
    for byte in bytes {
        if byte.is_ascii_alphanumeric() || b"-_.".contains(byte) || safe.contains(byte) {
            encoded.push(char::from(*byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use axum::http::Request;

    use super::*;

    const BODY: &[u8] = b"body data";

    /// Returns the request of the vendor's test vector.
    fn vector(scope: &str, signature: &str) -> Parts {
        let headers = "x-jdcloud-date;x-jdcloud-nonce;x-my-header;x-my-header_blank";
        let algorithm = if scope.ends_with("jdcloud3_request") { "JDCLOUD3" } else { "JDCLOUD2" };
        let request = Request::post("http://test.jdcloud-api.com/v1/resource:action?p1=p1&p0=p0&o=%&u=u")
            .header("host", "test.jdcloud-api.com")
            .header(DATE, "20190214T104514Z")
            .header(NONCE, "testnonce")
            .header("x-my-header", "test")
            .header("x-my-header_blank", " blank")
            .header(
                "authorization",
                format!(
                    "{algorithm}-HMAC-SHA256 Credential=TESTAK/{scope}, SignedHeaders={headers}, Signature={signature}"
                ),
            );
        request.body(()).expect("a request").into_parts().0
    }

    const SCOPE: &str = "20190214/cn-north-1/test/jdcloud2_request";
    const SIGNATURE: &str = "2a98f83c074e7bee260bfc8ef64f009c07595bd93f7f0c3f4e156bf6479ed9bf";

    #[test]
    fn a_header_is_signed_once() {
        let request = vector(SCOPE, SIGNATURE);
        let refused = |names: &str| canonical_request(&request, names, BODY).err();
        assert_eq!(refused("host;x-my-header"), None);
        let many = (0..40).map(|n| format!("x-{n}")).collect::<Vec<_>>().join(";");
        for names in ["x-my-header;host;x-my-header", "host;Host", &many, &"host;".repeat(20_000)] {
            assert_eq!(refused(names), Some(Unsigned::BadSignedHeaders), "{names:.60}");
        }
    }

    #[test]
    fn the_public_vector() {
        let request = vector(SCOPE, SIGNATURE);
        assert_eq!(sha256(BODY), "e51832a118eeff7ad976d635b7d04538e362e4c21bd0f6253580b0a83a209074");
        let signature = Signature::of(&request).expect("a signature");
        let canonical = canonical_request(&request, signature.signed_headers, BODY).expect("canonical");
        assert_eq!(
            sha256(canonical.as_bytes()),
            "fb2e317056269590681d091f8eb22272967c0b922b2deda887312215ea4eed4c",
            "{canonical}"
        );
        assert_eq!(
            (signature.access_key, signature.nonce, signature.at),
            ("TESTAK", Some("testnonce"), 1_550_141_114_000)
        );
        assert_eq!(signature.verify(&request, BODY, "TESTSK"), Ok(true));
        assert_eq!(signature.verify(&request, b"body datA", "TESTSK"), Ok(false));
        assert_eq!(signature.verify(&request, BODY, "TESTSk"), Ok(false));
    }

    #[test]
    fn every_signed_part_counts() {
        let changes: [fn(&mut Parts); 6] = [
            |request| request.method = axum::http::Method::PUT,
            |request| request.uri = "/v1/resource:actioN?p1=p1&p0=p0&o=%&u=u".parse().expect("an address"),
            |request| request.uri = "/v1/resource:action?p1=p1&p0=p1&o=%&u=u".parse().expect("an address"),
            |request| {
                request.headers.insert("x-my-header", "tesT".parse().expect("a value"));
            },
            |request| {
                request.headers.insert(DATE, "20190214T104515Z".parse().expect("a value"));
            },
            |request| {
                request.headers.append(NONCE, "another".parse().expect("a value"));
            },
        ];
        for (number, change) in changes.into_iter().enumerate() {
            let mut request = vector(SCOPE, SIGNATURE);
            change(&mut request);
            let signature = Signature::of(&request).expect("a signature");
            assert_eq!(signature.verify(&request, BODY, "TESTSK"), Ok(false), "{number}");
        }
        let mut request = vector(SCOPE, SIGNATURE);
        request.headers.insert("x-not-signed", "any".parse().expect("a value"));
        // The same in other words.
        request.uri = "/v1//resource%3Aaction?u=u&p1=p1&o=%25&&=x&p0=%700".parse().expect("an address");
        assert_eq!(Signature::of(&request).expect("a signature").verify(&request, BODY, "TESTSK"), Ok(true));
        request.headers.remove("x-my-header");
        let signature = Signature::of(&request).expect("a signature");
        assert_eq!(signature.verify(&request, BODY, "TESTSK"), Err(Unsigned::MissingHeader));
    }

    #[test]
    fn the_third_scheme_differs_in_its_names() {
        let scope = "20190214/cn-north-1/test/jdcloud3_request";
        // By Python's `hmac` on the same text.
        let signature = "206d4346b2b41f73e1088d01ff490ed425ca58f7232ae1db2fa6743d2f68793c";
        let request = vector(scope, signature);
        assert_eq!(Signature::of(&request).expect("a signature").verify(&request, BODY, "TESTSK"), Ok(true));
        let request = vector(scope, SIGNATURE);
        assert_eq!(Signature::of(&request).expect("a signature").verify(&request, BODY, "TESTSK"), Ok(false));
    }

    #[test]
    fn what_is_no_signature() {
        for (scope, date) in [
            ("20190214/cn-north-1/test", "20190214T104514Z"),
            ("20190214/cn-north-1/test/jdcloud4_request", "20190214T104514Z"),
            ("20190214/cn-north-1/test/more/jdcloud2_request", "20190214T104514Z"),
            ("20190213/cn-north-1/test/jdcloud2_request", "20190214T104514Z"),
            (SCOPE, "2019-02-14T10:45:14Z"),
            (SCOPE, "20190214T254514Z"),
        ] {
            let mut request = vector(scope, SIGNATURE);
            request.headers.insert(DATE, date.parse().expect("a value"));
            assert!(Signature::of(&request).is_err(), "{scope} {date}");
        }
        for authorization in ["", "Bearer cs_x", "JDCLOUD2-HMAC-SHA256", "JDCLOUD2-HMAC-SHA256 Credential=a/b"] {
            let mut request = vector(SCOPE, SIGNATURE);
            request.headers.insert("authorization", authorization.parse().expect("a value"));
            assert_eq!(Signature::of(&request), Err(Unsigned::NoSignature), "{authorization}");
        }
        assert_eq!(Signature::of(&vector(SCOPE, "2a9")), Err(Unsigned::NoSignature));
    }

    #[test]
    fn hosts_are_signed_without_usual_ports() {
        for (sent, signed) in [
            ("console.example", "console.example"),
            ("console.example:80", "console.example"),
            ("console.example:443", "console.example"),
            ("console.example:3000", "console.example:3000"),
            ("[::1]:8080", "[::1]:8080"),
        ] {
            let request = Request::get("/v1/domains").header("host", sent).body(()).expect("a request").into_parts().0;
            assert_eq!(host(&request), Some(signed));
        }
    }

    #[test]
    fn decoding() {
        for (text, bytes) in [("a+b%20c", "a b c"), ("%E7%9B%B4", "直"), ("%", "%"), ("%4", "%4"), ("%zz%41", "%zzA")]
        {
            assert_eq!(decode(text), bytes.as_bytes(), "{text}");
        }
    }
}
