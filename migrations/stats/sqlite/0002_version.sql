-- Raised with everything that is added to usage or removed from it: what was read before is still true while it stays.
alter table stats_state add column version integer not null default 0;
