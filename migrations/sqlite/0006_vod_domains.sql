-- Hosts that serve recorded video, and the bucket and path below which their files lie.
create table vod_domains (
    name text primary key,
    display text not null,
    path text not null,
    created_at integer not null
);
