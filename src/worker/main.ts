// The worker's process: databases, applications, HTTPS, heartbeat, and an orderly end.
import { readIdentity } from '../agent/identity.ts';
import { PORTS } from '../api/v1alpha1/names.ts';
import { messageOf } from '../errors.ts';
import { loadKubeConfig } from '../kube/config.ts';
import { createKubeClient } from '../kube/http-client.ts';
import { sleep } from '../kube/wait.ts';
import { createLogger } from '../log.ts';
import type { Logger } from '../log.ts';
import { startHealthServer } from '../runtime/health.ts';
import { Registry } from '../runtime/metrics.ts';
import { addProcessMetrics } from '../runtime/process-metrics.ts';
import { createApp } from './app.ts';
import type { App } from './app.ts';
import type { Application } from './applications/application.ts';
import { fabricApplication } from './applications/fabric/application.ts';
import { usersApplication } from './applications/users/application.ts';
import { Authenticator } from './auth/authenticator.ts';
import { Sessions } from './auth/sessions.ts';
import { Users } from './auth/users.ts';
import { Cluster } from './cluster.ts';
import { Databases } from './databases.ts';
import { readiness } from './readiness.ts';
import type { Readiness } from './readiness.ts';
import { Settings } from './settings.ts';
import type { ServerCertificate } from './settings.ts';

/** How long the balancers are given to notice that this worker is ending, before it takes no more connections. */
const DRAIN_MS = 3_000;
const CERTIFICATE_CHECK_MS = 30_000;
const MIGRATION_RETRY_MS = 500;

/** Runs until SIGTERM or SIGINT, and until the requests under way are answered. */
export async function runWorker(env: NodeJS.ProcessEnv): Promise<void> {
  const identity = readIdentity(env);
  const log = createLogger(env['SPC_LOG_LEVEL'] ?? 'info', { pod: identity.pod });
  const settings = new Settings(env, identity);
  const kube = createKubeClient(await loadKubeConfig(env), { userAgent: 'spacecluster-worker' });
  const stop = stopSignal();
  const end = new AbortController();

  const databases = new Databases(settings, log);
  const cluster = new Cluster({
    kube,
    identity,
    log,
    ring: () => databases.cassandra.members(),
    onPrimary: (address) => {
      databases.primaryAt(address);
    },
  });
  const { applications, authenticator } = assemble(databases, cluster, settings, log, end.signal);
  const schema = { current: false };
  const certificate = await settings.certificate();
  const ready = (): Readiness =>
    readiness({
      databases: databases.health.states(performance.now()),
      missing: [
        ...(schema.current ? [] : ['the MySQL schema is not up to date yet']),
        ...applications.flatMap((application) => application.missing() ?? []),
      ],
      stopping: stop.aborted,
    });
  const app = await createApp({
    node: identity.pod,
    version: env['SPC_VERSION'] ?? 'dev',
    certificate,
    applications,
    authenticator,
    readiness: ready,
    log,
    signal: end.signal,
  });
  await app.fastify.listen({ host: '0.0.0.0', port: PORTS.worker });
  // Asked many times a second by balancers and kubelet: a TLS handshake for each would be most of what an idle worker does.
  const registry = new Registry();
  addProcessMetrics(registry);
  const probes = await startHealthServer({
    port: PORTS.agent,
    registry,
    ready: () => {
      const state = ready();
      return state.ready ? [] : [state.detail];
    },
  });
  log.info('worker serves', { port: PORTS.worker });

  const background = Promise.all([
    cluster.run(end.signal),
    databases.health.run(end.signal),
    followCertificate(app, certificate, settings, log, end.signal),
    runApplications(applications, databases, schema, log, end.signal),
  ]);
  try {
    // What ends by itself has failed: a newer pod of this name beats, or there is a bug.
    await Promise.race([background, aborted(stop)]);
    await drain(app, log);
  } finally {
    end.abort();
    await Promise.allSettled([background, probes.close()]);
    await databases.close();
    await release(cluster, log);
    kube.close();
  }
}

function assemble(
  databases: Databases,
  cluster: Cluster,
  settings: Settings,
  log: Logger,
  signal: AbortSignal,
): { readonly applications: readonly Application[]; readonly authenticator: Authenticator } {
  const users = new Users(databases.mysql);
  const sessions = new Sessions(databases.mysql, () => settings.sessionKey());
  const authenticator = new Authenticator(users, sessions);
  return {
    authenticator,
    applications: [
      usersApplication({ users, sessions, authenticator, admin: () => settings.admin(), log, signal }),
      fabricApplication(() => cluster.facts()),
    ],
  };
}

/** The schema first, then the applications' background work. */
async function runApplications(
  applications: readonly Application[],
  databases: Databases,
  schema: { current: boolean },
  log: Logger,
  signal: AbortSignal,
): Promise<void> {
  const migrations = applications.flatMap((application) => application.migrations);
  while (!signal.aborted && !schema.current) {
    try {
      await databases.migrate(migrations, signal);
      schema.current = true;
    } catch (error) {
      log.debug('MySQL schema not up to date yet', { error: messageOf(error) });
      await sleep(MIGRATION_RETRY_MS, signal);
    }
  }
  await Promise.all(applications.map((application) => application.run(signal)));
}

/** Readiness says no from the signal on; requests that still come meanwhile are served. */
async function drain(app: App, log: Logger): Promise<void> {
  log.info('worker drains');
  await sleep(DRAIN_MS, new AbortController().signal);
  await app.fastify.close();
}

async function followCertificate(
  app: App,
  first: ServerCertificate,
  settings: Settings,
  log: Logger,
  signal: AbortSignal,
): Promise<void> {
  let current = first;
  for (;;) {
    await sleep(CERTIFICATE_CHECK_MS, signal);
    if (signal.aborted) return;
    try {
      const next = await settings.certificate();
      if (next.cert === current.cert && next.key === current.key) continue;
      app.renew(next);
      current = next;
      log.info('certificate renewed');
    } catch (error) {
      // Between two writes of the Secret the pair may not match yet.
      log.warn('certificate could not be renewed', { error: messageOf(error) });
    }
  }
}

async function release(cluster: Cluster, log: Logger): Promise<void> {
  try {
    await cluster.release();
  } catch (error) {
    // It runs out by itself.
    log.warn('heartbeat could not be released', { error: messageOf(error) });
  }
}

function stopSignal(): AbortSignal {
  const stop = new AbortController();
  for (const name of ['SIGTERM', 'SIGINT'] as const) {
    process.once(name, () => {
      stop.abort();
    });
  }
  return stop.signal;
}

async function aborted(signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  if (signal.aborted) resolve();
  signal.addEventListener('abort', () => {
    resolve();
  });
  await promise;
}
