# shellcheck shell=bash
# The lab's own mount namespace: nodes and volumes are mounted in there, not in the machine's table,
# so that the fixed folders of kubelet, containerd and CNI are the lab's own, no stranger's namespace holds a copy, and nothing can be left behind.

MOUNTS=$RUN/ns/lab
PRIVATE_FOLDERS=(/run/containerd /var/lib/cni /var/lib/kubelet /var/log/containers /var/log/pods /usr/libexec/kubernetes)

mounts_up() {
  local maker folder
  mounts_are_up && return 0
  for folder in "${PRIVATE_FOLDERS[@]}"; do
    [ -d "$folder" ] || { mkdir -p "$folder" && echo "$folder" >>"$STATE/folders"; }
  done
  mkdir -p "$RUN/ns"
  # A namespace can only be kept on a mount that does not propagate.
  mountpoint -q "$RUN/ns" || mount --bind "$RUN/ns" "$RUN/ns"
  mount --make-private "$RUN/ns"
  touch "$MOUNTS"
  rm -f "$RUN/mounts-made"
  # Not 'unshare --mount=FILE': its helper may bind the namespace before it is made (seen in three of ten tries).
  # shellcheck disable=SC2016
  unshare --mount --propagation slave bash -ec 'made=$1; shift; for folder; do mount -t tmpfs -o mode=0755 sclab "$folder"; done; touch "$made"; exec sleep 60' \
    _ "$RUN/mounts-made" "${PRIVATE_FOLDERS[@]}" 9>&- &
  maker=$!
  wait_for 10 'mount namespace of the lab' test -e "$RUN/mounts-made"
  mount --bind "/proc/$maker/ns/mnt" "$MOUNTS"
  kill "$maker"
  wait "$maker" 2>/dev/null || true
}
mounts_are_up() { mountpoint -q "$MOUNTS"; }

in_mounts() { nsenter --mount="$MOUNTS" "$@"; }

mounts_down() {
  ! mounts_are_up || umount "$MOUNTS"
  ! mountpoint -q "$RUN/ns" || umount "$RUN/ns"
}

# The folders that were made only to be mounted on. Not while a lab runs: that would end its mounts.
folders_remove() {
  local folder
  [ -f "$STATE/folders" ] || return 0
  while read -r folder; do rmdir "$folder" 2>/dev/null || true; done <"$STATE/folders"
}

# mounted_below FOLDER...: places in the lab's namespace, deepest first.
mounted_below() {
  local folder
  mounts_are_up || return 0
  for folder in "$@"; do
    in_mounts cat /proc/self/mountinfo | awk -v p="$folder/" 'index($5, p) == 1 {print $5}' | sed 's/\\040/ /g' | sort -r
  done
}

# Lazily where it must be: nothing uses them any more, but a busy mount must not stop the clean-up.
unmount_below() {
  local place
  while read -r place; do in_mounts umount "$place" 2>/dev/null || in_mounts umount -l "$place" 2>/dev/null || true; done < <(mounted_below "$@")
}
