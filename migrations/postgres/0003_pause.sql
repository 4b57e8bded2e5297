-- A callback that is paused after failures. Null: it is not.
alter table callbacks add column paused_since bigint;
alter table callbacks add column probe_at bigint;
alter table callbacks add column probes bigint;
alter table callbacks add column pause_reason text;
