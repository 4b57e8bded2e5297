-- Runs of processes with a built-in ingest, and the names of the streams that are published to them.
create table ingest_runs (
    boot text primary key,
    expires_at bigint not null
);
create table held_streams (
    domain_id bigint not null references domains (id) on delete cascade,
    app text not null,
    stream text not null,
    boot text not null,
    source_key text not null,
    primary key (domain_id, app, stream)
);
create index held_streams_by_session on held_streams (boot, source_key);

-- Reports that came before the start of their session.
create table early_reports (
    id bigint generated always as identity primary key,
    source_id bigint not null,
    boot text not null,
    source_key text not null,
    hint text not null,
    -- The publish, where the source names it with each report.
    push text
);
create index early_reports_by_session on early_reports (source_id, source_key, boot, id);
