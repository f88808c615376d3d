// cassandra.yaml word for word: a change here changes every ring, so it has to be made twice.
import { describe, expect, it } from '@jest/globals';
import { parse } from 'yaml';
import { sampleCluster } from '../../../test/unit/sample.ts';
import { cassandraYaml } from './config.ts';

describe('cassandraYaml', () => {
  it('is what it was', () => {
    expect(parse(cassandraYaml(sampleCluster()))).toEqual({
      cluster_name: 'demo/demo',
      num_tokens: 16,
      partitioner: 'org.apache.cassandra.dht.Murmur3Partitioner',
      endpoint_snitch: 'GossipingPropertyFileSnitch',
      authenticator: 'PasswordAuthenticator',
      authorizer: 'CassandraAuthorizer',
      role_manager: 'CassandraRoleManager',
      storage_port: 7000,
      start_native_transport: true,
      native_transport_port: 9042,
      data_file_directories: ['/var/lib/cassandra/data'],
      commitlog_directory: '/var/lib/cassandra/commitlog',
      saved_caches_directory: '/var/lib/cassandra/saved_caches',
      hints_directory: '/var/lib/cassandra/hints',
      cdc_raw_directory: '/var/lib/cassandra/cdc_raw',
      commitlog_sync: 'group',
      commitlog_sync_group_window: '5ms',
      commitlog_segment_size: '32MiB',
      disk_failure_policy: 'die',
      commit_failure_policy: 'die',
      hinted_handoff_enabled: true,
      server_encryption_options: {
        internode_encryption: 'all',
        require_client_auth: true,
        ssl_context_factory: { class_name: 'org.apache.cassandra.security.PEMBasedSslContextFactory' },
        keystore: '/run/cassandra/conf/keystore.pem',
        truststore: '/run/cassandra/conf/truststore.pem',
      },
      client_encryption_options: {
        enabled: true,
        optional: false,
        require_client_auth: false,
        ssl_context_factory: { class_name: 'org.apache.cassandra.security.PEMBasedSslContextFactory' },
        keystore: '/run/cassandra/conf/keystore.pem',
        truststore: '/run/cassandra/conf/truststore.pem',
      },
    });
  });

  it('does not depend on the number of members: adding one must not make the others look outdated', () => {
    const nine = sampleCluster({ cassandra: { replicas: 9, storage: { size: '2Gi' } } });
    expect(cassandraYaml(nine)).toBe(cassandraYaml(sampleCluster()));
  });
});
