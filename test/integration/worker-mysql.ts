// One real MySQL server in a pod, and a proxy in front of it that can refuse, stall, cut, or swallow an answer: what a
// failover looks like to a client, at any moment one likes.
import { createConnection, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { Pods, Secrets } from '../../src/kube/resources.ts';
import type { Pod } from '../../src/kube/types.ts';
import { createAuthority, issue } from '../../src/spacecluster/pki.ts';
import { randomPassword } from '../../src/spacecluster/credentials.ts';
import type { MySqlAccess } from '../../src/worker/database/mysql-pool.ts';
import { eventually } from './kube-support.ts';
import type { Bench } from './kube-support.ts';
import { mustKubectl } from './kubectl.ts';

const POD = 'mysql';
const PORT = 3306;

export interface TestMySql {
  readonly access: MySqlAccess;
  readonly proxy: Proxy;
  /** As root, over the server's own socket; the last line of the answer. */
  root(sql: string): Promise<string>;
}

export async function startMySql(bench: Bench): Promise<TestMySql> {
  const authority = await createAuthority('test', new Date());
  const request = { commonName: 'mysql', dnsNames: ['localhost'], ipAddresses: ['127.0.0.1'] };
  const leaf = await issue(authority, request, new Date());
  const password = randomPassword();
  await bench.kube.create(Secrets, {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: POD, namespace: bench.namespace },
    stringData: {
      'ca.crt': authority.certificate,
      'tls.crt': leaf.certificate,
      'tls.key': leaf.key,
      'init.sql': [
        `CREATE USER IF NOT EXISTS space IDENTIFIED BY '${password}';`,
        'CREATE DATABASE IF NOT EXISTS space;',
        'GRANT ALL ON space.* TO space;',
      ].join('\n'),
    },
  });
  await bench.kube.create(Pods, serverPod(bench.namespace));
  const address = await eventually('the pod has an address', 60_000, async () => {
    const pod = await bench.kube.get(Pods, bench.namespace, POD);
    return pod.status?.podIP;
  });
  const proxy = await Proxy.start(address);
  const access: MySqlAccess = {
    host: '127.0.0.1',
    port: proxy.port,
    user: 'space',
    password,
    database: 'space',
    ca: authority.certificate,
  };
  const root = async (sql: string): Promise<string> => {
    const client = ['mysql', '--no-defaults', '-uroot', '-S', '/tmp/mysql.sock', '-N', '-e', sql];
    const out = await mustKubectl(['-n', bench.namespace, 'exec', POD, '--', ...client]);
    return out.trim().split('\n').at(-1) ?? '';
  };
  await eventually('the server answers', 120_000, () =>
    root('SELECT 1').then(
      () => true,
      () => false,
    ),
  );
  return { access, proxy, root };
}

function serverPod(namespace: string): Pod {
  const options = [
    '--no-defaults --datadir=/data/mysql --socket=/tmp/mysql.sock --pid-file=/tmp/mysql.pid --mysqlx=OFF',
    '--secure-file-priv= --init-file=/secret/init.sql --require-secure-transport=ON',
    '--ssl-ca=/secret/ca.crt --ssl-cert=/secret/tls.crt --ssl-key=/secret/tls.key',
  ].join(' ');
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: POD, namespace },
    spec: {
      securityContext: { fsGroup: 999 },
      terminationGracePeriodSeconds: 0,
      containers: [
        {
          name: POD,
          image: 'docker.io/library/mysql:9.7',
          imagePullPolicy: 'IfNotPresent',
          command: [
            'bash',
            '-ec',
            `mysqld --no-defaults --initialize-insecure --datadir=/data/mysql; exec mysqld ${options}`,
          ],
          securityContext: {
            runAsUser: 999,
            runAsNonRoot: true,
            allowPrivilegeEscalation: false,
            capabilities: { drop: ['ALL'] },
            seccompProfile: { type: 'RuntimeDefault' },
          },
          volumeMounts: [
            { name: 'data', mountPath: '/data' },
            { name: 'tmp', mountPath: '/tmp' },
            { name: 'secret', mountPath: '/secret', readOnly: true },
          ],
        },
      ],
      volumes: [
        { name: 'data', emptyDir: {} },
        { name: 'tmp', emptyDir: {} },
        { name: 'secret', secret: { secretName: POD, defaultMode: 0o440 } },
      ],
    },
  };
}

type Mode = 'pass' | 'refuse' | 'stall';

export class Proxy {
  readonly port: number;
  readonly #server;
  readonly #pairs = new Set<readonly [Socket, Socket]>();
  #mode: Mode = 'pass';
  #swallow = false;

  private constructor(server: ReturnType<typeof createServer>, target: string) {
    this.#server = server;
    this.port = (server.address() as AddressInfo).port;
    server.on('connection', (client) => {
      this.#connect(client, target);
    });
  }

  static async start(target: string): Promise<Proxy> {
    const server = createServer();
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve);
    });
    return new Proxy(server, target);
  }

  /** `refuse` ends new connections at once, `stall` forwards nothing in either direction. */
  set mode(mode: Mode) {
    this.#mode = mode;
  }

  /** Ends every connection. */
  cut(): void {
    for (const [client, server] of this.#pairs) {
      client.destroy();
      server.destroy();
    }
  }

  /** The next thing a client says reaches the server; the answer does not come back, the connection ends instead. */
  swallowNextAnswer(): void {
    this.#swallow = true;
  }

  close(): void {
    this.cut();
    this.#server.close();
  }

  #connect(client: Socket, target: string): void {
    if (this.#mode === 'refuse') {
      client.destroy();
      return;
    }
    const server = createConnection(PORT, target);
    const pair = [client, server] as const;
    this.#pairs.add(pair);
    let swallowing = false;
    client.on('data', (data) => {
      if (this.#mode === 'stall') return;
      if (this.#swallow) {
        this.#swallow = false;
        swallowing = true;
      }
      server.write(data);
    });
    server.on('data', (data) => {
      if (this.#mode === 'stall') return;
      if (swallowing) client.destroy();
      else client.write(data);
    });
    for (const socket of pair) {
      socket.on('error', () => undefined);
      socket.on('close', () => {
        client.destroy();
        server.destroy();
        this.#pairs.delete(pair);
      });
    }
  }
}
