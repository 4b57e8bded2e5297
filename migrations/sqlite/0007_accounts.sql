-- `password_hash` is '' where a person has no password: invited, or known to a provider of single sign-on as `subject`.
alter table users add column active integer not null default 1;
alter table users add column last_sign_in_at integer;
alter table users add column issuer text;
alter table users add column subject text;
-- Secrets of the second factor: the one that counts, and one that waits for its first code.
alter table users add column totp_sealed blob;
alter table users add column totp_pending_sealed blob;
-- The last time step whose code was used.
alter table users add column totp_step integer not null default 0;
create unique index users_subject on users (issuer, subject);

-- One-time links by which a person sets a password.
create table user_links (
    user_id integer primary key references users (id) on delete cascade,
    token_hash text not null unique,
    expires_at integer not null
);

-- In place of a code of the second factor, once each.
create table recovery_codes (
    user_id integer not null references users (id) on delete cascade,
    code_hash text not null,
    primary key (user_id, code_hash)
);

-- Earlier sessions lasted seven days from their last use.
alter table web_sessions add column created_at integer not null default 0;
alter table web_sessions add column last_seen_at integer not null default 0;
alter table web_sessions add column address text not null default '';
alter table web_sessions add column agent text not null default '';
update web_sessions set created_at = expires_at - 604800000, last_seen_at = expires_at - 604800000;
create index web_sessions_user on web_sessions (user_id);
