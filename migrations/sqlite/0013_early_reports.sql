-- Reports that came before the start of their session.
create table early_reports (
    id integer primary key,
    source_id integer not null,
    boot text not null,
    source_key text not null,
    hint text not null,
    -- The publish, where the source names it with each report.
    push text
);
create index early_reports_by_session on early_reports (source_id, source_key, boot, id);
