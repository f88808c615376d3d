# shellcheck shell=bash
# The product's image: dist/ as a layer of its own over the base, so that a change is in every node within seconds.
# User, entry point and flags are read from images/Dockerfile: they are written down only there.

# One line of the Dockerfile, by its keyword.
dockerfile() { sed -n "s/^$1 //p" "$CHECKOUT/images/Dockerfile" | tail -n 1; }

reload() {
  local dist=$CHECKOUT/dist work hash ref name pids=() pid
  require_running
  [ -s "$dist/main.mjs" ] || die "there is no $dist/main.mjs yet; make it by: npm run bundle"
  hash=$({ product_base_key; cat "$CHECKOUT/images/Dockerfile"; cd "$dist" && find . -type f -print0 | sort -z | xargs -0 sha256sum; } | hash12)
  ref=$PRODUCT:$hash
  mkdir -p "$CHECKOUT/.lab"
  work=$(mktemp -d "$RUN/reload.XXXXXX")
  for name in $(node_names); do
    if ! node_has_image "$name" "$ref" && [ ! -e "$work/image.tar" ]; then product_pack "$dist" "$work" "$ref"; fi
    node_take_image "$name" "$ref" "$work/image.tar" >"$work/$name.log" 2>&1 9>&- &
    pids+=("$!")
  done
  for pid in "${pids[@]}"; do wait "$pid" || { cat "$work"/*.log >&2; die "a node did not take the image $ref"; }; done
  rm -rf "$work"
  echo "$ref" >"$CHECKOUT/.lab/image"
  say "$ref is in $(node_count) nodes"
  echo "$ref"
}

node_take_image() {
  node_has_image "$1" "$2" || node_ctr "$1" images import "$3"
  node_has_image "$1" "$2" && node_ctr "$1" images tag --force "$2" "$PRODUCT:dev"
}
node_has_image() { [ -n "$(node_ctr "$1" images ls -q "name==$2")" ]; }

product_pack() {
  local root=$2/root
  mkdir -p "$root"
  cp -r "$1" "$root/app"
  chmod -R a+rX,go-w "$root"
  pack_layer "$root" "$2/layer"
  pack_image "$2/image.tar" "$3" "$(image_config "$(dockerfile USER)" "$(dockerfile ENTRYPOINT)" null NODE_ENV=production)" \
    "=$(cat "$(product_base_archive | sed 's/tar$/layer/')")" "$2/layer"
}
