# shellcheck shell=bash disable=SC2034
# docker.io/library/haproxy:3.2 for the lab, from Debian sid, laid out as the official image is.
ref=docker.io/library/haproxy:3.2
packages=(haproxy)
account=haproxy:999:999:/var/lib/haproxy
environment=(HAPROXY_VERSION=3.2)
user=haproxy
command='["haproxy","-f","/usr/local/etc/haproxy/haproxy.cfg"]'

shape() {
  local root=$1
  # The package's script wants a user in the system range; the official image's is 99.
  sed -i 's/^haproxy:x:999:999:/haproxy:x:99:99:/' "$root/etc/passwd"
  sed -i 's/^haproxy:x:999:/haproxy:x:99:/' "$root/etc/group"
  install -d -m 0755 "$root/usr/local/sbin" "$root/usr/local/etc/haproxy"
  install -d -m 0755 -o 99 -g 99 "$root/var/lib/haproxy"
  mv "$root/usr/sbin/haproxy" "$root/usr/local/sbin/haproxy"
  mv "$root/etc/haproxy/errors" "$root/usr/local/etc/haproxy/errors"
  rm -rf "$root/etc/haproxy"
  drop_perl "$root"
  chroot "$root" /usr/local/sbin/haproxy -v
}
