// Where the API server is and how to prove who we are: from the pod's mounted token, or from a kubeconfig outside a cluster.
import { readFile } from 'node:fs/promises';
import { ConfigError } from '../errors.ts';

export interface TlsSettings {
  readonly ca?: string | Buffer;
  readonly cert?: string | Buffer;
  readonly key?: string | Buffer;
  readonly servername?: string;
  /** False only where a kubeconfig says `insecure-skip-tls-verify`. */
  readonly rejectUnauthorized?: boolean;
}

export interface KubeConfig {
  /** `https://host:port`, with a path prefix where there is one; no slash at the end. */
  readonly server: string;
  readonly tls: TlsSettings;
  /** Namespace of the pod or of the kubeconfig's context. */
  readonly namespace: string | undefined;
  /** Headers that authenticate a request. Cheap: what lies behind is read again at most once a minute. */
  authHeaders(): Promise<Readonly<Record<string, string>>>;
}

const SERVICE_ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount';

/** The kubelet renews the token at 80 % of its life (an hour or more), so a copy of this age is always good. */
const REFRESH_MS = 60_000;

/** The in-cluster configuration inside a pod, else the kubeconfig (`KUBECONFIG`, or `~/.kube/config`). */
export async function loadKubeConfig(
  env: NodeJS.ProcessEnv = process.env,
  tokenDir: string = SERVICE_ACCOUNT,
): Promise<KubeConfig> {
  const host = env['KUBERNETES_SERVICE_HOST'];
  if (host !== undefined && host !== '' && env['KUBECONFIG'] === undefined) {
    return inCluster(host, env['KUBERNETES_SERVICE_PORT'] ?? '443', tokenDir);
  }
  return fromKubeconfig();
}

/** @throws ConfigError when the pod has no token or CA mounted */
async function inCluster(host: string, port: string, tokenDir: string): Promise<KubeConfig> {
  const read = async (file: string): Promise<string> => {
    try {
      return (await readFile(`${tokenDir}/${file}`, 'utf8')).trim();
    } catch (error) {
      throw new ConfigError(
        `cannot read ${tokenDir}/${file}: mount the ServiceAccount's token into this container (${String(error)})`,
      );
    }
  };
  const token = refreshed(async () => ({ Authorization: `Bearer ${await read('token')}` }));
  await token();
  return {
    server: `https://${host.includes(':') ? `[${host}]` : host}:${port}`,
    tls: { ca: await read('ca.crt') },
    // A projected volume need not carry the namespace; the downward API tells it to our pods.
    namespace: await readFile(`${tokenDir}/namespace`, 'utf8').then(
      (text) => text.trim(),
      () => undefined,
    ),
    authHeaders: token,
  };
}

/** @throws ConfigError when the kubeconfig names no cluster */
async function fromKubeconfig(): Promise<KubeConfig> {
  // The library is large (0.2 s, 25 MB): loaded only where a kubeconfig is really read, never inside a pod.
  const { KubeConfig: Library } = await import('@kubernetes/client-node');
  const library = new Library();
  try {
    library.loadFromDefault();
  } catch (error) {
    throw new ConfigError(`cannot read the kubeconfig: ${String(error)}`);
  }
  const cluster = library.getCurrentCluster();
  if (cluster === null) {
    throw new ConfigError(
      'the kubeconfig has no current context: set KUBECONFIG, or run kubectl config use-context',
    );
  }
  const settings = async (): Promise<Parameters<typeof library.applyToHTTPSOptions>[0]> => {
    const options: Parameters<typeof library.applyToHTTPSOptions>[0] = {};
    await library.applyToHTTPSOptions(options);
    return options;
  };
  const { ca, cert, key, servername, rejectUnauthorized } = await settings();
  return {
    server: cluster.server.replace(/\/+$/, ''),
    tls: {
      ...pem('ca', ca),
      ...pem('cert', cert),
      ...pem('key', key),
      ...(servername === undefined ? {} : { servername }),
      ...(rejectUnauthorized === undefined ? {} : { rejectUnauthorized }),
    },
    namespace: library.getContextObject(library.getCurrentContext())?.namespace,
    authHeaders: refreshed(async () => {
      const { headers, auth } = await settings();
      const result: Record<string, string> = {};
      for (const [name, value] of Object.entries(headers ?? {})) {
        if (typeof value === 'string') result[name] = value;
      }
      if (typeof auth === 'string') result['Authorization'] = `Basic ${Buffer.from(auth).toString('base64')}`;
      return result;
    }),
  };
}

function pem(name: 'ca' | 'cert' | 'key', value: unknown): TlsSettings {
  return typeof value === 'string' || Buffer.isBuffer(value) ? { [name]: value } : {};
}

type Headers = Readonly<Record<string, string>>;

/** A value read again at most once in `REFRESH_MS`; a failed read keeps the last good one. */
function refreshed(read: () => Promise<Headers>): () => Promise<Headers> {
  let value: Headers | undefined;
  let readAt = 0;
  return async () => {
    const now = performance.now();
    if (value !== undefined && now - readAt < REFRESH_MS) return value;
    try {
      value = await read();
    } catch (error) {
      if (value === undefined) throw error;
    }
    readAt = now;
    return value;
  };
}
