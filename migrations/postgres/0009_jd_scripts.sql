-- What signed requests carried and may not carry again.
create table nonces (
    access_key text not null,
    nonce text not null,
    at bigint not null,
    primary key (access_key, nonce)
);
create index nonces_age on nonces (at);

-- Streams whose publisher the built-in ingest is to drop; it takes the rows.
create table disconnects (
    domain text not null,
    app text not null,
    stream text not null,
    primary key (domain, app, stream)
);

-- Named settings of recordings. `period` in minutes; `endpoint` is kept for those who wrote it.
create table record_templates (
    name text primary key,
    period bigint not null,
    bucket text not null,
    endpoint text,
    created_at bigint not null
);

-- The template that the settings were taken from, until somebody changes them by hand.
alter table recording_settings add column template text references record_templates (name);
