# shellcheck shell=bash disable=SC2034
# docker.io/library/mysql:9.7 for the lab, from Debian sid, laid out as the official image is.
ref=docker.io/library/mysql:9.7
packages=(mysql-server-core mysql-client-core)
account=mysql:999:999:/var/lib/mysql
environment=(MYSQL_MAJOR=9.7)
user=
command='["mysqld"]'

shape() {
  local root=$1
  install -d -m 0755 "$root/etc/mysql/conf.d" "$root/docker-entrypoint-initdb.d"
  install -d -m 1777 -o 999 -g 999 "$root/var/lib/mysql" "$root/var/lib/mysql-files" "$root/var/run/mysqld"
  rm -rf "$root/etc/mysql/my.cnf" "$root/etc/mysql/mysql.conf.d"
  printf '[mysqld]\nsocket=/var/run/mysqld/mysqld.sock\nsecure-file-priv=/var/lib/mysql-files\nuser=mysql\npid-file=/var/run/mysqld/mysqld.pid\n[client]\nsocket=/var/run/mysqld/mysqld.sock\n!includedir /etc/mysql/conf.d/\n' >"$root/etc/my.cnf"
  drop_perl "$root"
  test -x "$root/usr/sbin/mysqld" && test -x "$root/usr/bin/mysql" && test -x "$root/usr/bin/mysqlbinlog"
}
