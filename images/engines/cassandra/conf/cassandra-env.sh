# shellcheck shell=sh
# JMX on the loopback only, as in the official cassandra-env.sh.
JVM_OPTS="$JVM_OPTS -Dcassandra.jmx.local.port=${JMX_PORT:-7199}"
