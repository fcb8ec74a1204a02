# shellcheck shell=bash
# What scripts/check and scripts/demo share: missing packages, out-of-tree builds, private PostgreSQL trees and temporary
# servers. Nothing here writes to the system's PostgreSQL or to a cluster that was there before. Sourced, never run.

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
BUILD=${PRESENCE_BUILD:-$ROOT/build}
JOBS=$(nproc 2>/dev/null || echo 2)
WORK=
CHILDREN=()
SERVERS=()

# A connection setting of the caller must not lead a test to the caller's own server.
for variable in ${!PG@}; do
    [[ $variable == PG_CONFIG ]] || unset "$variable"
done
unset variable
export LC_ALL=C.UTF-8

say() { printf '%s\n' "$*"; }

# Says what the command behind the text does, runs it, and says how long it took.
step() {
    local text=$1 start=$SECONDS
    shift
    say "$text ..."
    "$@"
    ((SECONDS - start < 2)) || say "$text took $((SECONDS - start)) s"
}

die() {
    printf '%s: %s\n' "$(basename "$0")" "$*" >&2
    exit 1
}

# ---- packages -------------------------------------------------------------------------------------------------------

as_root() {
    if [[ $EUID -eq 0 ]]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        die "not root and there is no sudo; please run as root: $*"
    fi
}

installed() {
    [[ $(dpkg-query -W -f '${db:Status-Status}\n' "$1" 2>/dev/null | head -n 1) == installed ]]
}

update_packages() { as_root apt-get -q -y -o DPkg::Lock::Timeout=300 update; }

is_offered() { [[ -n $(apt-cache show --no-all-versions "$1" 2>/dev/null) ]]; }

# Whether the distribution has a package.
offers() {
    command -v apt-cache >/dev/null || return
    is_offered "$1" || { update_packages && is_offered "$1"; }
}

