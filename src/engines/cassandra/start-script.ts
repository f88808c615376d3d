// The members' start script: starts Cassandra in the one way that is safe for what the member's disk, its peers and the
// ring's record say. Everything that could form a second ring or join without its data is decided here.
import { PORTS } from '../../api/v1alpha1/names.ts';
import { DATA_DIR, STORAGE_PORT } from './config.ts';
import { DATACENTER } from './members.ts';

/** Where the script finds its inputs. */
export const CONFIG_MOUNT = '/etc/spacecluster/cassandra';
export const STATE_MOUNT = '/etc/spacecluster/state';
export const TLS_MOUNT = '/etc/spacecluster/tls';

/** Written once the member has joined: from then on its own data says who it is. */
export const JOINED_MARKER = `${DATA_DIR}/joined`;

/** In its place once the member was decommissioned: all that is on this disk has gone to the others. */
export const LEFT_MARKER = `${DATA_DIR}/left`;

/**
 * | joined | ring's record | the member | it starts |
 * |---|---|---|---|
 * | yes | any | has its data | as itself; the first members of the racks are the seeds |
 * | no | empty | first of all, no peer answers | as the first of a new ring, its own seed |
 * | no | empty | another | with the first as seed and without streaming: no row can exist before the record does |
 * | no | names this member | lost its disk | in its old place, by `replace_address_first_boot`, once a peer serves |
 * | no | names others only | new | by an ordinary bootstrap, once all members before it serve (one at a time) |
 * | it left | no longer names it | was decommissioned | with an empty disk, as a new one |
 *
 * A member is never in its own seed list before it has joined: Cassandra would let it join without its data.
 */
export const START_SCRIPT = `#!/bin/bash
set -euo pipefail

joined=${JOINED_MARKER}
left=${LEFT_MARKER}
record_file=${STATE_MOUNT}/cassandra
mapfile -t members <${CONFIG_MOUNT}/members

# What the operator had begun here ended with the last process.
rm -rf /tmp/tend

say() { echo "start: $*"; }
name_of() { echo "$1.$DOMAIN"; }
answers() { timeout 2 bash -c 'exec 3<>"/dev/tcp/$1/$2"' _ "$(name_of "$1")" "$2" 2>/dev/null; }
record() { cat "$record_file" 2>/dev/null || true; }
formed() { [[ $(record) == *'"addresses":{"'* ]]; }
# The address by which the ring knows this member; empty when it does not.
old_address() { [[ $(record) =~ \\"$POD_NAME\\":\\"([0-9.]+)\\" ]] && echo "\${BASH_REMATCH[1]}" || true; }

# Names of the first members of the racks; $1 = without leaves this member out.
seeds() {
  local member list=
  for member in "\${members[@]}"; do
    [[ $member == *-0 ]] || continue
    [[ $1 == without && $member == "$POD_NAME" ]] && continue
    list+="\${list:+,}$(name_of "$member")"
  done
  echo "$list"
}

any_peer_answers() {
  local member
  for member in "\${members[@]}"; do
    [[ $member == "$POD_NAME" ]] || ! answers "$member" "$1" || return 0
  done
  return 1
}

all_before_serve() {
  local member
  for member in "\${members[@]}"; do
    [[ $member != "$POD_NAME" ]] || return 0
    answers "$member" ${PORTS.cassandra} || return 1
  done
}

# wait_until WHAT COMMAND...: tries each second, says each half minute what it waits for.
wait_until() {
  local what=$1 tries=0
  shift
  until "$@"; do
    ((tries++ % 30)) || say "waiting until $what"
    sleep 1
  done
}

configure() {
  local seeds=$1 auto_bootstrap=$2
  # A container that is started again finds what the last one left, and may not write over copies of read-only files.
  find "$CASSANDRA_CONF" -mindepth 1 -delete
  cp -r /etc/cassandra/. "$CASSANDRA_CONF/"
  # A leftover of another snitch that would assign racks by address.
  rm -f "$CASSANDRA_CONF/cassandra-topology.properties"
  (umask 077 && cat ${TLS_MOUNT}/tls.key ${TLS_MOUNT}/tls.crt >"$CASSANDRA_CONF/keystore.pem")
  cp ${TLS_MOUNT}/ca.crt "$CASSANDRA_CONF/truststore.pem"
  printf 'dc=${DATACENTER}\\nrack=%s\\n' "$RACK" >"$CASSANDRA_CONF/cassandra-rackdc.properties"
  {
    cat ${CONFIG_MOUNT}/cassandra.yaml
    printf 'listen_address: %s\\nrpc_address: %s\\n' "$POD_IP" "$POD_IP"
    printf 'auto_bootstrap: %s\\n' "$auto_bootstrap"
    printf 'seed_provider: [{class_name: org.apache.cassandra.locator.SimpleSeedProvider, parameters: [{seeds: "%s"}]}]\\n' "$seeds"
  } >"$CASSANDRA_CONF/cassandra.yaml"
}

launch() {
  say "$1"
  exec cassandra -f
}

extra() { export JVM_EXTRA_OPTS="\${JVM_EXTRA_OPTS:-} $*"; }

resolves_to_self() { getent ahostsv4 "$(name_of "$POD_NAME")" | grep -q "^$POD_IP "; }

# Where DNS knows this pod's new address it has forgotten the old ones of its peers, if they moved too.
wait_until "DNS says that $(name_of "$POD_NAME") is $POD_IP" resolves_to_self

if [[ -e $joined ]]; then
  configure "$(seeds with)" true
  launch "this member has joined before; it starts with its data"
fi

not_recorded() { [[ -z $(old_address) ]]; }

if [[ -e $left ]]; then
  wait_until "the operator has taken note that this member left" not_recorded
  say "this member left the ring, and its data went to the others: it begins anew"
  rm -rf ${DATA_DIR}/{data,commitlog,saved_caches,hints,cdc_raw}
  sync ${DATA_DIR}
  rm -f "$left"
fi

is_first() { [[ $POD_NAME == "\${members[0]}" ]]; }
may_form() { formed || is_first || any_peer_answers ${STORAGE_PORT}; }

wait_until "\${members[0]} forms the ring" may_form
if ! formed; then
  # Before the record no row can have been written: nothing to stream, no ring to settle.
  extra -Dcassandra.skip_wait_for_gossip_to_settle=0
  if any_peer_answers ${STORAGE_PORT}; then
    if is_first; then configure "$(seeds without)" false; else configure "$(name_of "\${members[0]}")" false; fi
    launch "a new ring is being formed; it joins with nothing to stream"
  elif is_first; then
    configure "$(name_of "$POD_NAME")" true
    extra -Dcassandra.superuser_setup_delay_ms=0
    launch "no ring was ever formed and no peer answers; it is the first of a new one"
  fi
fi

old=$(old_address)
if [[ -n $old ]]; then
  wait_until "a peer serves: this member's data is gone, it streams it back in the place of $old" any_peer_answers ${PORTS.cassandra}
  configure "$(seeds without)" true
  extra "-Dcassandra.replace_address_first_boot=$old"
  launch "its data is gone; it takes the place of $old"
fi

wait_until "every member before this one serves: members join one at a time" all_before_serve
configure "$(seeds without)" true
launch "it joins the ring as a new member"
`;

/** Run by the start-up probe until it succeeds: the native port opens only after the member has joined. */
export const JOINED_PROBE = String.raw`exec 3<>"/dev/tcp/$POD_IP/${PORTS.cassandra}" && touch ${JOINED_MARKER}`;
