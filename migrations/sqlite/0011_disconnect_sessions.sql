-- Sessions whose publisher is to be dropped. The built-in ingest takes its rows; another source hears of it when it says that the session goes on.
drop table disconnects;
create table disconnects (
    session_id integer primary key references sessions (id) on delete cascade
);
