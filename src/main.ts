// The one program of the image. Each sub-command loads only its own code, so that an agent stays small.
import type { AgentModule } from './agent/agent.ts';
import { ConfigError, messageOf, SpaceClusterError } from './errors.ts';
import { staySmall } from './runtime/memory.ts';

const USAGE = `usage: spacecluster operator
       spacecluster agent mysql|postgresql|loadbalancer
       spacecluster worker
       spacecluster selfcheck`;

async function main(argv: readonly string[]): Promise<void> {
  const [command, ...rest] = argv;
  switch (command) {
    case 'operator': {
      staySmall();
      const { runOperator } = await import('./spacecluster/operator.ts');
      return runOperator(process.env);
    }
    case 'agent': {
      staySmall();
      const { startAgent } = await import('./agent/run.ts');
      return startAgent(await agentModule(rest[0]), process.env);
    }
    case 'worker': {
      const { runWorker } = await import('./worker/main.ts');
      return runWorker(process.env);
    }
    // Started by the operator for a moment, so that the Cassandra driver never lives in it.
    case 'cassandra-settle': {
      const { runSettler } = await import('./engines/cassandra/settler.ts');
      return runSettler();
    }
    // The same, for the library that signs.
    case 'sign-certificates': {
      const { runSigner } = await import('./spacecluster/signer.ts');
      return runSigner();
    }
    case 'selfcheck': {
      const { runSelfcheck } = await import('./selfcheck/main.ts');
      return runSelfcheck(process.env);
    }
    default:
      throw new ConfigError(`unknown command ${command ?? '(none)'}\n${USAGE}`);
  }
}

async function agentModule(engine: string | undefined): Promise<AgentModule> {
  switch (engine) {
    case 'mysql':
      return import('./engines/mysql/agent.ts');
    case 'postgresql':
      return import('./engines/postgresql/agent.ts');
    case 'loadbalancer':
      return import('./engines/loadbalancer/agent.ts');
    default:
      throw new ConfigError(`unknown engine ${engine ?? '(none)'}\n${USAGE}`);
  }
}

try {
  await main(process.argv.slice(2));
  // Pools and watches may keep the loop alive after an orderly end; there is nothing left to wait for.
  process.exit(0);
} catch (error) {
  const code = error instanceof SpaceClusterError ? error.code : 'unexpected';
  process.stderr.write(`${JSON.stringify({ level: 'error', code, message: messageOf(error) })}\n`);
  if (code === 'unexpected' && error instanceof Error) process.stderr.write(`${error.stack ?? ''}\n`);
  process.exit(code === 'SPC_CONFIG' ? 2 : 1);
}
