-- Times are Unix seconds (UTC), sums are bytes and counts, names of domains are ASCII.

-- Hosts by a small number. One that is removed from the console stays.
create table stats_domains (
    id integer primary key autoincrement,
    name text not null unique
);

-- One row at most. `zone`: whose hours and days the roll-ups are; `kept_from`: five-minute points before it are removed.
create table stats_state (
    id integer primary key,
    zone text not null,
    kept_from integer not null,
    thinned_to integer not null
);

-- Five-minute points, by their start. Domain 0 is all domains together: the percentile of a sum is no sum of percentiles.
create table usage_5m (
    domain_id integer not null,
    at integer not null,
    bytes integer not null,
    requests integer not null,
    hits integer not null,
    s2xx integer not null,
    s3xx integer not null,
    s4xx integer not null,
    s5xx integer not null,
    primary key (domain_id, at)
) without rowid;

-- Hours and days of `zone`, of domain 0 too. `peak`: bytes of the highest of their five-minute points, `peak_at`: the first such one.
create table usage_1h (
    domain_id integer not null,
    at integer not null,
    bytes integer not null,
    requests integer not null,
    hits integer not null,
    s2xx integer not null,
    s3xx integer not null,
    s4xx integer not null,
    s5xx integer not null,
    peak integer not null,
    peak_at integer not null,
    primary key (domain_id, at)
) without rowid;
create table usage_1d (
    domain_id integer not null,
    at integer not null,
    bytes integer not null,
    requests integer not null,
    hits integer not null,
    s2xx integer not null,
    s3xx integer not null,
    s4xx integer not null,
    s5xx integer not null,
    peak integer not null,
    peak_at integer not null,
    primary key (domain_id, at)
) without rowid;

-- Access logs that were taken in, by content. `prefix` is the digest of the first `taken` bytes, `head` that of
-- the first 4 KiB of these.
create table imports (
    id integer primary key autoincrement,
    head text not null,
    name text not null,
    taken integer not null,
    prefix text not null,
    lines integer not null,
    bad integer not null,
    bytes integer not null,
    started_at integer not null,
    updated_at integer not null,
    unique (head, prefix)
);

-- What a domain's files are from `at` on; a row only where that changes. Domain 0 is all files.
create table inventory (
    domain_id integer not null,
    at integer not null,
    bytes integer not null,
    files integer not null,
    primary key (domain_id, at)
) without rowid;

-- One row for each output of a transcoding task. Width and height are 0 where unknown; `audio`: it has no picture.
create table transcode_outputs (
    job text not null,
    output text not null,
    domain_id integer not null,
    succeeded integer not null,
    codec text not null,
    width integer not null,
    height integer not null,
    audio integer not null,
    duration_ms integer not null,
    centiminutes integer not null,
    finished_at integer not null,
    error text,
    primary key (job, output)
) without rowid;
create index transcode_outputs_time on transcode_outputs
    (finished_at, domain_id, succeeded, codec, width, height, audio, centiminutes);
