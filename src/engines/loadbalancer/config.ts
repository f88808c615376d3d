// Pure: HAProxy's configuration. One file that only the operator writes, and one with the workers that the agent writes.
import { names, PORTS } from '../../api/v1alpha1/names.ts';
import { RUN_DIR } from '../shared/pods.ts';

/** Ports inside the pod, all above 1023 because HAProxy runs without privileges; the Service maps 443 to `https`. */
export const CONTAINER_PORTS = {
  https: 8443,
  netconfCallHome: PORTS.netconfCallHome,
  deviceInitiated: PORTS.deviceInitiated,
  /** Plain HTTP, for probes and scrapers: `/healthz`, `/metrics`. */
  status: 8404,
} as const;

export const PATHS = {
  binary: '/usr/local/sbin/haproxy',
  config: '/usr/local/etc/haproxy',
  /** The Web IP's certificate and key. */
  webTls: '/etc/spacecluster/web-tls',
  /** The CA that signed the workers' certificates. */
  memberTls: '/etc/spacecluster/member-tls',
  socket: `${RUN_DIR}/haproxy.sock`,
  workers: `${RUN_DIR}/workers.cfg`,
} as const;

/** What the runtime socket calls the Web IP's certificate (crt-store `web`, alias `web`). */
export const WEB_CERTIFICATE = '@web/web';

export const CA_FILE = `${PATHS.memberTls}/ca.crt`;

/** One worker as HAProxy shall know it. */
export interface Member {
  /** The pod's name; also its cookie. */
  readonly name: string;
  readonly address: string;
  /** False while it ends or is taken for dead: existing sessions move to another worker. */
  readonly accepts: boolean;
}

export interface Backend {
  readonly name: 'workers' | 'call-home' | 'device-init';
  readonly port: number;
}

/** Each holds every worker. Devices' connections are passed through untouched. */
export const BACKENDS: readonly Backend[] = [
  { name: 'workers', port: PORTS.worker },
  { name: 'call-home', port: PORTS.netconfCallHome },
  { name: 'device-init', port: PORTS.deviceInitiated },
];

export const WEB_FRONTEND = 'https';

/**
 * The part that never changes while the balancer runs. TLS 1.2 and up; HTTP/2; retries only where repeating is harmless;
 * the client's address by X-Forwarded-For, never taken from the client itself.
 */
export function staticConfig(): string {
  return `global
  log stdout format raw local0 info
  stats socket ${PATHS.socket} mode 660 level admin
  stats timeout 1d
  maxconn 8000
  thread-hard-limit 4
  hard-stop-after 2s
  ssl-default-bind-options ssl-min-ver TLSv1.2 no-tls-tickets
  ssl-default-server-options ssl-min-ver TLSv1.2

defaults
  log global
  mode http
  option dontlognull
  timeout connect 1s
  timeout client 60s
  timeout server 60s
  timeout check 600ms
  timeout queue 5s
  timeout tunnel 1h
  timeout http-request 10s
  timeout http-keep-alive 60s
  http-error status 502 content-type application/problem+json string '${problem(502, 'Bad Gateway', 'The application server broke off its answer.')}'
  http-error status 503 content-type application/problem+json string '${problem(503, 'Service Unavailable', 'No application server is ready. Try again shortly.')}'
  http-error status 504 content-type application/problem+json string '${problem(504, 'Gateway Timeout', 'The application server did not answer in time.')}'

crt-store web
  crt-base ${PATHS.webTls}
  key-base ${PATHS.webTls}
  load crt tls.crt key tls.key alias web

frontend ${WEB_FRONTEND}
  bind :${CONTAINER_PORTS.https} ssl crt ${WEB_CERTIFICATE} alpn h2,http/1.1
  option httplog
  option forwardfor
  http-request del-header X-Forwarded-For
  http-request del-header Forwarded
  http-request set-header X-Forwarded-Proto https
  default_backend workers

${BACKENDS.filter(({ name }) => name !== 'workers')
  .map(
    ({ name, port }) => `frontend ${name}
  bind :${port}
  mode tcp
  option tcplog
  option clitcpka
  timeout client 10m
  default_backend ${name}
`,
  )
  .join('\n')}
frontend status
  bind :${CONTAINER_PORTS.status}
  no log
  http-request return status 200 content-type text/plain string ok if { path /healthz }
  http-request use-service prometheus-exporter if { path /metrics }
  http-request return status 404 content-type text/plain string 'not found'
`;
}

/** The part with the workers. At run time they come and go over the socket; from the file, a restart knows them at once. */
export function workersConfig(cluster: string, namespace: string, members: readonly Member[]): string {
  return BACKENDS.map((backend) =>
    [
      `backend ${backend.name}`,
      ...(backend.name === 'workers' ? webBackend(cluster, namespace) : deviceBackend(cluster, namespace)),
      `  default-server ${serverOptions(backend, cluster, namespace)}`,
      ...members.map((member) => `  server ${member.name} ${serverLine(backend, member)}`),
      '',
    ].join('\n'),
  ).join('\n');
}

function webBackend(cluster: string, namespace: string): readonly string[] {
  return [
    '  balance roundrobin',
    '  cookie SPACESRV insert indirect nocache httponly secure',
    // A worker that is gone costs its users one try: the request goes to another worker where it was not sent, or may be repeated.
    '  option redispatch 1',
    '  retries 3',
    '  retry-on conn-failure empty-response 503',
    '  http-request disable-l7-retry if ! { method GET HEAD OPTIONS PUT DELETE }',
    ...readiness(cluster, namespace),
  ];
}

function deviceBackend(cluster: string, namespace: string): readonly string[] {
  return [
    '  mode tcp',
    '  balance leastconn',
    '  option redispatch 1',
    '  option srvtcpka',
    '  timeout server 10m',
    ...readiness(cluster, namespace),
  ];
}

function readiness(cluster: string, namespace: string): readonly string[] {
  const host = workerHost(cluster, namespace);
  return ['  option httpchk', `  http-check send meth GET uri /readyz ver HTTP/1.1 hdr Host ${host}`];
}

/** The name in every worker's certificate. */
function workerHost(cluster: string, namespace: string): string {
  return `${names(cluster).services.workers}.${namespace}.svc`;
}

/** For the file's `default-server` and, as those are ignored there, for every `add server`. */
export function serverOptions({ name }: Backend, cluster: string, namespace: string): string {
  const host = workerHost(cluster, namespace);
  // Asked without TLS, whose handshakes took busy workers out for nothing. A hung worker is out after 2.8 s at the latest:
  // 0.5 s until it is asked, three times `timeout check`, and twice `fastinter`; a dead one is refused at once.
  const check = `check port ${PORTS.agent} fall 3 rise 2 fastinter 250ms downinter 500ms init-state down`;
  // Devices' connections are not ours to encrypt.
  return name === 'workers'
    ? `ssl verify required ca-file ${CA_FILE} verifyhost ${host} sni str(${host}) ${check} inter 500ms`
    : `${check} inter 1s`;
}

/** Address and what differs from worker to worker. */
export function serverLine({ name, port }: Backend, member: Member): string {
  return `${member.address}:${port}${name === 'workers' ? ` cookie ${member.name}` : ''}`;
}

/** RFC 9457. HAProxy's single quotes take everything but a single quote. */
function problem(status: number, title: string, detail: string): string {
  return JSON.stringify({ type: 'about:blank', title, status, detail });
}
