# shellcheck shell=bash
# Images in nodes. All images are unpacked once into a store in the cache; a node's containerd starts from hard links to it,
# so that a cluster imports nothing, uses the space once and has each file in memory once.

# The path of every image archive, small ones first.
store_archives() {
  local engine name
  for name in "${SYSTEM_IMAGES[@]}"; do echo "$(system_dir)/$name.tar"; done
  for engine in "${ENGINES[@]}"; do engine_image "$engine"; done
  product_base_archive
}
store_key() { { store_archives; containerd --version; } | hash12; }
store_dir() { echo "$CACHE/store/$(store_key)"; }

store_build() {
  system_images
  engines_build
  product_base_build
  [ -d "$(store_dir)" ] || step 'unpack the images' store_unpack "$(store_dir)"
}

# A containerd of its own does it; the folder gets its name only when it is complete.
store_unpack() {
  set -euo pipefail
  local store=$1 run=$RUN/store archive
  rm -rf "$store.new" "$run"
  mkdir -p "$store.new" "$run"
  printf 'version = 2\nroot = "%s"\nstate = "%s"\ndisabled_plugins = ["io.containerd.grpc.v1.cri"]\n[grpc]\naddress = "%s"\n' "$store.new" "$run/state" "$run/containerd.sock" >"$run/containerd.toml"
  process_start store sclab/store containerd --config "$run/containerd.toml"
  wait_for 30 "containerd of the image store" ctr --address "$run/containerd.sock" version
  while read -r archive; do
    ctr --address "$run/containerd.sock" --namespace k8s.io images import --all-platforms "$archive"
  done < <(store_archives)
  process_stop store
  cgroup_kill sclab/store
  cgroup_remove sclab/store
  rm -rf "$run"
  find "$CACHE/store" -mindepth 1 -maxdepth 1 ! -path "$store.new" -exec rm -rf {} +
  mv "$store.new" "$store"
}

# store_into_node NAME: a new node begins with the store; one that began with another store imports what it misses.
# The databases of containerd are written in place, so they are copied; all else is only ever added or unlinked.
store_into_node() {
  local disk=$STATE/$1 store
  store=$(store_dir)
  [ ! -d "$disk/containerd" ] || return 0
  rm -rf "$disk/containerd.new"
  cp -al "$store" "$disk/containerd.new" 2>/dev/null || { rm -rf "$disk/containerd.new"; cp -a "$store" "$disk/containerd.new"; }
  while read -r db; do cp --remove-destination "$store/${db#"$disk/containerd.new/"}" "$db"; done < <(find "$disk/containerd.new" -maxdepth 2 -name '*.db')
  store_archives >"$disk/store"
  mv "$disk/containerd.new" "$disk/containerd"
}

# After a recipe has changed under a running lab: a node imports the archives that it began without (the names say the contents).
store_refresh() {
  local name pids=() pid
  for name in $(node_names); do
    cmp -s <(store_archives) "$STATE/$name/store" && continue
    store_import "$name" 9>&- &
    pids+=($!)
  done
  for pid in "${pids[@]}"; do wait "$pid" || die "an image could not be imported; see the lines above"; done
}

store_import() {
  local archive
  while read -r archive; do
    node_ctr "$1" images import --all-platforms "$archive" >/dev/null || return
  done < <(store_archives | grep -vxFf "$STATE/$1/store")
  store_archives >"$STATE/$1/store"
}
