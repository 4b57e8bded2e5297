-- Requests that callers named by a key, so that they can be sent again. `request` is a digest; `answer` is sealed, and null while `run` goes on.
-- From `expires_at` on the row counts for nothing.
create table idempotent_requests (
    caller text not null,
    request_key text not null,
    run text not null,
    request text not null,
    answer blob,
    expires_at integer not null,
    primary key (caller, request_key)
);
create index idempotent_requests_age on idempotent_requests (expires_at);
