# shellcheck shell=bash
# The product's image: a base of Debian and Node packed once, and dist/ as a layer of its own, so that a change is in every node within seconds.
# User, entry point and flags are read from images/Dockerfile: they are written down only there.

PRODUCT=docker.io/spacecluster/spacecluster

product_base_key() { { echo "$NODE_NPM"; cat "$LAB_HERE/lib/reload.sh" "$LAB_HERE/lib/roots.sh" "$LAB_HERE/lib/pack.sh"; } | sha256sum | cut -c1-12; }
product_base_archive() { echo "$CACHE/images/base-$(product_base_key).tar"; }
product_base_build() { [ -s "$(product_base_archive)" ] || step "image of the product's base" product_base_pack; }

product_base_pack() {
  set -euo pipefail
  local out root layer
  out=$(product_base_archive)
  root=$CACHE/images/.base.root
  layer=$root.layer
  rm -rf "$root"
  debian_root bookworm "$root" nonroot:65532:65532:/home/nonroot libstdc++6
  install -d -o 65532 -g 65532 "$root/home/nonroot"
  install -D -m 0755 "$(node_binary)" "$root/usr/local/bin/node"
  trim_root "$root"
  pack_layer "$root" "$layer"
  pack_image "$out" "$PRODUCT-base:$(product_base_key)" "$(image_config '' null null)" "$layer"
  echo "$(sha256sum "$layer" | cut -d' ' -f1):$(stat -c %s "$layer")" >"${out%.tar}.layer"
  rm -rf "$root" "$layer"
  find "$CACHE/images" -maxdepth 1 -name 'base-*' ! -path "${out%.tar}.*" -delete
}

# One line of the Dockerfile, by its keyword.
dockerfile() { sed -n "s/^$1 //p" "$CHECKOUT/images/Dockerfile" | tail -n 1; }

reload() {
  local dist=$CHECKOUT/dist work hash ref name pids=() pid
  require_running
  [ -s "$dist/main.mjs" ] || die "there is no $dist/main.mjs yet; make it by: npm run bundle"
  hash=$({ product_base_key; cat "$CHECKOUT/images/Dockerfile"; cd "$dist" && find . -type f -print0 | sort -z | xargs -0 sha256sum; } | sha256sum | cut -c1-12)
  ref=$PRODUCT:$hash
  mkdir -p "$CHECKOUT/.lab"
  for name in $(node_names); do
    node_has_image "$name" "$ref" && continue
    [ -n "${work:-}" ] || { work=$(mktemp -d "$RUN/reload.XXXXXX"); product_pack "$dist" "$work" "$ref"; }
    (node_ctr "$name" images import "$work/image.tar" && node_ctr "$name" images tag --force "$ref" "$PRODUCT:dev") >"$work/$name.log" 2>&1 9>&- &
    pids+=("$!")
  done
  for pid in "${pids[@]}"; do wait "$pid" || { cat "$work"/*.log >&2; die "a node did not take the image $ref"; }; done
  [ -z "${work:-}" ] || rm -rf "$work"
  for name in $(node_names); do node_has_image "$name" "$ref" || die "node $name has no $ref after the import"; done
  echo "$ref" >"$CHECKOUT/.lab/image"
  say "$ref is in $(node_count) nodes"
  echo "$ref"
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
