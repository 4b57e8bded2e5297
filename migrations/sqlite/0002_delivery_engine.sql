-- The queue by callback. One process owns it all; rows come and go at the end of each callback's rows.
create table waiting (
    callback_id integer not null,
    delivery_id integer not null,
    stream_key text not null,
    due_at integer not null,
    -- Some try has failed.
    retry integer not null,
    -- When it was queued (Unix ms).
    queued_at integer not null,
    primary key (callback_id, delivery_id)
) without rowid;
insert into waiting
    select q.callback_id, q.delivery_id, q.stream_key, q.due_at, d.tries > 0, q.due_at
    from queue q join deliveries d on d.id = q.delivery_id;
drop table queue;
alter table waiting rename to queue;

-- Sessions that hold a stream: few, so that a new one costs no page of its own.
create index sessions_open on sessions (domain_id, app, stream) where phase <> 'closed';
drop index sessions_stream;

-- Deliveries are found by callback, session or time.
drop index deliveries_domain;
