// PID 1 of the haproxy container: the kubelet waits ever longer before it starts a container anew, a standby that is hot cannot.
import { RUN_DIR } from '../shared/pods.ts';
import { CONTAINER_PORTS, PATHS } from './config.ts';

/**
 * Starts HAProxy, starts it anew as soon as it has ended, and kills one that no longer answers.
 * SIGTERM and SIGUSR1 alike let it end what is under way, for `hard-stop-after` at most.
 */
export const SUPERVISOR_SCRIPT = `#!/bin/bash
# PID 1 of the haproxy container. A HAProxy that ends is followed by another at once, one that hangs is killed: the other balancer
# has taken the Web IP long before, and is alone until this one is back.
set -u

HAPROXY=${PATHS.binary}
CONFIG=${PATHS.config}
RUN=${RUN_DIR}
STATUS=${CONTAINER_PORTS.status}
SILENCES=3   # questions in a row without an answer: a hang of nine seconds
ANSWER_S=2
LIVED_S=10   # who lived for less is tried again more slowly
PAUSE_MAX=50 # tenths of a second

say() { printf 'supervisor: %s\\n' "$*" >&2; }

# Nobody ever writes there: a wait without a process of its own.
exec {quiet}<> <(:)
rest() { read -r -t "$1" -u "$quiet" _ || :; }

# It takes a connection and says nothing. One that takes none is starting or ending.
silent() {
  local connection line=''
  exec {connection}<>"/dev/tcp/127.0.0.1/$STATUS" || return 1
  printf 'GET /healthz HTTP/1.0\\r\\n\\r\\n' >&"$connection"
  read -r -t "$ANSWER_S" -u "$connection" line || :
  exec {connection}>&-
  [ -z "$line" ]
} 2>/dev/null

# Ends with the process it watches.
watch() {
  local silences=0
  trap '' PIPE
  while kill -0 "$1" 2>/dev/null; do
    if silent; then ((silences += 1)); else silences=0; fi
    if ((silences >= SILENCES)); then
      say 'killing HAProxy: it does not answer'
      kill -KILL "$1"
      return
    fi
    rest 1
  done
}

ending=0 pid='' pause=2
end() {
  ending=1
  [ -z "$pid" ] || kill -USR1 "$pid" 2>/dev/null
  # A read that a trap interrupts goes on without its time limit: the line ends it.
  echo >&"$quiet"
}
trap end TERM INT USR1

while ((!ending)); do
  began=$EPOCHSECONDS
  "$HAPROXY" -db -f "$CONFIG/haproxy.cfg" -f "$RUN/workers.cfg" &
  pid=$!
  ((!ending)) || end
  watch "$pid" &
  watcher=$!
  # A signal ends the wait before HAProxy has ended.
  while wait "$pid"; status=$?; kill -0 "$pid" 2>/dev/null; do :; done
  pid=''
  kill "$watcher" 2>/dev/null
  wait "$watcher" 2>/dev/null
  ((!ending)) || break
  say "HAProxy ended with status $status"
  if ((EPOCHSECONDS - began >= LIVED_S)); then pause=2; else pause=$((pause * 2 < PAUSE_MAX ? pause * 2 : PAUSE_MAX)); fi
  rest "$((pause / 10)).$((pause % 10))"
done
`;
