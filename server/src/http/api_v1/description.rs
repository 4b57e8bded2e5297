//! OpenAPI 3.1 description of the API, generated from the handlers.
//!
//! Handlers declare method, path, tag, query, body and responses. Common parts are added here: path parameters, headers of requests and
//! responses, and the problems that all requests of a kind may return. A declared response without a body is a problem.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use serde_json::{Map, Value, json};
use utoipa::openapi::OpenApi;
use utoipa::{PartialSchema, ToSchema};

use super::schemas;
use crate::http::problem::ApiProblem;

/// Description as JSON.
pub static DESCRIPTION: LazyLock<Value> = LazyLock::new(|| {
    let (repeatable, others) = super::described();
    complete(OpenApi::default().nest(super::PREFIX, repeatable.merge(others).into_openapi()))
});

/// Returns the description as text.
#[must_use]
pub fn description() -> String {
    format!("{:#}\n", *DESCRIPTION)
}

const ABOUT: &str = "\
Everything that the console can do, for scripts.

Requests and responses are JSON in camelCase; times are RFC 3339 in UTC. Lists have pages of `limit` rows: pass `nextCursor` of a page as \
`cursor` of the next one; it is null on the last page. Errors are problem details (RFC 9457) with a stable `type`. Unknown fields and query \
parameters are errors, so typos are never silently ignored. The `RateLimit` header has the number of remaining requests.";

/// Tags with their descriptions, in the order of the menu.
const TAGS: [(&str, &str); 11] = [
    ("Domains", "Push and play domains, and their recording."),
    ("Callbacks", "URLs that receive the events of a domain, their signatures, and tests of a URL."),
    ("Streams", "Live and past sessions with their events; disconnecting and forbidding streams."),
    ("Deliveries", "Delivery of events to callbacks, with every attempt."),
    ("Recoveries", "Bulk resends of deliveries that match a filter."),
    (
        "Statistics",
        "Traffic, bandwidth, storage, files and transcoding; imports of access logs and transcoding results.",
    ),
    ("Sources", "Media servers that report events."),
    ("Users", "Users, their invitation links and sessions."),
    ("Keys", "API keys for scripts."),
    ("Audit", "Audit log of changes."),
    ("Settings", "Settings from the configuration."),
];

/// A problem that several operations share: status, name among the components, description.
type Common = (&'static str, &'static str, &'static str);
/// Any request.
const OF_ALL: [Common; 5] = [
    ("401", "SignedOut", "`signed_out`: no valid key and no session. `key_expired`."),
    (
        "403",
        "Forbidden",
        "`forbidden`: the role does not have this permission, or the key is limited to other domains.",
    ),
    ("429", "TooManyRequests", "`too_many_requests`: retry after `Retry-After` seconds."),
    ("500", "Fault", "`internal`: internal error; see the server log."),
    ("503", "Unavailable", "`storage_unavailable`: retry later. `search_too_long`: choose a shorter time range."),
];
const OF_PATHS: [Common; 1] = [("404", "NotFound", "`not_found`: no such resource.")];
const OF_QUERIES: [Common; 1] =
    [("422", "InvalidValue", "`invalid_value`: a value is missing, unknown or out of bounds; `field` names it.")];
const OF_BODIES: [Common; 4] = [
    ("400", "Malformed", "`malformed`: the body is not JSON or was interrupted."),
    ("413", "TooLarge", "`too_large`: the body is longer than 64 KiB."),
    ("415", "NotJson", "`not_json`: the body has no `content-type: application/json`."),
    OF_QUERIES[0],
];
const OF_POSTS: [Common; 2] = [
    ("409", "KeyInUse", "`idempotency_key_in_use`: the first request with this `Idempotency-Key` is still running."),
    (
        "422",
        "KeyReused",
        "`idempotency_key_reused`: this `Idempotency-Key` was used for another request. `idempotency_key_invalid`.",
    ),
];
const OF_CHANGES: [Common; 1] =
    [("412", "ChangedMeanwhile", "`changed_meanwhile`: it was changed meanwhile; read it again.")];

/// Paths with optimistic locking: `GET` returns an `ETag`, changes accept `If-Match`.
const VERSIONED: [&str; 3] =
    ["/api/v1/domains/{push}", "/api/v1/domains/{push}/callbacks/{kind}", "/api/v1/domains/{push}/recording"];

/// The POST without idempotency key.
const UNREPEATABLE: &str = "/api/v1/access-logs";

const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

/// Adds the common parts.
fn complete(api: OpenApi) -> Value {
    let Value::Object(mut api) = json!(api) else { unreachable!("a description is an object") };
    let mut paths = api.remove("paths").unwrap_or_default();
    for (path, item) in paths.as_object_mut().into_iter().flatten() {
        for method in METHODS {
            if let Some(operation) = item.get_mut(method) {
                describe(path, method, operation);
            }
        }
    }
    let mut schemas = api["components"]["schemas"].take();
    schemas[&*ApiProblem::name()] = json!(ApiProblem::schema());
    let asked = asked_schemas(&paths, &schemas);
    for (name, schema) in schemas.as_object_mut().into_iter().flatten().filter(|(name, _)| !asked.contains(*name)) {
        if let Some(row) = name.strip_prefix("List_") {
            // Each row type is described once, not in each list.
            schema["properties"]["items"]["items"] = json!({ "$ref": format!("#/components/schemas/{row}") });
        }
        require_nullable_fields(schema);
    }
    let answers = [&OF_ALL[..], &OF_PATHS, &OF_QUERIES, &OF_BODIES, &OF_POSTS, &OF_CHANGES].concat();
    let answers: Map<_, _> =
        answers.into_iter().map(|(status, name, text)| (name.to_owned(), problem(status, text))).collect();
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Callsheet",
            "version": env!("CARGO_PKG_VERSION"),
            "description": ABOUT,
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
        },
        "tags": TAGS.map(|(name, what)| json!({ "name": name, "description": what })),
        // Either suffices.
        "security": [{ "key": [] }, { "session": [] }],
        "paths": paths,
        "components": {
            "securitySchemes": {
                "key": { "type": "http", "scheme": "bearer", "description": "The token of an API key." },
                "session": {
                    "type": "apiKey",
                    "in": "cookie",
                    "name": "callsheet",
                    "description": "Session of a signed-in browser; over TLS the cookie is `__Host-callsheet`.",
                },
            },
            "responses": answers,
            "schemas": schemas,
        },
    })
}

