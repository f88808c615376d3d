# shellcheck shell=bash
# What the product's image stands on: a small Debian and Node, packed once. Every node has its layer, so reload.sh need only send dist/.

PRODUCT=docker.io/spacecluster/spacecluster

product_base_key() { { echo "$NODE_NPM"; cat "$LAB_HERE/lib/product-base.sh" "$LAB_HERE/lib/debian.sh" "$LAB_HERE/lib/pack.sh"; } | hash12; }
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
