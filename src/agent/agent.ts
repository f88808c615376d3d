// What every engine's agent is handed, and how one is started. The engines' agent.ts files implement `AgentProgram`.
import type { SpaceCluster } from '../api/v1alpha1/index.ts';
import type { KubeClient } from '../kube/client.ts';
import type { Logger } from '../log.ts';
import type { Identity } from './identity.ts';

export interface AgentContext {
  readonly identity: Identity;
  readonly kube: KubeClient;
  readonly log: Logger;
  /** The SpaceCluster as last seen on its watch: profile, durability, asked hand-overs. */
  cluster(): SpaceCluster;
  /** Has this process seen it? Else `cluster()` is what an earlier one saw, since the API server does not answer. */
  clusterSeen(): boolean;
  /** Called after each change of the SpaceCluster. Must not throw. */
  onClusterChange(listener: () => void): void;
  /** Aborted on SIGTERM, after which the program hands its roles over and returns. */
  readonly signal: AbortSignal;
}

/** One engine's agent: runs until `signal` is aborted and what it holds is given up in order. */
export type AgentProgram = (context: AgentContext) => Promise<void>;

/** What an engine's agent.ts exports. */
export interface AgentModule {
  readonly program: AgentProgram;
  /** Where the SpaceCluster is kept for an agent that is started while the API server is away. Without it that one waits. */
  readonly clusterFile?: string;
}
