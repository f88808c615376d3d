# shellcheck shell=bash disable=SC2154
# Engine images: a small Debian root for each recipe in images/engines, packed and kept in the cache under the recipe's hash.

ENGINES=(mysql postgres haproxy cassandra)

engine_key() {
  local recipe=$CHECKOUT/images/engines/$1
  { cat "$recipe.sh" "$LAB_HERE/lib/debian.sh" "$LAB_HERE/lib/pack.sh"
    [ ! -d "$recipe" ] || find "$recipe" -type f -print0 | sort -z | xargs -0 cat; } | hash12
}
engine_image() { echo "$CACHE/images/$1-$(engine_key "$1").tar"; }

engines_build() {
  local engine
  mkdir -p "$CACHE/images"
  for engine in "${ENGINES[@]}"; do
    [ -s "$(engine_image "$engine")" ] || step "image of $engine" engine_build "$engine"
  done
}

# Runs in a subshell of step: the recipe's variables stay there.
engine_build() {
  set -euo pipefail
  local ref packages account environment user command root out
  # shellcheck source=/dev/null
  . "$CHECKOUT/images/engines/$1.sh"
  out=$(engine_image "$1")
  root=$CACHE/images/.$1.root
  rm -rf "$root"
  debian_root sid "$root" "$account" "${packages[@]}"
  shape "$root"
  trim_root "$root"
  local layer=$root.layer
  pack_layer "$root" "$layer"
  pack_image "$out" "$ref" "$(image_config "$user" null "$command" "${environment[@]}")" "$layer"
  rm -rf "$root" "$layer"
  find "$CACHE/images" -maxdepth 1 -name "$1-*.tar" ! -path "$out" -delete
}
