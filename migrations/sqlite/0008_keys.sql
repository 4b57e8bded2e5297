-- The audit log calls a key by its name, so a name means one key. Of keys that share one the first keeps it.
update api_keys set name = substr(name, 1, 17) || ' ' || access_key
    where exists (select 1 from api_keys other where other.name = api_keys.name and other.id < api_keys.id);
create unique index api_keys_name on api_keys (name);

-- Null: it does not expire.
alter table api_keys add column expires_at integer;

-- A user may be called `key ci`; who acted is told by kind and name.
alter table audit add column actor_kind text not null default 'user';
update audit set actor_kind = 'key', actor = substr(actor, 5) where actor like 'key %';
update audit set actor_kind = 'cli' where actor = 'command line';

create index audit_at on audit (at);

-- Append-only. Only what is older than the shortest retention (30 days) can be deleted.
create trigger audit_is_not_changed before update on audit
begin
    select raise(abort, 'the audit log is append-only');
end;
create trigger audit_is_kept before delete on audit when old.at > (unixepoch() - 2592000) * 1000
begin
    select raise(abort, 'the audit log is kept for at least 30 days');
end;
