-- Times are Unix ms (UTC), booleans are 0 or 1, names of domains are ASCII.

create table users (
    id integer primary key autoincrement,
    name text not null unique,
    password_hash text not null,
    role text not null,
    created_at integer not null
);

-- Browser sessions. The key is a hash, so that a copy of the table opens nothing.
create table web_sessions (
    id text primary key,
    user_id integer references users (id) on delete cascade,
    data text not null,
    expires_at integer not null
);
create index web_sessions_expiry on web_sessions (expires_at);

-- One-time links that create the first admin.
create table setup_links (
    token_hash text primary key,
    expires_at integer not null
);

create table api_keys (
    id integer primary key autoincrement,
    name text not null,
    role text not null,
    domains text,
    access_key text not null unique,
    secret_sealed blob not null,
    token_hash text not null unique,
    created_at integer not null,
    last_used_at integer
);

create table audit (
    id integer primary key,
    at integer not null,
    actor text not null,
    address text not null,
    action text not null,
    target text not null,
    detail text not null
);

create table domains (
    id integer primary key autoincrement,
    push text not null unique,
    push_display text not null,
    enabled integer not null,
    created_at integer not null,
    updated_at integer not null
);

-- Every host name of every domain group, so that one name belongs to one group only.
create table domain_names (
    name text primary key,
    display text not null,
    domain_id integer not null references domains (id) on delete cascade,
    role text not null,
    position integer not null
);
create index domain_names_domain on domain_names (domain_id);

create table callbacks (
    id integer primary key autoincrement,
    domain_id integer not null references domains (id) on delete cascade,
    kind text not null,
    enabled integer not null,
    address text,
    dialect text not null,
    ordered integer not null,
    timeout_seconds integer not null,
    headers text not null,
    secret_sealed blob not null,
    previous_secret_sealed blob,
    previous_secret_until integer,
    off_reason text,
    updated_at integer not null,
    unique (domain_id, kind)
);

create table recording_settings (
    domain_id integer primary key references domains (id) on delete cascade,
    enabled integer not null,
    part_seconds integer not null,
    bucket text not null
);

create table sources (
    id integer primary key autoincrement,
    adapter text not null,
    name text not null unique,
    default_domain text,
    url_secret_hash text not null unique,
    url_secret_sealed blob not null,
    signing_secret_sealed blob not null,
    created_at integer not null,
    last_seen_at integer
);

create table refusals (
    id integer primary key,
    at integer not null,
    source_id integer not null references sources (id) on delete cascade,
    host text not null,
    app text not null,
    stream text not null,
    client text,
    code text not null,
    reason text not null
);

-- What a signed source has already told, by its webhook-id.
create table source_receipts (
    source_id integer not null references sources (id) on delete cascade,
    webhook_id text not null,
    at integer not null,
    primary key (source_id, webhook_id)
);
create index source_receipts_age on source_receipts (at);

-- One publish of one stream. `state` is the state machine; the other columns are for finding it.
create table sessions (
    id integer primary key,
    source_id integer not null,
    boot text not null,
    source_key text not null,
    domain_id integer not null,
    domain text not null,
    app text not null,
    stream text not null,
    phase text not null,
    started_at integer not null,
    ended_at integer,
    due_at integer,
    state text not null
);
create index sessions_key on sessions (source_id, source_key, id);
create index sessions_stream on sessions (domain_id, app, stream, id);
create index sessions_phase on sessions (phase, due_at);

create table parts (
    session_id integer not null references sessions (id) on delete cascade,
    number integer not null,
    location text,
    started_at integer not null,
    stopped_at integer not null,
    duration_ms integer not null,
    bytes integer,
    failure text,
    primary key (session_id, number)
);

create table forbidden_streams (
    domain_id integer not null references domains (id) on delete cascade,
    app text not null,
    stream text not null,
    until integer,
    primary key (domain_id, app, stream)
);

-- Append-only.
create table events (
    id integer primary key,
    session_id integer not null,
    domain_id integer not null,
    name text not null,
    status text not null,
    sequence integer not null,
    happened_at integer not null,
    stored_at integer not null,
    detail text not null
);
create index events_session on events (session_id);

-- The readable record of each delivery. Which of them wait is known by `queue` alone.
create table deliveries (
    id integer primary key,
    event_id integer not null,
    callback_id integer not null,
    domain_id integer not null,
    session_id integer not null,
    kind text not null,
    event text not null,
    app text not null,
    stream text not null,
    sequence integer not null,
    happened_at integer not null,
    body blob not null,
    state text not null,
    attempts integer not null,
    tries integer not null,
    out_of_order integer not null,
    last_attempt_at integer,
    last_status integer,
    last_error text,
    finished_at integer
);
create index deliveries_domain on deliveries (domain_id, id);
create index deliveries_session on deliveries (session_id);
create index deliveries_callback on deliveries (callback_id, id);

-- The waiting ones only; ids and order, no bodies.
create table queue (
    due_at integer not null,
    delivery_id integer not null,
    callback_id integer not null,
    stream_key text not null,
    primary key (due_at, delivery_id)
) without rowid;
create unique index queue_delivery on queue (delivery_id);

-- Append-only: one HTTP request each.
create table attempts (
    delivery_id integer not null,
    number integer not null,
    started_at integer not null,
    millis integer not null,
    address text not null,
    succeeded integer not null,
    status integer,
    error_class text,
    error text,
    phases text not null,
    request_headers text not null,
    response_headers text,
    response_body blob,
    primary key (delivery_id, number)
);
