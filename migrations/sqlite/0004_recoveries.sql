-- Deliveries that are queued again by a filter.
create table recoveries (
    id integer primary key,
    state text not null,
    filter text not null,
    started_by text not null,
    started_at integer not null,
    ended_at integer
);

-- A recovery's part of one callback. `after_id` is the last delivery that had its turn.
create table recovery_lanes (
    recovery_id integer not null references recoveries (id) on delete cascade,
    callback_id integer not null,
    total integer not null,
    queued integer not null,
    left_out integer not null,
    after_id integer not null,
    through integer not null,
    primary key (recovery_id, callback_id)
);
