# shellcheck shell=bash disable=SC2034
# docker.io/library/cassandra:5.0 for the lab: the jars from Maven and a Java 17 runtime from Debian sid, laid out as the official image is.
ref=docker.io/library/cassandra:5.0
packages=(openjdk-17-jre-headless procps)
account=cassandra:999:999:/var/lib/cassandra
environment=(CASSANDRA_HOME=/opt/cassandra CASSANDRA_CONF=/etc/cassandra JAVA_HOME=/opt/java/openjdk LANG=C.UTF-8
  PATH=/opt/cassandra/bin:/opt/java/openjdk/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin)
user=
command='["cassandra","-f"]'

shape() {
  local root=$1 here
  here=$(dirname "${BASH_SOURCE[0]}")/cassandra
  install -d -m 0755 "$root/opt/java" "$root/opt/cassandra/lib" "$root/opt/cassandra/bin"
  ln -sfn /usr/lib/jvm/java-17-openjdk-amd64 "$root/opt/java/openjdk"
  mvn -q -B -f "$here/pom.xml" dependency:copy-dependencies "-DoutputDirectory=$root/opt/cassandra/lib" -DincludeScope=runtime
  install -m 0755 "$here"/bin/* "$root/opt/cassandra/bin/"
  install -d -m 1777 -o 999 -g 999 "$root/etc/cassandra" "$root/var/lib/cassandra" "$root/var/log/cassandra"
  install -m 0644 -o 999 -g 999 "$here"/conf/* "$root/etc/cassandra/"
  ln -sfn /etc/cassandra "$root/opt/cassandra/conf"
  rm -rf "$root/usr/lib/jvm/java-17-openjdk-amd64/lib/src.zip"
  drop_perl "$root"
  test -x "$root/usr/lib/jvm/java-17-openjdk-amd64/bin/java" && compgen -G "$root/opt/cassandra/lib/cassandra-all-*.jar" >/dev/null
}
