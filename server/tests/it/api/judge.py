"""Counts an access log with DuckDB, by the definitions of the statistics and by nothing of the console.

judge.py FORMAT FILE DOMAIN…: prints {domain: {"bytes", "requests", "points": {start: bytes}}} as JSON. FORMAT is nginx-json (lines of other
hosts count for "(other)") or combined (all lines are of the one DOMAIN).
"""

import json
import sys

import duckdb

LINES = {
    "nginx-json": """
        select lower(line->>'host') as host, cast((line->>'msec')::decimal(20, 3) * 1000 as bigint) as ended,
               cast((line->>'request_time')::decimal(20, 3) * 1000 as bigint) as ran, (line->>'bytes_sent')::bigint as bytes
        from text where json_valid(line)""",
    "combined": r"""
        select $domains[1] as host, epoch_ms(strptime(regexp_extract(line, '\[([^\]]+)\]', 1), '%d/%b/%Y:%H:%M:%S %z')) as ended,
               0 as ran, regexp_extract(line, '" \d{3} (\d+) "', 1)::bigint as bytes
        from text where regexp_matches(line, '^\S+ - \S+ \[[^\]]+\] "[^"]*" \d{3} \d+ "')""",
}

# Bytes go to the points in which a request ran, evenly by time, each share rounded down; the last one gets the rest.
POINTS = """
    with text as (select unnest(string_split(content, chr(10))) as line from read_text($file)),
    lines as ({lines}),
    requests as (select row_number() over () as id, if(host in (select unnest($domains)), host, '(other)') as host, ended, ran, bytes,
                 (ended - ran) // 300000 as first, greatest(ended - least(ran, 1), 0) // 300000 as last from lines),
    parts as (select *, unnest(range(first, last + 1)) as point from requests),
    shares as (select *, if(point < last, bytes::hugeint * ((point + 1) * 300000 - greatest(ended - ran, point * 300000)) // ran, 0) as share
               from parts),
    whole as (select *, if(point < last, share, bytes - sum(share) over (partition by id)) as sent from shares)
    select host, point * 300 as start, sum(sent)::bigint as bytes, count(*) filter (where point = last) as requests
    from whole group by all order by all
"""


def main(form: str, file: str, domains: list[str]) -> None:
    found: dict[str, dict] = {}
    query = POINTS.replace("{lines}", LINES[form])
    rows = duckdb.execute(query, {"file": file, "domains": domains}).fetchall()
    for host, start, sent, requests in rows:
        sums = found.setdefault(host, {"bytes": 0, "requests": 0, "points": {}})
        sums["bytes"] += sent
        sums["requests"] += requests
        sums["points"][start] = sent
    print(json.dumps(found))


main(sys.argv[1], sys.argv[2], sys.argv[3:])