/// Completes one operation.
fn describe(path: &str, method: &str, operation: &mut Value) {
    let edited = VERSIONED.contains(&path);
    let changes = edited && ["put", "patch", "delete"].contains(&method);
    let repeatable = method == "post" && path != UNREPEATABLE;
    let own = operation["parameters"].as_array().cloned().unwrap_or_default();
    let in_query = own.iter().any(|parameter| parameter["in"] == "query");
    let mut parameters: Vec<Value> = path.split('/').filter_map(|part| path_parameter(path, part)).collect();
    let in_path = !parameters.is_empty();
    parameters.extend(own);
    if repeatable {
        let what = "Up to 255 visible ASCII characters of your choice, such as a UUID. A request that comes again with it within 24 hours is done once, and answered alike.";
        parameters.push(header_parameter(
            "Idempotency-Key",
            &json!({ "type": "string", "pattern": "^[ -~]{1,255}$" }),
            what,
        ));
    }
    if changes {
        let what = "The `ETag` that was read: refused where somebody changed it since.";
        parameters.push(header_parameter("If-Match", &json!({ "type": "string" }), what));
    }
    operation["parameters"] = parameters.into();

    let body = operation.get("requestBody").and_then(|body| body["content"].as_object());
    let is_json = body.is_some_and(|content| content.keys().eq(["application/json"]));
    // An optional body is never `null`.
    if let Some(schema) = operation.pointer_mut("/requestBody/content/application~1json/schema")
        && let Some(some) = schema.pointer_mut("/oneOf/0").map(Value::take)
    {
        *schema = some;
    }

    let kinds: [(bool, &[Common]); 6] = [
        (true, &OF_ALL),
        (in_path, &OF_PATHS),
        (in_query && !is_json, &OF_QUERIES),
        (is_json, &OF_BODIES),
        (repeatable, &OF_POSTS),
        (changes, &OF_CHANGES),
    ];
    let common: Vec<Common> =
        kinds.iter().filter(|(applies, _)| *applies).flat_map(|(_, kind)| *kind).copied().collect();
    let answers = &mut operation["responses"];
    add_problems(answers, &common);
    if edited && method != "delete" {
        let etag =
            json!({ "schema": { "type": "string" }, "description": "Version of these settings, for `If-Match`." });
        answers["200"]["headers"] = json!({ "ETag": etag });
    }
    // In reading order.
    let parts = ["tags", "summary", "description", "operationId", "parameters", "requestBody", "responses"];
    let parts = parts.into_iter().filter_map(|part| Some((part.to_owned(), operation.get_mut(part)?.take())));
    *operation = Value::Object(parts.collect());
}

/// Adds common problems to the responses of an operation, and bodies to its own problems.
fn add_problems(answers: &mut Value, common: &[Common]) {
    let Some(answers) = answers.as_object_mut() else { return };
    let own = answers.keys().filter(|status| status.as_str() >= "400").cloned();
    let statuses: BTreeSet<String> = own.chain(common.iter().map(|(status, ..)| (*status).to_owned())).collect();
    for status in statuses {
        let own = answers.get(&status).and_then(|answer| answer["description"].as_str());
        let of_its_kind: Vec<_> = common.iter().filter(|(of, ..)| *of == status).collect();
        let answer = match (own, &of_its_kind[..]) {
            (None, [(_, name, _)]) => json!({ "$ref": format!("#/components/responses/{name}") }),
            (own, several) => {
                let texts: Vec<&str> = own.into_iter().chain(several.iter().map(|(.., text)| *text)).collect();
                problem(&status, &texts.join(" "))
            }
        };
        answers.insert(status, answer);
    }
    answers.sort_keys();
}

