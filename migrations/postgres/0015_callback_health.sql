-- The result of the latest attempt of each callback. Written with the attempts, so that reading it costs no look at the log.
create table callback_attempts (
    callback_id bigint primary key,
    -- When it began (Unix ms).
    attempted_at bigint not null,
    -- Its error class, if it failed.
    error text,
    -- When the latest successful one ended (Unix ms).
    delivered_at bigint
);
insert into callback_attempts
    select latest.callback_id, latest.last_attempt_at, latest.last_error, delivered.at
    from (select distinct on (callback_id) callback_id, last_attempt_at, last_error from deliveries
        where last_attempt_at is not null order by callback_id, last_attempt_at desc) latest
    left join (select callback_id, max(finished_at) as at from deliveries where state = 'delivered' group by callback_id) delivered
        on delivered.callback_id = latest.callback_id;

-- Deliveries in the state `failed`. A partial index of `deliveries` would have to be looked after with each attempt.
create table failures (
    callback_id bigint not null,
    delivery_id bigint not null,
    primary key (callback_id, delivery_id)
);
insert into failures select callback_id, id from deliveries where state = 'failed';

-- With `retry` in the key: else SQLite takes the primary key, and reads all that waits of a callback.
create index queue_retries on queue (callback_id, retry) where retry = 1;
