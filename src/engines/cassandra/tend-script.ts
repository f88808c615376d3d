// What the operator has done inside a member's pod: the few things that only nodetool can. The only script it may run there
// (the chart's admission policy), so each verb can be repeated and none waits: long work goes on in the pod.
import { DATA_DIR } from './config.ts';
import { CONFIG_MOUNT, JOINED_MARKER, LEFT_MARKER } from './start-script.ts';

export const TEND_COMMAND = ['/bin/bash', `${CONFIG_MOUNT}/tend.sh`] as const;

/**
 * - `status`: the ring as this member sees it, by `nodetool status`.
 * - `leave`: begins the decommission, or says how far it is: `LEAVING`, `LEFT`, `FAILED`. Only when the data has left (C1) does
 *   the member's marker change, so that a later member of this name starts empty.
 * - `task cleanup|repair ID`: begins the task, or says how far it is: `RUNNING`, `DONE`, `FAILED` and the last lines of its log. A
 *   failed task begins anew with the next call.
 */
export const TEND_SCRIPT = `#!/bin/bash
set -euo pipefail

logs=/tmp/tend

# Not by a signal: Java, as the first process of the container, leaves those that have ended as zombies.
running() {
  [[ ! -e $logs/$1.rc && -e $logs/$1.pid ]] && grep -q '^State:[[:space:]]*[^ZX]' "/proc/$(cat "$logs/$1.pid")/status" 2>/dev/null
}

# start NAME COMMAND...: outlives this call; its exit code is left in NAME.rc.
start() {
  local name=$1
  shift
  mkdir -p "$logs"
  rm -f "$logs/$name.rc"
  setsid bash -c 'code=0; "$@" >"$0.log" 2>&1 || code=$?; echo $code >"$0.rc"' "$logs/$name" "$@" </dev/null >/dev/null 2>&1 &
  echo $! >"$logs/$name.pid"
}

# Says how it failed, and forgets it.
failed() {
  echo FAILED
  tail -n 3 "$logs/$1.log" 2>/dev/null || true
  rm -f "$logs/$1.rc"
}

leave() {
  local mode
  # Asked without a Java machine of its own while the decommission's client waits for its end.
  if running leave; then
    echo LEAVING
    return
  fi
  mode=$(nodetool netstats | sed -n 's/^Mode: //p')
  case $mode in
    DECOMMISSIONED)
      [[ ! -e ${JOINED_MARKER} ]] || { mv ${JOINED_MARKER} ${LEFT_MARKER}; sync ${DATA_DIR}; }
      echo LEFT
      ;;
    LEAVING) echo LEAVING ;;
    *)
      if [[ -e $logs/leave.rc ]]; then
        failed leave
      else
        start leave nodetool decommission
        echo LEAVING
      fi
      ;;
  esac
}

task() {
  local name=$1-$2
  if [[ -e $logs/$name.rc ]]; then
    if [[ $(cat "$logs/$name.rc") == 0 ]]; then echo DONE; else failed "$name"; fi
  elif running "$name"; then
    echo RUNNING
  else
    case $1 in
      # One table at a time: the disk is the clients' first.
      cleanup) start "$name" nodetool cleanup -j 1 ;;
      # Each member its own primary ranges: together the members repair each range once. Bounded, below the weekly turn.
      repair) start "$name" timeout 12h nodetool repair -pr --full ;;
      *) exit 2 ;;
    esac
    echo RUNNING
  fi
}

case $1 in
  status) nodetool status ;;
  leave) leave ;;
  task) task "$2" "$3" ;;
  *) exit 2 ;;
esac
`;
