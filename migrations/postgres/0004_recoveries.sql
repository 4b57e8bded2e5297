-- Deliveries that are queued again by a filter.
create table recoveries (
    id bigint primary key,
    state text not null,
    filter text not null,
    started_by text not null,
    started_at bigint not null,
    ended_at bigint
);

-- A recovery's part of one callback. `after_id` is the last delivery that had its turn.
create table recovery_lanes (
    recovery_id bigint not null references recoveries (id) on delete cascade,
    callback_id bigint not null,
    total bigint not null,
    queued bigint not null,
    left_out bigint not null,
    after_id bigint not null,
    through bigint not null,
    primary key (recovery_id, callback_id)
);
