-- A callback that is paused after failures. Null: it is not.
alter table callbacks add column paused_since integer;
alter table callbacks add column probe_at integer;
alter table callbacks add column probes integer;
alter table callbacks add column pause_reason text;
