#!/usr/bin/env bash
# with-postgres.sh [--durable] COMMAND…: runs a command beside a private, empty PostgreSQL, named in CALLSHEET_TEST_POSTGRES_URL.
# The cluster lies in a temporary folder and listens on a socket there only: no port, nobody else, nothing left behind.
#   --durable        it keeps what it has committed through a crash; its folder is in CALLSHEET_TEST_POSTGRES_CLUSTER
#   --crash FOLDER   crashes such a cluster …
#   --start FOLDER   … and brings it back
set -euo pipefail

if command -v initdb >/dev/null; then
  programs="$(dirname "$(command -v initdb)")"
else # Debian keeps them off the PATH
  programs="$(find /usr/lib/postgresql -path '*/bin/initdb' -printf '%h\n' 2>/dev/null | sort -V | tail -n 1)"
fi
[ -n "$programs" ] || {
  echo "Cannot go on: PostgreSQL (initdb) is missing." >&2
  exit 1
}

# PostgreSQL refuses to run as root: then the user that its package made owns the cluster.
as_owner() (
  cd "$cluster"
  if [ "$(id -u)" -eq 0 ]; then
    exec runuser -u postgres -- "$@"
  else
    exec "$@"
  fi
)

crash() {
  as_owner "$programs/pg_ctl" stop --silent --mode immediate --pgdata "$cluster/data"
}

start() {
  as_owner "$programs/pg_ctl" start --silent --wait --pgdata "$cluster/data" --log "$cluster/server.log" || {
    as_owner cat "$cluster/server.log" >&2
    exit 1
  }
}

durable=
case "${1-}" in
  --crash | --start)
    cluster="$2"
    "${1#--}"
    exit
    ;;
  --durable)
    durable=1
    shift
    ;;
esac

cluster="$(mktemp -d "${TMPDIR:-/tmp}/callsheet-postgres.XXXXXX")"

clean_up() {
  if [ -e "$cluster/data/postmaster.pid" ]; then
    crash || true
  fi
  rm -rf "$cluster"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

if [ "$(id -u)" -eq 0 ]; then
  chown postgres "$cluster"
fi
as_owner "$programs/initdb" --pgdata "$cluster/data" --username callsheet --auth trust --encoding UTF8 --no-locale --no-sync \
  >"$cluster/initdb.log" 2>&1 || {
  cat "$cluster/initdb.log" >&2
  exit 1
}
cat >>"$cluster/data/postgresql.conf" <<END
unix_socket_directories = '$cluster'
listen_addresses = ''
max_connections = 200
END
if [ "$durable" ]; then
  export CALLSHEET_TEST_POSTGRES_CLUSTER="$cluster"
else # Nothing here outlives the tests, so nothing waits for the disk.
  cat >>"$cluster/data/postgresql.conf" <<END
fsync = off
full_page_writes = off
synchronous_commit = off
END
fi
start

export CALLSHEET_TEST_POSTGRES_URL="postgres://callsheet@localhost/postgres?host=$cluster"
"$@"
