// The scripts of the engine's container: how it starts and how it stops.
import { PORTS } from '../../api/v1alpha1/names.ts';
import { PATHS, SUPERUSER } from './names.ts';

/**
 * Initialises an empty volume and becomes the server. A new data directory appears under its name only when it is
 * complete, so that an interrupted start is simply made again; a damaged one is never replaced. An empty server is
 * harmless: whether it founds a pair or joins one is the agent's decision (P3).
 */
export function startScript(): string {
  return `#!/bin/bash
set -euo pipefail
umask 0077
data=${PATHS.data}
if [ ! -s "$data/PG_VERSION" ]; then
  if [ -d "$data" ] && [ -n "$(ls -A "$data")" ]; then
    echo "$data has files but no PG_VERSION: damaged, or not PostgreSQL's. Restore it, or empty the volume to have it rebuilt from the other member." >&2
    exit 1
  fi
  rm -rf "$data" "$data.new"
  mkdir -p "$(dirname "$data")"
  initdb --pgdata="$data.new" --username=${SUPERUSER} --encoding=UTF8 --locale-provider=builtin --builtin-locale=C.UTF-8 \\
    --locale=C --data-checksums --auth-local=peer --auth-host=scram-sha-256
  mv -T "$data.new" "$data"
  sync -f "$data"
fi
# The volume's group may have been given rights on it: PostgreSQL refuses a directory that others can read.
chmod 0700 "$data"
exec postgres -D "$data" -c config_file=${PATHS.config}/postgresql.conf -c cluster_name="$HOSTNAME"
`;
}

/**
 * Run before the container is told to end: the agent takes this member out of the Services, then the server ends its
 * sessions and sends what the peer still lacks (a fast shutdown; SIGTERM would wait for the clients).
 */
export function stopScript(): string {
  return `#!/bin/bash
if exec 3<>/dev/tcp/127.0.0.1/${PORTS.agent}; then
  printf 'POST /handover HTTP/1.1\\r\\nHost: localhost\\r\\nContent-Length: 0\\r\\nConnection: close\\r\\n\\r\\n' >&3
  timeout 10 cat <&3 >/dev/null
fi
kill -INT 1
`;
}
