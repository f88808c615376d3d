// PID 1 of the mysql container: a bash script, because the engine's image has nothing else. The agent's end of it is supervisor.ts.
import { RUN_DIR } from '../shared/pods.ts';

/**
 * The tick uses builtins only: a machine too busy to fork still gets its primary killed in time.
 *
 * In RUN_DIR: `state` (JSON, written here), `command` and `deadline` (written by the agent, by rename).
 */
export const SUPERVISOR_SCRIPT = `#!/bin/bash
# PID 1 of the mysql container. Runs mysqld on the data directory that the file \`current\` names, does what the agent asks
# through files, and kills mysqld once the agent's deadline has passed: a hung agent leaves no writable primary.
# The tick uses builtins only: a machine too busy to fork still gets its primary killed in time.
set -u
umask 0007

DATA=/var/lib/mysql
RUN=${RUN_DIR}
CONFIG=/etc/spacecluster
TICK=0.1
STOP_CENTIS=1000 # a clean stop may take 10 s, then SIGKILL

read -r BOOT </proc/sys/kernel/random/boot_id
# One life of this script: with the number of starts it names one run of mysqld.
LIFE=$EPOCHSECONDS
ORDINAL=\${POD_NAME##*-}

pid='' lived_since=0 not_before=0 pause=50 held=0 stopping=0 stop_by=0
job='' job_pid='' job_id='' kill_id='' done_id='' result=ok starts=0 last_exit='' current=''

say() { printf 'supervisor: %s\\n' "$*" >&2; }

# Centiseconds since boot: a clock that nobody sets, the same in every container of the machine.
clock() {
  local up _
  read -r up _ </proc/uptime
  now=$((10#\${up/./}))
}

read_current() {
  current=''
  [ ! -f "$DATA/current" ] || read -r current <"$DATA/current"
}

# For the agent: what runs, and what became of its last command.
report() {
  local phase=empty
  if [ -n "$pid" ]; then phase=running; elif ((held)); then phase=held; elif [ -n "$current" ]; then phase=stopped; fi
  printf '{"phase":"%s","datadir":"%s","run":"%s-%d","lastExit":"%s","busy":"%s","done":"%s","result":"%s"}\\n' \\
    "$phase" "$current" "$LIFE" "$starts" "$last_exit" "$job" "$done_id" "$result" >"$RUN/.state" && mv -f "$RUN/.state" "$RUN/state"
}

# Is mysqld forbidden to run? \`none\` or no file: the agent has armed nothing, so mysqld is not and will not be open.
# A deadline of another boot has passed.
overdue() {
  local boot at
  [ -f "$RUN/deadline" ] || return 1
  read -r boot at <"$RUN/deadline" || return 0
  [ "$boot" != none ] || return 1
  [ "$boot" = "$BOOT" ] && ((now < at)) && return 1
  return 0
}

armed() {
  local boot
  [ -f "$RUN/deadline" ] && read -r boot _ <"$RUN/deadline" && [ "$boot" != none ]
}

start() {
  ((starts += 1))
  lived_since=$now
  say "starting mysqld on $current"
  mysqld --defaults-file="$CONFIG/my.cnf" --datadir="$DATA/$current" --server-id="$((ORDINAL + 1))" --report-host="$POD_NAME" &
  pid=$!
  report
}

# M7: never SIGTERM to an engine that may be open; what it has flushed is recovered, what it acknowledged is safe.
kill_engine() {
  [ -n "$pid" ] || return 0
  say "killing mysqld: $1"
  kill -KILL "$pid" 2>/dev/null
}

reap() {
  if [ -n "$pid" ] && ! kill -0 "$pid" 2>/dev/null; then
    wait "$pid"
    last_exit=$?
    pid=''
    # An engine that does not come up is tried again, ever more slowly.
    if ((now - lived_since > 1000)); then pause=10; else pause=$((pause < 500 ? pause * 2 : 1000)); fi
    not_before=$((now + pause))
    say "mysqld ended with status $last_exit"
    report
  fi
  if [ -n "$job_pid" ] && ! kill -0 "$job_pid" 2>/dev/null; then
    if wait "$job_pid"; then result=ok; else result=failed; fi
    say "$job: $result"
    job='' job_pid='' done_id=$job_id
    read_current
    not_before=0
    report
  fi
}

# The switch of data directories: durable before it counts.
set_current() {
  printf '%s\\n' "$1" >"$DATA/.current" && sync "$DATA/.current" && mv -f "$DATA/.current" "$DATA/current" && sync "$DATA"
}

identify() { printf '[auto]\\nserver-uuid=%s\\n' "$2" >"$DATA/$1/auto.cnf" && sync "$DATA/$1/auto.cnf"; }

# initialize DIRECTORY UUID: a new, empty server. An empty volume alone never means that there is nothing: the agent decides.
do_initialize() {
  [ "$current" != "$1" ] || return 0
  [ -z "$current" ] || { say "refused: $current is in use"; return 1; }
  rm -rf "\${DATA:?}/$1.tmp"
  mysqld --no-defaults --initialize-insecure --datadir="$DATA/$1.tmp" --loose-innodb-numa-interleave=OFF --log-error-verbosity=1 &&
    mv "$DATA/$1.tmp" "$DATA/$1" && identify "$1" "$2" && set_current "$1"
}

# adopt DIRECTORY UUID: go on with a finished clone. The old directory stays (M9).
do_adopt() {
  [ "$current" != "$1" ] || return 0
  [ -d "$DATA/$1/mysql" ] || { say "refused: $1 is no data directory"; return 1; }
  identify "$1" "$2" && set_current "$1"
}

# save DIRECTORY GTIDS: keeps transactions that no other member has, as SQL, before their directory goes (M9).
do_save() {
  mkdir -p "$DATA/saved" &&
    mysqlbinlog --include-gtids="$2" "$DATA/$1"/binlog.[0-9]* >"$DATA/saved/$1.tmp" &&
    sync "$DATA/saved/$1.tmp" && mv -f "$DATA/saved/$1.tmp" "$DATA/saved/$1.sql"
}

do_remove() {
  [ "$current" != "$1" ] || { say "refused: $1 is in use"; return 1; }
  rm -rf "\${DATA:?}/$1" "\${DATA:?}/$1.tmp"
}

obey() {
  local id verb name rest
  [ -f "$RUN/command" ] && read -r id verb name rest <"$RUN/command" || return 0
  [ "$id" != "$done_id" ] && [ -z "$job" ] || return 0
  if [ "$verb" = kill ]; then
    # Done when it is gone: what still ends must be taken neither for running nor for the next one.
    if [ -n "$pid" ]; then
      [ "$id" = "$kill_id" ] || kill_engine 'asked by the agent'
      kill_id=$id
      return 0
    fi
    done_id=$id result=ok not_before=0
    report
    return 0
  fi
  job=$verb job_id=$id
  say "asked to $verb $name"
  if ! [[ $name =~ ^[a-z0-9-]+$ ]]; then
    (exit 1) &
  else
    case $verb in
      initialize) do_initialize "$name" "$rest" & ;;
      adopt) kill_engine 'another data directory takes its place'; do_adopt "$name" "$rest" & ;;
      save) do_save "$name" "$rest" & ;;
      remove) do_remove "$name" & ;;
      *) (exit 1) & ;;
    esac
  fi
  job_pid=$!
  report
}

# The kubelet's SIGTERM comes after the preStop hook, so after the hand-over. Where that failed the engine may still be open.
stop() {
  stop_by=$((now + STOP_CENTIS))
  if armed; then kill_engine 'told to end without a hand-over'; elif [ -n "$pid" ]; then kill -TERM "$pid" 2>/dev/null; fi
}
# A read that a trap interrupts goes on without its time limit: the line ends it.
trap 'stopping=1; echo >&3' TERM INT

rm -f "$RUN/.tick" && mkfifo "$RUN/.tick" && exec 3<>"$RUN/.tick" || exit 1
clock
read_current
report
while :; do
  clock
  reap
  if overdue; then
    if ((!held)); then held=1; kill_engine 'the deadline has passed'; report; fi
  elif ((held)); then
    held=0 not_before=0
    report
  fi
  if ((stopping)); then
    [ -n "$pid" ] || exit 0
    if ((!stop_by)); then
      stop
    elif ((now >= stop_by)); then
      kill_engine 'it does not stop'
      stop_by=$((now + STOP_CENTIS))
    fi
  else
    obey
    if [ -z "$pid" ] && [ -n "$current" ] && [ "$job" != adopt ] && ((!held && now >= not_before)); then start; fi
  fi
  read -r -t "$TICK" -u 3 _ || :
done
`;
