# shellcheck shell=bash disable=SC2034
# docker.io/library/postgres:18 for the lab, from Debian sid, laid out as the official image is.
ref=docker.io/library/postgres:18
packages=(postgresql-18 postgresql-client-18 locales)
account=postgres:999:999:/var/lib/postgresql
environment=(PG_MAJOR=18 PGDATA=/var/lib/postgresql/18/docker LANG=en_US.utf8
  PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/usr/lib/postgresql/18/bin)
user=
command='["postgres"]'

shape() {
  local root=$1
  rm -rf "$root/var/lib/postgresql" "$root"/etc/postgresql/* "$root"/var/run/postgresql
  install -d -m 1777 -o 999 -g 999 "$root/var/lib/postgresql" "$root/var/run/postgresql"
  install -d -m 0755 "$root/docker-entrypoint-initdb.d"
  chroot "$root" localedef -i en_US -c -f UTF-8 en_US.UTF-8
  # Unix socket by default in /var/run/postgresql, as compiled in; listen for the network too, as the official sample does.
  sed -i "s/^#listen_addresses = .*/listen_addresses = '*'/" "$root/usr/share/postgresql/18/postgresql.conf.sample"
  drop_perl "$root"
  rm -rf "$root/usr/share/i18n" "$root/usr/share/postgresql-common"
  test -x "$root/usr/lib/postgresql/18/bin/postgres" && test -x "$root/usr/lib/postgresql/18/bin/psql"
}
