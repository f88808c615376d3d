// What the chart tells the operator, by environment variables.
import { ConfigError } from '../errors.ts';

export interface OperatorSettings {
  /** The product's own image, given to agents and workers. */
  readonly productImage: string;
  /** Where the operator itself runs; the home of its leader-election Lease. */
  readonly namespace: string;
  readonly podName: string;
  /** Networks inside which a SpaceCluster may ask for its own MetalLB pool (`vip.managePool`). Empty: nowhere. */
  readonly allowedCIDRs: readonly string[];
  readonly metallbNamespace: string;
  readonly logLevel: string;
  readonly healthPort: number;
}

/** @throws ConfigError naming every variable that is missing or wrong */
export function readSettings(env: NodeJS.ProcessEnv): OperatorSettings {
  const missing = ['SPC_IMAGE', 'POD_NAMESPACE', 'POD_NAME'].filter((name) => !env[name]);
  if (missing.length > 0)
    throw new ConfigError(`${missing.join(', ')} not set: the chart's Deployment sets them`);
  const healthPort = Number(env['SPC_HEALTH_PORT'] ?? 8080);
  if (!Number.isInteger(healthPort) || healthPort < 1 || healthPort > 65535) {
    throw new ConfigError(`SPC_HEALTH_PORT must be a port number, not ${env['SPC_HEALTH_PORT'] ?? ''}`);
  }
  return {
    productImage: env['SPC_IMAGE'] ?? '',
    namespace: env['POD_NAMESPACE'] ?? '',
    podName: env['POD_NAME'] ?? '',
    allowedCIDRs: (env['SPC_ALLOWED_CIDRS'] ?? '').split(',').filter((cidr) => cidr !== ''),
    metallbNamespace: env['SPC_METALLB_NAMESPACE'] ?? 'metallb-system',
    logLevel: env['SPC_LOG_LEVEL'] ?? 'info',
    healthPort,
  };
}
