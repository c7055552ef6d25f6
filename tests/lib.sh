# lib.sh: what test scripts share; read it with `. tests/lib.sh` from the top of the tree.
#
# A script calls ok/not_ok/is/... for each thing it finds out and ends in `finish`. Everything it
# starts with `start` is ended at exit, whatever happens. $work is its own empty folder.
# $farspan is the program under test (FARSPAN=build/asan/farspan chooses another build).

set -u
farspan=$(realpath "${FARSPAN:-build/farspan}")
lib_name=$(basename "$0" .sh)
lib_good=0
lib_bad=0
lib_pids=
work=$(mktemp -d) || exit 1
# Where there is no runner, a script still must not touch its user's files.
: "${FARSPAN_HOME:=$work/farspan-home}"
export FARSPAN_HOME LC_ALL=C.UTF-8

# Ends what `start` started and removes $work.
lib_cleanup() {
    trap - EXIT INT TERM
    for lib_pid in $lib_pids; do
        kill "$lib_pid" 2>/dev/null
    done
    for lib_pid in $lib_pids; do
        gone "$lib_pid" 5 || kill -KILL "$lib_pid" 2>/dev/null
    done
    rm -rf "$work"
}
trap 'lib_cleanup' EXIT
trap 'lib_cleanup; exit 130' INT TERM

# ok NAME: counts a success.
ok() {
    lib_good=$((lib_good + 1))
}

# not_ok NAME [WHY]: counts a failure and says so.
not_ok() {
    lib_bad=$((lib_bad + 1))
    echo "FAIL $1: ${2-}"
}

# check NAME COMMAND...: the command must succeed.
check() {
    lib_what=$1
    shift
    if "$@"; then ok "$lib_what"; else not_ok "$lib_what" "failed: $*"; fi
}

# refuse NAME COMMAND...: the command must fail.
refuse() {
    lib_what=$1
    shift
    if "$@"; then not_ok "$lib_what" "succeeded: $*"; else ok "$lib_what"; fi
}

# is NAME GOT WANTED: two texts must be equal.
is() {
    if [ "$2" = "$3" ]; then ok "$1"; else not_ok "$1" "got '$2', wanted '$3'"; fi
}

# like NAME TEXT PATTERN: some line of the text matches the extended regular expression.
like() {
    if printf '%s\n' "$2" | grep -Eq -- "$3"; then
        ok "$1"
    else
        not_ok "$1" "'$2' is not like '$3'"
    fi
}

# exits NAME STATUS COMMAND...: the command's exit status; stdout in $work/out, stderr in $work/err.
# It may take 60 s.
exits() {
    lib_what=$1 lib_want=$2
    shift 2
    timeout 60 "$@" >"$work/out" 2>"$work/err" </dev/null
    lib_got=$?
    if [ "$lib_got" = "$lib_want" ]; then
        ok "$lib_what"
    else
        not_ok "$lib_what" "exit $lib_got, wanted $lib_want: $* : $(head -c 400 "$work/err")"
    fi
}

# start LOG COMMAND...: runs it in the background, stdout to $work/LOG, stderr to $work/LOG.err;
# its process id is in $pid. It is ended when the script ends. What an earlier one left in the log
# is gone before this returns.
start() {
    lib_log=$1
    shift
    : >"$work/$lib_log"
    "$@" >"$work/$lib_log" 2>"$work/$lib_log.err" </dev/null &
    pid=$!
    lib_pids="$lib_pids $pid"
}

# within SECONDS COMMAND...: tries until the command succeeds; fails after that time.
within() {
    lib_tries=$(($1 * 20))
    shift
    while ! "$@" >/dev/null 2>&1; do
        lib_tries=$((lib_tries - 1))
        [ "$lib_tries" -gt 0 ] || return 1
        sleep 0.05
    done
}

# gone PID SECONDS: waits for a process to end.
gone() {
    within "$2" lib_ended "$1"
}

lib_ended() {
    ! kill -0 "$1" 2>/dev/null || grep -q '^State:.Z' "/proc/$1/status" 2>/dev/null
}

# event LOG NAME [SECONDS]: waits for a JSON line of that event in $work/LOG and prints the first.
event() {
    within "${3:-20}" grep -q "\"event\":\"$2\"" "$work/$1" || return 1
    grep -m 1 "\"event\":\"$2\"" "$work/$1"
}

# field NAME: the value of a member of the JSON object on stdin, a text without its quotes.
field() {
    python3 -c 'import json, sys
v = json.load(sys.stdin)[sys.argv[1]]
print(v if isinstance(v, str) else json.dumps(v))' "$1"
}

# x_server WIDTHxHEIGHT [OPTION...]: starts an X server of our own; sets DISPLAY. It has no
# listening port and ends with the script.
x_server() {
    lib_size=$1
    shift
    start xvfb sh -c 'exec 3>"$1"; shift; exec Xvfb -displayfd 3 "$@"' sh "$work/display" \
        -screen 0 "${lib_size}x24" -nolisten tcp -noreset "$@"
    within 20 test -s "$work/display" || { not_ok "x server" "did not start"; return 1; }
    DISPLAY=:$(cat "$work/display")
    export DISPLAY
}

# finish: prints the total, which the runner reads; the script's exit status follows from it.
finish() {
    echo "$lib_name: $lib_good passed, $lib_bad failed"
    [ "$lib_bad" = 0 ] && [ "$lib_good" != 0 ]
    exit
}
