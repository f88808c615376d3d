# shellcheck shell=bash
# Packs root trees as OCI image archives with tar and sha256sum alone. Same tree, same bytes.

# pack_layer ROOT FILE
pack_layer() {
  tar -C "$1" --numeric-owner --sort=name --mtime=@0 --exclude=./dev/* --exclude=./proc/* --exclude=./sys/* --exclude=./run/lock -cf "$2" .
}

# image_config USER ENTRYPOINT-JSON COMMAND-JSON ENVIRONMENT...: the "config" object of an image.
image_config() {
  local user=$1 entrypoint=$2 command=$3 environment='' pair
  shift 3
  [[ " $*" == *" PATH="* ]] || set -- PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$@"
  for pair in "$@"; do environment+=",\"$pair\""; done
  printf '{"User":"%s","Entrypoint":%s,"Cmd":%s,"Env":[%s],"WorkingDir":"/"}' "$user" "$entrypoint" "$command" "${environment#,}"
}

# pack_image OUT REF CONFIG LAYER...: an OCI layout. A layer given as =DIGEST:SIZE is only named: the node has it already.
pack_image() {
  local out=$1 ref=$2 config=$3 work layer digest size layers='' diffs=''
  shift 3
  work=$(mktemp -d "$out.XXXXXX")
  mkdir -p "$work/blobs/sha256"
  for layer in "$@"; do
    if [[ $layer == =* ]]; then
      IFS=: read -r digest size <<<"${layer#=}"
    else
      digest=$(sha256sum "$layer" | cut -d' ' -f1)
      size=$(stat -c %s "$layer")
      ln "$layer" "$work/blobs/sha256/$digest" 2>/dev/null || cp "$layer" "$work/blobs/sha256/$digest"
    fi
    layers+=",{\"mediaType\":\"application/vnd.oci.image.layer.v1.tar\",\"digest\":\"sha256:$digest\",\"size\":$size}"
    diffs+=",\"sha256:$digest\""
  done
  printf '{"architecture":"amd64","os":"linux","config":%s,"rootfs":{"type":"layers","diff_ids":[%s]}}' "$config" "${diffs#,}" >"$work/config"
  blob_add "$work" config
  local config_blob=$BLOB
  printf '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":"application/vnd.oci.image.config.v1+json",%s},"layers":[%s]}' "$config_blob" "${layers#,}" >"$work/manifest"
  blob_add "$work" manifest
  printf '{"schemaVersion":2,"manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json",%s,"annotations":{"io.containerd.image.name":"%s"}}]}' "$BLOB" "$ref" >"$work/index.json"
  printf '{"imageLayoutVersion":"1.0.0"}' >"$work/oci-layout"
  tar -C "$work" --numeric-owner --owner=0 --group=0 --sort=name --mtime=@0 -cf "$out.new" blobs index.json oci-layout
  rm -rf "$work"
  mv "$out.new" "$out"
}

# blob_add WORK FILE: moves the file among the blobs; its descriptor's fields are left in BLOB.
blob_add() {
  local digest size
  digest=$(sha256sum "$1/$2" | cut -d' ' -f1)
  size=$(stat -c %s "$1/$2")
  mv "$1/$2" "$1/blobs/sha256/$digest"
  BLOB="\"digest\":\"sha256:$digest\",\"size\":$size"
}
