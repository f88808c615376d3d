# shellcheck shell=bash
# Volumes as lab-provisioner makes them: VOLUMES/NODE/PV.img, mounted at VOLUMES/NODE/PV. Mounted again after a stop; filled and frozen as faults.

# Before any pod starts: a pod on an unmounted folder would find an empty disk.
volumes_mount() {
  local image
  mkdir -p "$VOLUMES"
  while read -r image; do
    mountpoint -q "${image%.img}" || mount -o loop,noatime "$image" "${image%.img}"
  done < <(find "$VOLUMES" -mindepth 2 -maxdepth 2 -name '*.img')
}

# A frozen file system cannot be unmounted.
volumes_unmount() {
  local mount
  while read -r mount; do fsfreeze --unfreeze "$mount" 2>/dev/null || true; done < <(awk -v p="$VOLUMES/" 'index($5, p) == 1 {print $5}' /proc/self/mountinfo)
  unmount_below "$VOLUMES"
}

# volume fill|unfill|freeze|thaw|path NAMESPACE/CLAIM
volume_command() {
  local path filler
  path=$(volume_path "${2:-}") || exit 1
  filler=$path/.lab-filler
  case ${1:-} in
    path) echo "$path" ;;
    # To the last block: fallocate takes what it can in large pieces, dd the rest.
    fill)
      fallocate -l "$(df --output=avail -B1 "$path" | tail -n 1)" "$filler" 2>/dev/null || true
      dd if=/dev/zero of="$filler" bs=4k oflag=append conv=notrunc status=none 2>/dev/null || true
      [ "$(df --output=avail -B1 "$path" | tail -n 1)" -eq 0 ] || die "$path is not full"
      ;;
    unfill)
      rm -f "$filler"
      [ "$(df --output=avail -B1 "$path" | tail -n 1)" -gt 0 ] || die "$path is still full"
      ;;
    freeze) fsfreeze --freeze "$path" ;;
    thaw) fsfreeze --unfreeze "$path" ;;
    *) die "which? lab.sh volume fill|unfill|freeze|thaw|path NAMESPACE/CLAIM" ;;
  esac
}

volume_path() {
  local namespace claim volume
  require_running
  IFS=/ read -r namespace claim <<<"$1"
  [ -n "$claim" ] || die "which volume? NAMESPACE/CLAIM"
  volume=$(kubectl -n "$namespace" get pvc "$claim" -o 'jsonpath={.spec.volumeName}') || exit 1
  [ -n "$volume" ] || die "claim $1 is not bound"
  volume=$(echo "$VOLUMES"/*/"$volume")
  mountpoint -q "$volume" || die "the volume of $1 is not mounted at $volume"
  echo "$volume"
}
