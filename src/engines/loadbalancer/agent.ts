// The load balancer's agent: beats, feeds HAProxy its workers and certificates, and takes and gives up the Web IP.
import type { AgentProgram } from '../../agent/agent.ts';
import { startAgentServer } from '../../agent/server.ts';
import { assemble } from './assembly.ts';

export const program: AgentProgram = async (context) => {
  const { identity, log, signal } = context;
  const balancer = assemble(context);
  await balancer.prepare();
  const server = await startAgentServer({
    log,
    healthy: () => undefined,
    ready: balancer.missing,
    metrics: balancer.metrics,
    handOver: balancer.handOver,
  });
  /** Ends what runs behind; not before the Web IP has been given up. */
  const ending = new AbortController();
  const running = balancer.run(ending.signal);
  log.info('load balancer agent runs', { node: identity.node, ip: identity.ip });
  try {
    // Only a failure ends `running` early: this pod has been replaced by another of its name.
    await Promise.race([running, aborted(signal)]);
    await balancer.handOver();
    ending.abort();
    await running;
    await balancer.leave();
  } finally {
    ending.abort();
    await server.close();
  }
};

async function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  const stop = (): void => {
    resolve();
  };
  signal.addEventListener('abort', stop, { once: true });
  await promise;
}
