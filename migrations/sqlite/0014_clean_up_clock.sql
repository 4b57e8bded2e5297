-- When the last clean-up ran, and from when on it believes the clock. One row.
create table clean_up_clock (
    id integer primary key check (id = 1),
    seen_at integer not null,
    believed_from integer not null
);
