// cassandra.yaml, but for what only the running pod knows (its address, its seeds), which the start script appends. Pure.
import type { SpaceCluster } from '../../api/v1alpha1/index.ts';
import { PORTS } from '../../api/v1alpha1/names.ts';

export const DATA_DIR = '/var/lib/cassandra';
/** Writable copy of the image's configuration: CASSANDRA_CONF. Holds the private key, so it lives in memory. */
export const CONF_DIR = '/run/cassandra/conf';
export const STORAGE_PORT = 7000;

/** Only settings that Cassandra 4.1 to 5.0 all know. */
export function cassandraYaml(cluster: SpaceCluster): string {
  const { name, namespace } = cluster.metadata;
  return `# Rings never merge by a re-used pod address: the name tells them apart, and each cluster has a CA of its own.
cluster_name: ${namespace}/${name}
num_tokens: 16
partitioner: org.apache.cassandra.dht.Murmur3Partitioner
endpoint_snitch: GossipingPropertyFileSnitch
authenticator: PasswordAuthenticator
authorizer: CassandraAuthorizer
role_manager: CassandraRoleManager
storage_port: ${STORAGE_PORT}
start_native_transport: true
native_transport_port: ${PORTS.cassandra}
data_file_directories: [${DATA_DIR}/data]
commitlog_directory: ${DATA_DIR}/commitlog
saved_caches_directory: ${DATA_DIR}/saved_caches
hints_directory: ${DATA_DIR}/hints
cdc_raw_directory: ${DATA_DIR}/cdc_raw
# An acknowledged write is on disk: with "periodic" a power cut of all nodes takes back up to 10 s of them.
commitlog_sync: group
commitlog_sync_group_window: 5ms
commitlog_segment_size: 32MiB
# A member whose disk fails ends, so that everybody sees it; the restarted one serves again when the disk does.
disk_failure_policy: die
commit_failure_policy: die
hinted_handoff_enabled: true
server_encryption_options:
  internode_encryption: all
  require_client_auth: true
  ssl_context_factory: {class_name: org.apache.cassandra.security.PEMBasedSslContextFactory}
  keystore: ${CONF_DIR}/keystore.pem
  truststore: ${CONF_DIR}/truststore.pem
client_encryption_options:
  enabled: true
  optional: false
  require_client_auth: false
  ssl_context_factory: {class_name: org.apache.cassandra.security.PEMBasedSslContextFactory}
  keystore: ${CONF_DIR}/keystore.pem
  truststore: ${CONF_DIR}/truststore.pem
`;
}
