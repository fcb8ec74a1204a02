#!/bin/bash
# Tries the workflow in a real n8n: changes a status, and looks whether each team member who is online was told, once.
set -euo pipefail

usage() {
    cat <<'TEXT'
usage: examples/n8n/try.sh

Imports workflow.json into an n8n of its own (a temporary folder, on loopback), lets people come, go and hide, and compares the
table of notifications. Needs the rights of a superuser in a server that has presence preloaded; PGHOST, PGPORT, PGUSER and
PGPASSWORD say where. Makes the database presence_n8n_try and the role n8n there, and drops them.

  N8N        the n8n to run: node_modules/.bin/n8n here, after `npm install --no-package-lock` there (1.6 GB)
  N8N_PORT   5690; the port after it is taken, too
TEXT
}

if [ $# -gt 0 ]; then
    usage
    [ "$1" = --help ] && exit 0
    exit 2
fi

here=$(cd "$(dirname "$0")" && pwd)
n8n=${N8N:-$here/node_modules/.bin/n8n}
[ -x "$n8n" ] || { echo "$n8n is not there: npm install --no-package-lock in $here, or say N8N=" >&2; exit 2; }
export N8N_PORT=${N8N_PORT:-5690}
server=

sql() {
    psql -XAtq -v ON_ERROR_STOP=1 -d "${database:-postgres}" "$@"
}

cleanup() {
    if [ -n "$server" ]; then
        kill "$server" || true
        wait "$server" || true
    fi
    database=postgres
    sql -c 'DROP DATABASE IF EXISTS presence_n8n_try WITH (FORCE)' -c 'DROP ROLE IF EXISTS n8n' || true
    rm -rf "$folder"
}

# Fails after so many seconds in which the statement has not been true.
wait_until() {
    local seconds=$1 statement=$2 i
    for ((i = 0; i < seconds * 2; i++)); do
        [ "$(sql -c "$statement")" = t ] && return
        sleep 0.5
    done
    echo "not within $seconds s: $statement" >&2
    tail -n 20 "$folder/n8n.log" >&2
    return 1
}

# What has been told, and to whom.
told() {
    sql -c "SELECT string_agg(kind || ' ' || recipient, ', ' ORDER BY kind, recipient) FROM notifications"
}

# Forgets what was told, makes a change, and looks after it whom it was told to: within so many seconds, and nothing in the three after that.
scenario() {
    local name=$1 seconds=$2 change=$3 wanted=$4 i
    sql -c 'TRUNCATE notifications' -c "$change" >/dev/null
    for ((i = 0; i < seconds * 2; i++)); do
        [ "$(told)" = "$wanted" ] && break
        sleep 0.5
    done
    sleep 3
    if [ "$(told)" != "$wanted" ]; then
        printf 'not ok - %s\n  wanted: %s\n  told:   %s\n' "$name" "$wanted" "$(told)"
        exit 1
    fi
    printf 'ok - %s: %s\n' "$name" "${wanted:-nobody is told}"
}

# ---- a database with people, and an n8n ------------------------------------------------------------------------------

if [ "$(sql -c "SELECT count(*) FROM pg_roles WHERE rolname = 'n8n'")" != 0 ]; then
    echo 'the role n8n is there already: take a server for tests' >&2
    exit 2
fi
if (: >"/dev/tcp/127.0.0.1/$N8N_PORT") 2>/dev/null; then
    echo "port $N8N_PORT is taken: say N8N_PORT=" >&2
    exit 2
fi
folder=$(mktemp -d)
trap cleanup EXIT
password=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
sql -c 'CREATE DATABASE presence_n8n_try'
database=presence_n8n_try
sql -c 'CREATE SCHEMA presence' -c 'CREATE EXTENSION presence SCHEMA presence' -f "$here/setup.sql" -c "ALTER ROLE n8n PASSWORD '$password'" >/dev/null
sql -c "INSERT INTO team_members VALUES ('red', 'ann', 'Ann', NULL), ('red', 'ben', 'Ben', NULL), ('red', 'cleo', 'Cleo', NULL),
                                        ('red', 'dan', 'Dan', NULL), ('blue', 'ann', 'Ann', NULL), ('blue', 'ben', 'Ben', NULL), ('blue', 'eve', 'Eve', NULL)"

cat >"$folder/credentials.json" <<JSON
[{"id": "presencepostgres", "name": "presence", "type": "postgres", "data": {
  "host": "${PGHOST:-/var/run/postgresql}", "port": ${PGPORT:-5432}, "database": "presence_n8n_try", "user": "n8n", "password": "$password", "ssl": "disable"}}]
JSON
# Nothing that looks for updates, templates or licences outside.
export N8N_USER_FOLDER=$folder N8N_LISTEN_ADDRESS=127.0.0.1 N8N_RUNNERS_ENABLED=true \
    N8N_DIAGNOSTICS_ENABLED=false N8N_VERSION_NOTIFICATIONS_ENABLED=false N8N_TEMPLATES_ENABLED=false \
    N8N_PERSONALIZATION_ENABLED=false N8N_LICENSE_AUTO_RENEW_ENABLED=false N8N_COMMUNITY_PACKAGES_ENABLED=false
export N8N_RUNNERS_BROKER_PORT=$((N8N_PORT + 1))
address=http://127.0.0.1:$N8N_PORT
"$n8n" import:credentials --input="$folder/credentials.json" >"$folder/n8n.log" 2>&1
"$n8n" import:workflow --input="$here/workflow.json" >>"$folder/n8n.log" 2>&1
"$n8n" start >>"$folder/n8n.log" 2>&1 &
server=$!

# Activates as the editor does: a workflow that was imported has no version yet that `n8n update:workflow --active` could take.
rest() {
    curl -sSf -b "$folder/cookies" -c "$folder/cookies" -H 'content-type: application/json' -o /dev/null "$@"
}
until rest "$address/rest/settings" 2>/dev/null; do
    kill -0 "$server" 2>/dev/null || { tail -n 20 "$folder/n8n.log" >&2; exit 1; }
    sleep 1
done
rest -d "{\"email\": \"try@example.com\", \"firstName\": \"T\", \"lastName\": \"T\", \"password\": \"A1$password\"}" "$address/rest/owner/setup"
sed 's/"active": false/"active": true/; s/"versionId": ".*"/"versionId": ""/' "$here/workflow.json" |
    rest -X PATCH -d @- "$address/rest/workflows/smartpresence0001"

wait_until 60 "SELECT count(*) > 0 FROM pg_stat_activity WHERE usename = 'n8n' AND query = 'LISTEN global_presence'"

# ---- what it does ----------------------------------------------------------------------------------------------------

sql -c "SELECT presence.presence_touch(u) FROM unnest('{ben,cleo,eve}'::text[]) AS u" -c 'SELECT pg_sleep(3)' >/dev/null
scenario 'ann comes: each who is online and in a team with her, once; not dan, who is offline' 30 \
    "SELECT presence.presence_touch('ann')" \
    'came_online ben, came_online cleo, came_online eve'
scenario 'eve is busy: who is in her team' 30 \
    "SELECT presence.presence_set_status('eve', 'busy')" \
    'became_busy ann, became_busy ben'
scenario 'ann hides from everybody' 0 \
    "SELECT presence.presence_set_visibility('ann', 'nobody')" \
    ''
scenario 'cleo goes, and ben, who is busy, is not disturbed; ann hears of it, though she hides' 30 \
    "SELECT presence.presence_set_status('ben', 'busy'), presence.presence_logout('cleo')" \
    'became_busy ann, went_offline ann'

# n8n does not notice that the connection which listens is gone. What it looks up every minute goes on.
sql -c "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'n8n'" >/dev/null
scenario 'the connection is cut: looked up within a minute' 75 \
    "SELECT presence.presence_set_status('ben', 'online')" \
    'back ann'

# A new epoch, as after a restart: nobody knows what was missed, and it goes on from there.
sql -c 'SELECT presence.presence_reset()' >/dev/null
wait_until 75 'SELECT p.epoch = i.epoch FROM notification_position p, presence.presence_info() i'
scenario 'after a restart of the server it goes on from there' 75 \
    "SELECT presence.presence_touch('ben'), presence.presence_touch('ann')" \
    'came_online ann, came_online ben'
