// Pure: the socket commands that bring HAProxy's servers to the wanted members.
import { BACKENDS, serverLine, serverOptions } from './config.ts';
import type { Backend, Member } from './config.ts';

/** One server as `show servers state` tells it. */
export interface Server {
  readonly backend: string;
  readonly name: string;
  readonly address: string;
  readonly port: number;
  /** Does its health check pass, or is it not finished yet? */
  readonly up: boolean;
  /** Taken out by command. */
  readonly maintenance: boolean;
}

const FORCED_MAINTENANCE = 0x01;

/** Reads the answer of `show servers state` by its header line, which names the columns. */
export function parseServers(text: string): readonly Server[] {
  const lines = text.split('\n');
  const header = lines.find((line) => line.startsWith('# '));
  if (header === undefined) return [];
  const columns = header.slice(2).trim().split(' ');
  const at = (row: readonly string[], column: string): string => row[columns.indexOf(column)] ?? '';
  return lines
    .filter((line) => /^\d+ /.test(line))
    .map((line) => line.trim().split(' '))
    .map((row) => ({
      backend: at(row, 'be_name'),
      name: at(row, 'srv_name'),
      address: at(row, 'srv_addr'),
      port: Number(at(row, 'srv_port')),
      up: at(row, 'srv_op_state') !== '0',
      maintenance: (Number(at(row, 'srv_admin_state')) & FORCED_MAINTENANCE) !== 0,
    }));
}

/**
 * Commands in order; none when all is as wanted. A server leaves in two rounds: it is taken out, and deleted once its
 * connections have ended. An empty wish is not believed while there are servers: their own checks know better.
 */
export function commandsFor(
  members: readonly Member[],
  servers: readonly Server[],
  cluster: string,
  namespace: string,
): readonly string[] {
  if (members.length === 0) return [];
  return BACKENDS.flatMap((backend) => {
    const present = new Map(
      servers.filter((server) => server.backend === backend.name).map((server) => [server.name, server]),
    );
    const wanted = new Set(members.map(({ name }) => name));
    return [
      ...members.flatMap((member) =>
        forMember(backend, member, present.get(member.name), cluster, namespace),
      ),
      ...[...present.values()].filter(({ name }) => !wanted.has(name)).flatMap(forLeaver),
    ];
  });
}

function forMember(
  backend: Backend,
  member: Member,
  server: Server | undefined,
  cluster: string,
  namespace: string,
): readonly string[] {
  const id = `${backend.name}/${member.name}`;
  if (server === undefined) {
    return [
      `add server ${id} ${serverLine(backend, member)} ${serverOptions(backend, cluster, namespace)}`,
      `enable health ${id}`,
      ...(member.accepts ? [`enable server ${id}`] : []),
    ];
  }
  const moved = server.address !== member.address || server.port !== backend.port;
  return [
    // What was known of its health was another pod's.
    ...(moved
      ? [`set server ${id} addr ${member.address} port ${backend.port}`, `set server ${id} health down`]
      : []),
    ...(member.accepts && server.maintenance ? [`set server ${id} state ready`] : []),
    ...(!member.accepts && !server.maintenance ? [`set server ${id} state maint`] : []),
  ];
}

function forLeaver({ backend, name, maintenance }: Server): readonly string[] {
  const id = `${backend}/${name}`;
  return maintenance
    ? [`shutdown sessions server ${id}`, `del server ${id}`]
    : [`set server ${id} state maint`];
}
