#!/bin/bash
# Tries the workflow in a real n8n: changes a status, and looks whether each team member who is online was told, once.
set -euo pipefail

usage() {
    cat <<'TEXT'
usage: examples/n8n/try.sh

Imports workflow.json into an n8n of its own (a temporary folder, on loopback), lets people come, go and hide, and compares the
table of notifications. Needs the rights of a superuser in a server that has presence preloaded; PGHOST, PGPORT, PGUSER and
PGPASSWORD say where. Makes the database presence_n8n_try and the role n8n there, and drops them.

  N8N        the n8n to run: node_modules/.bin/n8n here, after `npm install` in this folder (1.6 GB)
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
[ -x "$n8n" ] || { echo "$n8n is not there: npm install in $here, or say N8N=" >&2; exit 2; }
folder=$(mktemp -d)
server=

sql() {
    psql -XAtq -v ON_ERROR_STOP=1 -d "${database:-postgres}" "$@"
}

cleanup() {
    if [ -n "$server" ]; then
        kill "$server" && wait "$server" || true
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

# What was told so far, oldest first.
told() {
    sql -c "SELECT string_agg(kind || ' ' || recipient, ', ' ORDER BY seq, recipient) FROM notifications"
}

expect() {
    local name=$1 wanted=$2 i
    for ((i = 0; i < 60; i++)); do
        [ "$(told)" = "$wanted" ] && break
        sleep 0.5
    done
    sleep 2
    if [ "$(told)" != "$wanted" ]; then
        printf 'not ok - %s\n  wanted: %s\n  told:   %s\n' "$name" "$wanted" "$(told)"
        return 1
    fi
    printf 'ok - %s\n' "$name"
}

# ---- a database with people, and an n8n ------------------------------------------------------------------------------

sql -c 'CREATE ROLE n8n'                                # fails when it is there: then it is not ours to drop
sql -c 'DROP ROLE n8n'
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
export N8N_USER_FOLDER=$folder N8N_LISTEN_ADDRESS=127.0.0.1 N8N_PORT=${N8N_PORT:-5690} N8N_RUNNERS_ENABLED=true \
    N8N_DIAGNOSTICS_ENABLED=false N8N_VERSION_NOTIFICATIONS_ENABLED=false N8N_TEMPLATES_ENABLED=false \
    N8N_PERSONALIZATION_ENABLED=false N8N_LICENSE_AUTO_RENEW_ENABLED=false N8N_COMMUNITY_PACKAGES_ENABLED=false
export N8N_RUNNERS_BROKER_PORT=$((N8N_PORT + 1))
"$n8n" import:credentials --input="$folder/credentials.json" >"$folder/n8n.log" 2>&1
"$n8n" import:workflow --input="$here/workflow.json" >>"$folder/n8n.log" 2>&1
"$n8n" start >>"$folder/n8n.log" 2>&1 &
server=$!

# Activates as the editor does: a workflow that was imported has no version yet that `n8n update:workflow --active` could take.
rest() {
    curl -sSf -b "$folder/cookies" -c "$folder/cookies" -H 'content-type: application/json' -o /dev/null "$@"
}
for ((i = 0; i < 120; i++)); do
    rest "http://127.0.0.1:$N8N_PORT/rest/settings" 2>/dev/null && break
    sleep 1
done
rest -d "{\"email\": \"try@example.com\", \"firstName\": \"T\", \"lastName\": \"T\", \"password\": \"A1$password\"}" http://127.0.0.1:$N8N_PORT/rest/owner/setup
sed 's/"active": false/"active": true/; s/"versionId": ".*"/"versionId": ""/' "$here/workflow.json" |
    rest -X PATCH -d @- http://127.0.0.1:$N8N_PORT/rest/workflows/smartpresence0001

listening="SELECT count(*) > 0 FROM pg_stat_activity WHERE usename = 'n8n' AND query = 'LISTEN global_presence'"
wait_until 120 "$listening"

# ---- what it does ----------------------------------------------------------------------------------------------------

sql -c "SELECT presence.presence_touch(u) FROM unnest('{ben,cleo,eve}'::text[]) AS u" >/dev/null
sleep 3
sql -c 'TRUNCATE notifications'                         # of their own coming

sql -c "SELECT presence.presence_touch('ann')" >/dev/null
expect 'ann comes: each who is online is told once, whatever teams they share; dan is offline' \
    'came_online ben, came_online cleo, came_online eve'

sql -c "SELECT presence.presence_block('ann', 'ben')" -c "SELECT presence.presence_set_status('cleo', 'away')" \
    -c 'SELECT pg_sleep(2)' -c 'TRUNCATE notifications' -c "SELECT presence.presence_set_status('eve', 'busy')" >/dev/null
expect 'eve is busy: told to her team' 'became_busy ann, became_busy ben'
sleep 3
sql -c "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename='n8n'"
sql -c "SELECT presence.presence_set_status('eve', 'online')"
sleep 100
told
sql -c "select pid, query from pg_stat_activity where usename='n8n'"
