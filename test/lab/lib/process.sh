# shellcheck shell=bash
# Daemons of the lab: each in its own control group, its pid and start time in a file, its output in a log.

# process_start NAME CGROUP COMMAND...
process_start() {
  local name=$1 group=$2
  shift 2
  process_alive "$name" && return 0
  cgroup_make "$group"
  (
    cgroup_enter "$group"
    exec 9>&-
    exec setsid nohup "$@" >>"$LOGS/$name.log" 2>&1 </dev/null
  ) &
  process_mark "$name" $!
}

# A pid alone may have been given to a stranger since: its start time goes with it.
process_mark() { echo "$2 $(process_born "$2")" >"$RUN/$1.pid"; }
process_born() { sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | cut -d' ' -f20; }
process_pid() { local pid _; read -r pid _ 2>/dev/null <"$RUN/$1.pid" && echo "$pid"; }

process_alive() {
  local pid born
  { read -r pid born <"$RUN/$1.pid"; } 2>/dev/null || return 1
  [ -n "$born" ] && [ "$(process_born "$pid")" = "$born" ] && ! grep -q '^State:.Z' "/proc/$pid/status" 2>/dev/null
}

# process_stop NAME [SIGNAL]: ask, wait up to 10 s, then SIGKILL.
process_stop() {
  local pid try
  if process_alive "$1"; then
    pid=$(process_pid "$1")
    kill "-${2:-TERM}" "$pid" 2>/dev/null || true
    kill -CONT "$pid" 2>/dev/null || true
    for ((try = 0; try < 100; try++)); do process_alive "$1" || break; sleep 0.1; done
    ! process_alive "$1" || kill -KILL "$pid"
  fi
  rm -f "$RUN/$1.pid"
}
