-- Attempts whose headers and answer are still there, the oldest first. Once they are removed, `request_headers` is '' and the rest null.
create index attempts_kept on attempts (started_at) where request_headers <> '';
