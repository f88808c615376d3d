# shellcheck shell=bash
# Control groups: every process of the lab lives under /sclab, so that a machine's processes can be ended all at once and no others. v1 and v2.

CGROUPS=/sys/fs/cgroup
CGROUP_V1=(cpu cpuacct cpuset memory devices freezer blkio pids systemd unified)

cgroup_v2() { [ -f $CGROUPS/cgroup.controllers ]; }

# One line a hierarchy ('unified' is the v2 tree of a hybrid machine: runc uses it, too). On v1 the lists of processes are equal in all of them; pids is the one we read.
cgroup_hierarchies() {
  if cgroup_v2; then echo $CGROUPS; return; fi
  local name
  for name in "${CGROUP_V1[@]}"; do [ ! -d "$CGROUPS/$name" ] || echo "$CGROUPS/$name"; done
}
cgroup_main() { if cgroup_v2; then echo "$CGROUPS/$1"; else echo "$CGROUPS/pids/$1"; fi; }

# cgroup_make PATH (relative, below sclab): v1 wants cpuset filled in at each level, v2 wants the controllers handed down.
cgroup_make() {
  local base level part
  while read -r base; do
    level=$base
    for part in ${1//\// }; do
      if cgroup_v2; then hand_down_controllers "$level"; fi
      [ -d "$level/$part" ] || mkdir "$level/$part"
      if [ -f "$level/cpuset.cpus" ] && ! cgroup_v2; then
        cat "$level/cpuset.cpus" >"$level/$part/cpuset.cpus"
        cat "$level/cpuset.mems" >"$level/$part/cpuset.mems"
      fi
      level=$level/$part
    done
  done < <(cgroup_hierarchies)
}

hand_down_controllers() {
  local controller
  for controller in $(<"$1/cgroup.controllers"); do echo "+$controller" >"$1/cgroup.subtree_control" || true; done
}

# cgroup_weigh PATH TIMES: of a scarce processor it gets so many times what each of its siblings does.
cgroup_weigh() {
  local weight=$CGROUPS/cpu/$1/cpu.shares one=1024
  if cgroup_v2; then weight=$CGROUPS/$1/cpu.weight one=100; fi
  # A machine without the controller weighs nothing.
  [ ! -f "$weight" ] || echo $((one * $2)) >"$weight"
}

# cgroup_enter PATH: move the calling (sub)shell; what it starts stays there.
cgroup_enter() {
  local base
  while read -r base; do echo "$BASHPID" >"$base/$1/cgroup.procs"; done < <(cgroup_hierarchies)
}

cgroup_processes() { find "$(cgroup_main "$1")" -name cgroup.procs -exec cat {} + 2>/dev/null | sort -un; }

# cgroup_kill PATH: SIGKILL to all of it at one instant, as a power cut does; returns when none is left.
cgroup_kill() {
  local main pids deadline=$((SECONDS + 20))
  main=$(cgroup_main "$1")
  [ -d "$main" ] || return 0
  while pids=$(cgroup_processes "$1"); [ -n "$pids" ]; do
    if cgroup_v2; then
      echo 1 >"$main/cgroup.kill"
    else
      cgroup_freeze "$1"
      # shellcheck disable=SC2086
      kill -KILL $pids 2>/dev/null || true
      cgroup_thaw "$1"
    fi
    [ "$SECONDS" -lt "$deadline" ] || die "processes of $main do not end: $(tr '\n' ' ' <<<"$pids")"
    sleep 0.1
  done
}

cgroup_freeze() {
  if cgroup_v2; then echo 1 >"$CGROUPS/$1/cgroup.freeze"
  elif [ -d "$CGROUPS/freezer/$1" ]; then echo FROZEN >"$CGROUPS/freezer/$1/freezer.state"; fi
}

# On v1 a frozen child keeps its own state: thaw downwards.
cgroup_thaw() {
  if cgroup_v2; then echo 0 >"$CGROUPS/$1/cgroup.freeze"; return; fi
  local state
  while read -r state; do echo THAWED >"$state" 2>/dev/null || true; done < <(find "$CGROUPS/freezer/$1" -name freezer.state 2>/dev/null)
}

# cgroup_remove PATH: after cgroup_kill; a group may stay busy for a moment after its last process.
cgroup_remove() {
  local base group try
  while read -r base; do
    for try in 1 2 3 4 5 6 7 8 9 10; do
      [ -d "$base/$1" ] || break
      while read -r group; do rmdir "$group" 2>/dev/null || true; done < <(find "$base/$1" -depth -type d)
      [ ! -d "$base/$1" ] || sleep "0.$try"
    done
  done < <(cgroup_hierarchies)
}
