# shellcheck shell=bash
# Images of the cluster's own parts: pause, CoreDNS and MetalLB, each a static program on an empty root.

system_dir() { echo "$CACHE/images/system-$({ echo "$METALLB_VERSION $COREDNS_VERSION"; cat "$LAB_HERE/lib/system-images.sh" "$LAB_HERE/lib/pack.sh"; } | hash12)"; }

system_images() { [ -d "$(system_dir)" ] || step 'images of pause, CoreDNS and MetalLB' system_images_pack "$(system_dir)"; }

system_images_pack() {
  set -euo pipefail
  local out=$1
  rm -rf "$CACHE"/images/system-*
  mkdir -p "$out.new"
  program_image "$out.new/pause.tar" "$PAUSE_IMAGE" /bin/busybox '["/busybox","sleep","2000000000"]'
  program_image "$out.new/coredns.tar" "docker.io/coredns/coredns:${COREDNS_VERSION#v}" "$(coredns_dir)/coredns" '["/coredns"]'
  program_image "$out.new/controller.tar" "quay.io/metallb/controller:$METALLB_VERSION" "$(metallb_dir)/controller" '["/controller"]'
  program_image "$out.new/speaker.tar" "quay.io/metallb/speaker:$METALLB_VERSION" "$(metallb_dir)/speaker" '["/speaker"]'
  mv "$out.new" "$out"
}

# program_image OUT REF PROGRAM ENTRYPOINT-JSON
program_image() {
  local root=$1.root
  mkdir -p "$root"/{etc,tmp}
  chmod 1777 "$root/tmp"
  install -m 0755 "$3" "$root/"
  printf 'root:x:0:0::/:/bin/sh\nnobody:x:65534:65534::/:/bin/sh\n' >"$root/etc/passwd"
  pack_layer "$root" "$root.layer"
  pack_image "$1" "$2" "$(image_config '' "$4" null)" "$root.layer"
  rm -rf "$root" "$root.layer"
}
