# shellcheck shell=bash disable=SC2034
# What the daemon and the tools share: where the jars and the configuration are, and what Java 17 must open to them.
CASSANDRA_HOME=${CASSANDRA_HOME:-/opt/cassandra}
CASSANDRA_CONF=${CASSANDRA_CONF:-$CASSANDRA_HOME/conf}
JAVA=${JAVA_HOME:-/opt/java/openjdk}/bin/java
cassandra_storagedir=${cassandra_storagedir:-/var/lib/cassandra}
CLASSPATH="$CASSANDRA_CONF:$CASSANDRA_HOME/lib/*"

JAVA17_OPTS="-Djdk.attach.allowAttachSelf=true"
for name in java.base/jdk.internal.misc java.base/jdk.internal.ref java.base/sun.nio.ch java.base/java.lang.ref \
  java.management.rmi/com.sun.jmx.remote.internal.rmi java.rmi/sun.rmi.registry java.rmi/sun.rmi.server \
  java.rmi/sun.rmi.transport.tcp java.sql/java.sql jdk.unsupported/sun.misc; do
  JAVA17_OPTS="$JAVA17_OPTS --add-exports $name=ALL-UNNAMED"
done
for name in java.base/java.lang.module java.base/jdk.internal.loader java.base/jdk.internal.ref java.base/jdk.internal.reflect \
  java.base/jdk.internal.math java.base/jdk.internal.module java.base/jdk.internal.util.jar jdk.management/com.sun.management.internal \
  java.base/sun.nio.ch java.base/java.io java.base/java.nio java.base/java.util java.base/java.util.concurrent \
  java.base/java.util.concurrent.atomic java.base/java.lang java.base/java.lang.reflect java.base/java.math java.base/java.net; do
  JAVA17_OPTS="$JAVA17_OPTS --add-opens $name=ALL-UNNAMED"
done
