-- The recovery that queued a delivery, so that its end is counted where it leaves the queue.
alter table queue add column recovery_id bigint;

-- What became of the deliveries that a recovery queued. Recoveries of before have no rows: nothing is known of theirs.
create table recovery_outcomes (
    recovery_id bigint not null references recoveries (id) on delete cascade,
    callback_id bigint not null,
    delivered bigint not null,
    failed bigint not null,
    cancelled bigint not null,
    primary key (recovery_id, callback_id)
);

-- The deliveries that had their turn in a recovery.
create table recovery_deliveries (
    recovery_id bigint not null references recoveries (id) on delete cascade,
    delivery_id bigint not null,
    primary key (recovery_id, delivery_id)
);