# Installs what is missing. Each argument is a package; `command:package` is content with a command that is there
# already, and `one|other` takes the first that the distribution has.
need_packages() {
    local want package missing=()
    if ! command -v dpkg-query >/dev/null; then
        say "This is neither Debian nor Ubuntu: taking the packages for installed."
        return
    fi
    for want in "$@"; do
        if [[ $want == *:* ]]; then
            command -v "${want%%:*}" >/dev/null && continue
            want=${want#*:}
        fi
        for package in ${want//|/ }; do
            installed "$package" && continue 2
        done
        missing+=("$want")
    done
    [[ ${#missing[@]} -gt 0 ]] || return 0

    say "Installing with apt: ${missing[*]}"
    keep_clusters_away
    update_packages
    local chosen=()
    for want in "${missing[@]}"; do
        for package in ${want//|/ }; do
            if is_offered "$package"; then
                chosen+=("$package")
                continue 2
            fi
        done
        die "no package found for $want"
    done
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=300 \
        -o Dpkg::Options::=--force-confold install --no-install-recommends "${chosen[@]}" </dev/null
}

# The server package of Debian would make and start a cluster of its own: say no before it is installed.
keep_clusters_away() {
    local file=/etc/postgresql-common/createcluster.conf
    if [[ -e $file ]] || installed postgresql-common; then
        return
    fi
    as_root mkdir -p "$(dirname "$file")"
    printf '%s\n' '# Written by a test script before PostgreSQL was installed: no cluster of its own.' \
        'create_main_cluster = false' | as_root tee "$file" >/dev/null
}

# ---- PostgreSQL -----------------------------------------------------------------------------------------------------

# Sets PG_CONFIG, PG_BIN, PG_SHARE and PGXS_TEST: the newest packaged server, or the one that PG_CONFIG names.
find_postgres() {
    if [[ -z ${PG_CONFIG:-} ]]; then
        local bin
        bin=$(newest_server)
        if [[ -z $bin ]]; then
            need_packages postgresql
            bin=$(newest_server)
        fi
        [[ -n $bin ]] || die "no PostgreSQL server found; PG_CONFIG can name one"
        local version
        version=$(basename "$(dirname "$bin")")
        need_packages "postgresql-server-dev-$version"
        PG_CONFIG=$bin/pg_config
    fi
    export PG_CONFIG
    PG_BIN=$("$PG_CONFIG" --bindir)
    PG_LIB=$("$PG_CONFIG" --pkglibdir)
    PG_SHARE=$("$PG_CONFIG" --sharedir)
    # shellcheck disable=SC2034  # scripts/check
    PGXS_TEST=$(dirname "$("$PG_CONFIG" --pgxs)")/../test
    find_user
}

newest_server() {
    local server newest=
    while read -r server; do
        newest=$(dirname "$server")
    done < <(compgen -G '/usr/lib/postgresql/*/bin/postgres' | sort -V)
    printf '%s' "$newest"
}

# PostgreSQL refuses to run as root, so root steps down to SERVER_USER; everybody else stays who they are.
find_user() {
    SERVER_USER=
    if [[ $EUID -eq 0 ]]; then
        SERVER_USER=postgres
        id -u "$SERVER_USER" >/dev/null 2>&1 || SERVER_USER=nobody
    fi
}

# Runs a command as the user who owns the servers, from a directory that this user can read.
as_server() { (become_server "$@"); }

# The same in place of this process, so that a signal reaches the command itself.
become_server() {
    cd "$WORK" || exit
    if [[ -n $SERVER_USER ]]; then
        HOME=$WORK exec setpriv --reuid="$SERVER_USER" --regid="$(id -g "$SERVER_USER")" --init-groups -- "$@"
    fi
    exec "$@"
}

# Hands files over to the user who owns the servers.
give_to_server() {
    if [[ -n $SERVER_USER ]]; then
        chown -R "$SERVER_USER:$(id -gn "$SERVER_USER")" "$@"
    fi
}

# Makes WORK, the place of everything temporary. It goes away at the end, and its servers before it; a function
# `before_removal` that a script has can keep something of it. In /tmp where the
# caller's own place will not do: another user must reach it, and a socket's path has at most 107 bytes.
make_work() {
    local place=${TMPDIR:-/tmp}
    if [[ -n $SERVER_USER || ${#place} -gt 40 ]]; then
        place=/tmp
    fi
    WORK=$(mktemp -d "$place/presence.XXXXXX")
    give_to_server "$WORK"
    trap clean_up EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM HUP
}

clean_up() {
    local status=$? name
    trap - EXIT
    trap '' INT TERM HUP
    set +e
    if [[ ${#CHILDREN[@]} -gt 0 ]]; then
        kill "${CHILDREN[@]}" 2>/dev/null
        wait "${CHILDREN[@]}"
    fi
    for name in "${SERVERS[@]}"; do
        as_server "$PG_BIN/pg_ctl" -D "$WORK/$name/data" -m immediate -w stop >/dev/null 2>&1
    done
    if declare -F before_removal >/dev/null; then
        before_removal
    fi
    if [[ -n ${KEEP:-} ]]; then
        say "Kept: $WORK"
    else
        rm -rf "$WORK"
    fi
    exit "$status"
}

# Runs a command that a signal to this script ends too. Bash would let it come to its own end first.
run_child() {
    local status=0
    start_child "$@"
    wait "${CHILDREN[-1]}" || status=$?
    unset 'CHILDREN[-1]'
    return "$status"
}

# Runs a command beside this script, until its end at the latest.
start_child() {
    "$@" &
    CHILDREN+=($!)
}

# ---- building -------------------------------------------------------------------------------------------------------

# Copies the work tree (tracked and new files, not the ignored ones) to $1 with its times, so that builds with different
# settings never share an object file and a second build has little to do. Files that are gone are removed there too.
export_sources() {
    local to=$1
    mkdir -p "$to" || die "cannot write to $to; PRESENCE_BUILD can name another place"
    list_sources >"$to/.sources.new"
    if [[ -f $to/.sources ]]; then
        comm -z -23 "$to/.sources" "$to/.sources.new" | (cd "$to" && xargs -0 -r rm -f --)
    fi
    tar -C "$ROOT" --null --no-recursion -T "$to/.sources.new" -cf - | tar -C "$to" --no-same-owner -xf -
    mv "$to/.sources.new" "$to/.sources"
}

list_sources() {
    (
        cd "$ROOT" || exit
        if git -c safe.directory='*' rev-parse --git-dir >/dev/null 2>&1; then
            git -c safe.directory='*' ls-files -z -co --exclude-standard
        else
            find . \( -name .git -o -path ./build -o -name node_modules \) -prune -o -type f -printf '%P\0'
        fi | while IFS= read -r -d '' file; do
            [[ ! -f $file ]] || printf '%s\0' "$file"
        done
    ) | sort -z
}

# Builds the extension in $BUILD/$1 with the make arguments that follow; quiet unless it fails.
build_extension() {
    local name=$1
    shift
    export_sources "$BUILD/$name"
    quietly "$BUILD/$name.log" make -C "$BUILD/$name" -j"$JOBS" PG_CONFIG="$PG_CONFIG" "$@"
}

# Builds the programs that speak to a server in $BUILD/tools, with options for CMake.
build_tools() {
    quietly "$BUILD/tools.log" cmake -S "$ROOT" -B "$BUILD/tools" -DCMAKE_BUILD_TYPE=Release -DPRESENCE_TOOLS=ON "$@" &&
        quietly "$BUILD/tools.log" cmake --build "$BUILD/tools" -j "$JOBS" --target presence_tools
}

# Copies the sources to $BUILD/js and installs there what the packages in the directories given need, in this order. The
# page finds the client, and the client's compiled modules, beside it.
build_javascript() {
    local directory place
    export_sources "$BUILD/js"
    for directory in "$@"; do
        place=$BUILD/js/$directory
        cmp -s "$place/package-lock.json" "$place/node_modules/.installed" ||
            quietly "$BUILD/js.log" npm --prefix "$place" --no-audit --no-fund ci || return
        cp "$place/package-lock.json" "$place/node_modules/.installed"
    done
    quietly "$BUILD/js.log" npm --prefix "$BUILD/js/clients/js" run build
}

# Runs a command with its output in a file, which is shown when it fails.
quietly() {
    local log=$1
    shift
    mkdir -p "$(dirname "$log")"
    if ! "$@" >"$log" 2>&1 </dev/null; then
        say "failed: $*" >&2
        tail -n 60 "$log" >&2
        return 1
    fi
}

# ---- private trees and servers --------------------------------------------------------------------------------------

# Makes a whole installation of PostgreSQL below $WORK/tree-$1, with the extension built in $BUILD/$1 and the make
# arguments that follow. The server finds its files relative to its own program, so a copy in the same layout is complete.
make_private_tree() {
    local name=$1 tree=$WORK/tree-$1 path
    shift
    for path in "$PG_BIN" "$PG_LIB" "$PG_SHARE"; do
        mkdir -p "$tree$(dirname "$path")"
        if [[ ! -d $tree$path ]]; then
            tar -C / --exclude='*.a' --exclude='pgxs/*' --exclude='man/*' -chf - "${path#/}" | tar -C "$tree" -xf -
        fi
    done
    quietly "$BUILD/$name-install.log" make -C "$BUILD/$name" PG_CONFIG="$PG_CONFIG" DESTDIR="$tree" "$@" install
    give_to_server "$tree"
}

# The directory of the programs in a private tree.
tree_bin() { printf '%s' "$WORK/tree-$1$PG_BIN"; }

# Starts a server $1 from the private tree $2 with the settings that follow, each a line of postgresql.conf. Its socket is
# in $WORK/$1, its log is $WORK/$1/log, its superuser is postgres.
start_server() {
    local name=$1 bin
    bin=$(tree_bin "$2")
    shift 2
    as_server mkdir -p "$WORK/$name"
    as_server "$bin/initdb" -D "$WORK/$name/data" -U postgres -A trust -E UTF8 --locale=C.UTF-8 --no-sync \
        >"$WORK/$name.initdb" 2>&1 || {
        cat "$WORK/$name.initdb" >&2
        return 1
    }
    printf '%s\n' "listen_addresses = ''" "unix_socket_directories = '$WORK/$name'" \
        "shared_preload_libraries = 'presence'" "$@" | as_server tee -a "$WORK/$name/data/postgresql.conf" >/dev/null
    SERVERS+=("$name")
    as_server "$bin/pg_ctl" -D "$WORK/$name/data" -l "$WORK/$name/log" -w -t 60 start >"$WORK/$name.start" 2>&1 || {
        cat "$WORK/$name.start" "$WORK/$name/log" >&2
        return 1
    }
}

stop_server() {
    # Who does not listen is not asked twice.
    as_server "$PG_BIN/pg_ctl" -D "$WORK/$1/data" -m fast -w stop >/dev/null ||
        as_server "$PG_BIN/pg_ctl" -D "$WORK/$1/data" -m immediate -w stop >/dev/null
    local name kept=()
    for name in "${SERVERS[@]}"; do
        [[ $name == "$1" ]] || kept+=("$name")
    done
    SERVERS=("${kept[@]}")
}

# Runs psql against the server $1.
run_psql() {
    local name=$1
    shift
    "$PG_BIN/psql" -X -q -v ON_ERROR_STOP=1 -h "$WORK/$name" -U postgres "$@"
}
