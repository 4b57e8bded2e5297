-- The result of the latest attempt of each callback. Written with the attempts, so that reading it costs no look at the log.
create table callback_attempts (
    callback_id integer primary key,
    -- When it began (Unix ms).
    attempted_at integer not null,
    -- Its error class, if it failed.
    error text,
    -- When the latest successful one ended (Unix ms).
    delivered_at integer
);
insert into callback_attempts
    select d.callback_id, max(d.last_attempt_at), d.last_error,
        (select max(s.finished_at) from deliveries s where s.callback_id = d.callback_id and s.state = 'delivered')
    from deliveries d where d.last_attempt_at is not null group by d.callback_id;

-- Deliveries in the state `failed`. A partial index of `deliveries` would have to be looked after with each attempt.
create table failures (
    callback_id integer not null,
    delivery_id integer not null,
    primary key (callback_id, delivery_id)
) without rowid;
insert into failures select callback_id, id from deliveries where state = 'failed';

-- With `retry` in the key: else SQLite takes the primary key, and reads all that waits of a callback.
create index queue_retries on queue (callback_id, retry) where retry = 1;
