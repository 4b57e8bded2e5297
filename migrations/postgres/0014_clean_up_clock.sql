-- When the last clean-up ran, and from when on it believes the clock. One row.
create table clean_up_clock (
    id bigint primary key check (id = 1),
    seen_at bigint not null,
    believed_from bigint not null
);
