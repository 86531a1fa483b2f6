#!/bin/sh
# Deploys the stack on the swarm of this manager, shows what fairlead makes of it, and takes all of it away again.
# IMAGE: a web server on port 80. FAIRLEAD: how to call fairlead; not by npx, which keeps a signal to itself. RESOLVE: `never` when the image is on no image registry.
set -eu
cd "$(dirname "$0")"
fairlead=${FAIRLEAD:-node ../../dist/cli/main.js}

if [ "$(docker info --format '{{.Swarm.ControlAvailable}}')" != true ]; then
  echo "this engine is no manager of a swarm: docker swarm init" >&2
  exit 1
fi

left() {
  docker ps -aq --filter label=com.docker.stack.namespace=shop
  docker network ls -q --filter label=com.docker.stack.namespace=shop
}

clean() {
  [ -z "${pid:-}" ] || { kill "$pid" && wait "$pid" || true; }
  docker stack rm shop >/dev/null 2>&1 || true
  # The swarm takes its time: each container may use its ten seconds, and the networks go last.
  for _ in $(seq 60); do
    [ -n "$(left)" ] || break
    sleep 1
  done
  rm -rf registry state out/upstreams.conf fairlead.log
}
trap clean EXIT INT TERM

# $1 tasks of the service $2 run, and what the swarm wants is what runs.
await() {
  for _ in $(seq 60); do
    [ "$(docker service ps --filter desired-state=running --format '{{.CurrentState}}' "$2" | grep -c '^Running')" = "$1" ] && return
    sleep 1
  done
  echo "$2 has not come to $1 tasks" >&2
  exit 1
}

show() {
  echo
  echo "== $1"
  sleep 2
  $fairlead services
}

rm -rf registry state out/upstreams.conf
docker stack deploy --resolve-image "${RESOLVE:-always}" -c stack.yaml shop
$fairlead run 2>fairlead.log &
pid=$!
await 2 shop_web && await 1 shop_edge && await 1 shop_mesh
show "two tasks of web, one of edge on each node"

docker service scale --detach shop_web=4 >/dev/null
await 4 shop_web
show "web scaled to four"

docker service update --detach --label-add fairlead.drain=true shop_web >/dev/null
show "web drained by a label: still running, and used by nobody"
cat out/upstreams.conf
docker service update --detach --label-rm fairlead.drain shop_web >/dev/null
show "and back"
cat out/upstreams.conf

echo
echo "== what each service comes to, and why something is not registered"
$fairlead inspect swarm
echo
echo "== the same, as a whole"
$fairlead inspect swarm -c vip.yaml