fn header_parameter(name: &str, schema: &Value, description: &str) -> Value {
    json!({ "name": name, "in": "header", "description": description, "required": false, "schema": schema })
}

/// Returns the parameter for a segment such as `{id}`.
fn path_parameter(path: &str, part: &str) -> Option<Value> {
    let name = part.strip_prefix('{')?.strip_suffix('}')?;
    let text = |example: &str| json!({ "type": "string", "examples": [example] });
    let stream = |example: &str| json!({ "type": "string", "pattern": "^[A-Za-z0-9_-]{1,50}$", "examples": [example] });
    let resource = path.strip_prefix(super::PREFIX).and_then(|path| path.split('/').nth(1)).unwrap_or_default();
    let (description, schema) = match (name, resource) {
        ("push", _) => ("Push domain.", text("push.example.com")),
        ("kind", _) => ("Kind of callback.", json!(schemas::CallbackKind::schema())),
        ("app", _) => ("Application: the first segment of the push address's path.", stream("live")),
        ("stream", _) => ("Stream: the second segment of the push address's path.", stream("room_7")),
        ("name", _) => ("Host name.", text("vod.example.com")),
        ("session", _) => ("The session's `id`.", json!({ "type": "string" })),
        ("id", "deliveries") => ("The delivery's `id`.", json!(schemas::DeliveryId::schema())),
        ("id", "recoveries") => ("The recovery's `id`.", json!(schemas::RecoveryId::schema())),
        ("id", "sessions") => ("The session's `id`.", json!(schemas::SessionId::schema())),
        ("id", _) => ("Its `id`.", json!(schemas::RowId::schema())),
        _ => return None,
    };
    Some(json!({ "name": name, "in": "path", "description": description, "required": true, "schema": schema }))
}

/// Returns a response with a problem.
fn problem(status: &str, description: &str) -> Value {
    let schema = json!({ "$ref": format!("#/components/schemas/{}", ApiProblem::name()) });
    let mut answer =
        json!({ "description": description, "content": { "application/problem+json": { "schema": schema } } });
    let header = |what: &str| json!({ "schema": { "type": "string" }, "description": what });
    match status {
        "401" => answer["headers"] = json!({ "WWW-Authenticate": header("`Bearer`.") }),
        "429" => {
            answer["headers"] = json!({
                "Retry-After": header("Seconds to wait."),
                "RateLimit": header("Remaining requests, and seconds until the quota resets."),
                "RateLimit-Policy": header("Quota and its window in seconds."),
            });
        }
        _ => {}
    }
    answer
}

/// Returns the schemas of request bodies, including nested ones.
fn asked_schemas(paths: &Value, schemas: &Value) -> BTreeSet<String> {
    let mut asked = BTreeSet::new();
    let operations = paths.as_object().into_iter().flatten().flat_map(|(_, item)| item.as_object()).flatten();
    let mut left: Vec<&Value> = operations.map(|(_, operation)| &operation["requestBody"]).collect();
    while let Some(value) = left.pop() {
        let name = value["$ref"].as_str().and_then(|to| to.rsplit('/').next());
        if let Some(name) = name.filter(|name| asked.insert((*name).to_owned())) {
            left.push(&schemas[name]);
        }
        left.extend(value.as_object().into_iter().flat_map(Map::values));
        left.extend(value.as_array().into_iter().flatten());
    }
    asked
}

/// Marks nullable fields of responses as required: they are always present. Optional fields are never `null`.
fn require_nullable_fields(schema: &mut Value) {
    let is_null = |schema: &Value| schema["type"] == "null";
    let may_be_null = |schema: &Value| {
        schema["type"].as_array().is_some_and(|types| types.iter().any(|of| of == "null"))
            || schema["oneOf"].as_array().is_some_and(|schemas| schemas.iter().any(is_null))
    };
    let properties = schema["properties"].as_object();
    let nullable: Vec<Value> = properties
        .into_iter()
        .flatten()
        .filter(|(_, property)| may_be_null(property))
        .map(|(name, _)| name.as_str().into())
        .collect();
    if !nullable.is_empty() {
        let mut required = schema["required"].as_array().cloned().unwrap_or_default();
        required.extend(nullable);
        schema["required"] = required.into();
    }
    for part in schema.get_mut("allOf").and_then(Value::as_array_mut).into_iter().flatten() {
        require_nullable_fields(part);
    }
}
