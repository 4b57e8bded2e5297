-- When the source was last heard, of live sessions whose silence ends them.
alter table sessions add column heard_at bigint;
update sessions set heard_at = started_at where phase = 'live' and due_at is not null;
