-- The queue by callback. Each process reads what it owns once, and then only what is new.
create table waiting (
    callback_id bigint not null,
    delivery_id bigint not null,
    stream_key text not null,
    due_at bigint not null,
    -- Some try has failed.
    retry bigint not null,
    -- When it was queued (Unix ms).
    queued_at bigint not null,
    primary key (callback_id, delivery_id)
);
insert into waiting
    select q.callback_id, q.delivery_id, q.stream_key, q.due_at, case when d.tries > 0 then 1 else 0 end, q.due_at
    from queue q join deliveries d on d.id = q.delivery_id;
drop table queue;
alter table waiting rename to queue;
create index queue_news on queue (queued_at);

-- Which worker delivers for which callbacks. A takeover raises the epoch, so that what its former owner still says is refused.
create table shard_leases (
    shard bigint primary key,
    owner text not null,
    epoch bigint not null,
    -- Unix ms by the database's clock, as all times here.
    expires_at bigint not null
);
insert into shard_leases select n, '', 0, 0 from generate_series(0, 255) as n;

-- Workers that are alive, so that each can take its share.
create table workers (
    owner text primary key,
    expires_at bigint not null
);

-- Sessions that hold a stream: few, so that a new one costs no page of its own.
create index sessions_open on sessions (domain_id, app, stream) where phase <> 'closed';
drop index sessions_stream;

-- Deliveries are found by callback, session or time.
drop index deliveries_domain;
