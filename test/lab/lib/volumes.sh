# shellcheck shell=bash
# Volumes as lab-provisioner makes them (kube/disk.go): VOLUMES/NODE/PV/image.ext4, mounted at fs beside it. Mounted again after a stop; filled and frozen as faults.

# Before any pod starts: a pod on an unmounted folder would find an empty disk.
volumes_mount() {
  local home
  mkdir -p "$VOLUMES"
  while read -r home; do
    if [ ! -f "$home/image.ext4" ] || in_mounts mountpoint -q "$home/fs"; then continue; fi
    # A dot: it waited to grow, and goes on waiting when it is seen again.
    if [[ ${home##*/} == .* ]]; then
      mv "$home" "${home%/*}/${home##*/.}"
      home=${home%/*}/${home##*/.}
    fi
    in_mounts mount -o loop,noatime "$home/image.ext4" "$home/fs"
  done < <(find "$VOLUMES" -mindepth 2 -maxdepth 2 -type d)
}

# A frozen file system cannot be unmounted.
volumes_unmount() {
  local mount
  while read -r mount; do in_mounts fsfreeze --unfreeze "$mount" 2>/dev/null || true; done < <(mounted_below "$VOLUMES")
  unmount_below "$VOLUMES"
  wait_for 20 "loop devices of $VOLUMES detached (losetup -a)" volumes_detached
}
# The kernel detaches a moment after the last pod's mounts are gone.
volumes_detached() { ! losetup --noheadings --output BACK-FILE | grep -q "^$VOLUMES/.*/image.ext4"; }

# volume fill|unfill|freeze|thaw|path NAMESPACE/CLAIM
volume_command() {
  local path filler
  path=$(volume_path "${2:-}") || exit 1
  filler=$path/.lab-filler
  case ${1:-} in
    # As the machine's own processes reach it: through the root of one that lives in the lab's namespace.
    path) echo "/proc/$(process_pid provisioner)/root$path" ;;
    # To the last block: fallocate takes what it can in one piece, dd the rest.
    fill)
      in_mounts fallocate -l "$(volume_free "$path")" "$filler" 2>/dev/null || true
      in_mounts dd if=/dev/zero of="$filler" bs=4k oflag=append conv=notrunc status=none 2>/dev/null || true
      [ "$(volume_free "$path")" -eq 0 ] || die "$path is not full"
      ;;
    unfill)
      in_mounts rm -f "$filler"
      [ "$(volume_free "$path")" -gt 0 ] || die "$path is still full"
      ;;
    freeze) in_mounts fsfreeze --freeze "$path" ;;
    thaw) in_mounts fsfreeze --unfreeze "$path" ;;
    *) die "which? lab.sh volume fill|unfill|freeze|thaw|path NAMESPACE/CLAIM" ;;
  esac
}
volume_free() { in_mounts df --output=avail -B1 "$1" | tail -n 1; }

volume_path() {
  local namespace claim volume
  require_running
  IFS=/ read -r namespace claim <<<"$1"
  [ -n "$claim" ] || die "which volume? NAMESPACE/CLAIM"
  volume=$(kubectl -n "$namespace" get pvc "$claim" -o 'jsonpath={.spec.volumeName}') || exit 1
  [ -n "$volume" ] || die "claim $1 is not bound"
  volume=$(find "$VOLUMES" -mindepth 2 -maxdepth 2 \( -name "$volume" -o -name ".$volume" \))/fs
  in_mounts mountpoint -q "$volume" || die "the volume of $1 is not mounted at $volume"
  echo "$volume"
}
