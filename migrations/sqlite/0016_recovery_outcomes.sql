-- The recovery that queued a delivery, so that its end is counted where it leaves the queue.
alter table queue add column recovery_id integer;

-- What became of the deliveries that a recovery queued. Recoveries of before have no rows: nothing is known of theirs.
create table recovery_outcomes (
    recovery_id integer not null references recoveries (id) on delete cascade,
    callback_id integer not null,
    delivered integer not null,
    failed integer not null,
    cancelled integer not null,
    primary key (recovery_id, callback_id)
) without rowid;

-- The deliveries that had their turn in a recovery.
create table recovery_deliveries (
    recovery_id integer not null references recoveries (id) on delete cascade,
    delivery_id integer not null,
    primary key (recovery_id, delivery_id)
) without rowid;
