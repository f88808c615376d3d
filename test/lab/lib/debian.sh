# shellcheck shell=bash
# Small Debian roots, for images: made by mmdebstrap from the machine's own package source. Part of the key of every image made with it.

# debian_root SUITE DIRECTORY name:uid:gid:home PACKAGES...
# Sid's Release file may be past its date. The account comes before the packages, so that their scripts find it with the official ids.
debian_root() {
  local suite=$1 root=$2 name uid gid home mirror
  IFS=: read -r name uid gid home <<<"$3"
  shift 3
  mirror=$(apt_mirror)
  local IFS=,
  mmdebstrap --mode=root --variant=essential --include="$*" \
    --aptopt='Acquire::Check-Valid-Until "false"' --aptopt='APT::Install-Recommends "false"' \
    --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
    --dpkgopt='path-exclude=/usr/share/locale/*' --dpkgopt='path-include=/usr/share/locale/locale.alias' \
    --essential-hook="mkdir -p \"\$1/usr/share/man/man1\"" \
    --essential-hook="echo '$name:x:$uid:$gid::$home:/bin/bash' >>\"\$1/etc/passwd\"; echo '$name:x:$gid:' >>\"\$1/etc/group\"; echo '$name:*:19000:0:99999:7:::' >>\"\$1/etc/shadow\"" \
    "$suite" "$root" "deb $mirror $suite main"
}

# The machine's own package source, in either of apt's formats.
apt_mirror() {
  local files=()
  mapfile -t files < <(find /etc/apt/sources.list.d /etc/apt/sources.list -type f \( -name '*.sources' -o -name '*.list' \) 2>/dev/null)
  [ ${#files[@]} -gt 0 ] || die "apt has no package source: nothing in /etc/apt/sources.list or sources.list.d"
  awk '/^URIs:/ {print $2; exit} $1 == "deb" {for (i = 2; i <= NF; i++) if ($i ~ /:\/\//) {print $i; exit}}' "${files[@]}"
}

drop_perl() { rm -rf "$1"/usr/share/perl "$1"/usr/share/perl5 "$1"/usr/lib/x86_64-linux-gnu/perl "$1"/usr/lib/x86_64-linux-gnu/perl5; }

trim_root() {
  rm -rf "$1"/var/lib/apt/lists/* "$1"/var/cache/* "$1"/var/log/* "$1"/usr/share/info "$1"/usr/share/man "$1"/usr/share/doc "$1"/usr/share/lintian "$1"/tmp/*
  : >"$1/etc/resolv.conf"
  : >"$1/etc/hostname"
}
