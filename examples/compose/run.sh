#!/bin/sh
# The stack of compose.yaml where the compose program is not there: the same containers, started by `docker run` with the labels that Compose
# sets. fairlead itself runs beside them, from this clone.
#
#   ./run.sh         a tour that ends by itself: up, look, restart the database, one web less, down
#   ./run.sh up      only starts it all
#   ./run.sh look    the catalogue and the rendered files
#   ./run.sh down    removes it all; the log and the files stay in state/
set -eu
cd "$(dirname "$0")"

DOCKER=${DOCKER:-docker}
FAIRLEAD=${FAIRLEAD:-node ../../dist/cli/main.js}
IMAGE=${IMAGE:-busybox}
PROXY_IMAGE=${PROXY_IMAGE:-nginx:alpine}
PORT=${PORT:-8088}
WORK=${WORK:-$PWD/state}
CONF=$WORK/conf
PROXY=http://127.0.0.1:$PORT
export WORK CONF PROXY

# As Compose names and labels a container: the project, the service, which one of it, and that it is no task.
start() { # SERVICE NUMBER [docker run's options] IMAGE [COMMAND]
    service=$1 number=$2
    shift 2
    $DOCKER run -d --name "shop-$service-$number" --network shop_default --network-alias "$service" \
        -l com.docker.compose.project=shop -l "com.docker.compose.service=$service" \
        -l "com.docker.compose.container-number=$number" -l com.docker.compose.oneoff=False "$@" >/dev/null
}

start_db() {
    start db 1 --expose 5432 -l fairlead.tags=sql \
        --health-cmd 'test -f /tmp/ready' --health-interval 1s --health-retries 1 \
        "$IMAGE" sh -c 'rm -f /tmp/ready; sleep 1; touch /tmp/ready; exec httpd -f -p 5432'
}

start_web() {
    start web "$1" --expose 80 -l fairlead.tags=http \
        "$IMAGE" sh -c 'mkdir -p /www; cat /etc/hostname > /www/index.html; exec httpd -f -p 80 -h /www'
}

start_proxy() {
    start proxy 1 -p "127.0.0.1:$PORT:80" -v "$CONF:/etc/nginx/conf.d:ro" -l fairlead.enable=false "$PROXY_IMAGE"
}

say() { printf '\n== %s\n' "$*"; }

wait_until() { # WHAT COMMAND…
    what=$1 tries=0
    shift
    until "$@"; do
        tries=$((tries + 1))
        if [ "$tries" -gt 600 ]; then
            echo "waited too long until $what" >&2
            exit 1
        fi
        sleep 0.1
    done
}
db_is_healthy() { [ "$($DOCKER inspect -f '{{.State.Health.Status}}' shop-db-1)" = healthy ]; }
has_servers() { [ "$(grep -c '^    server [0-9]' "$CONF/default.conf" 2>/dev/null)" = "$1" ]; }
has_db() { grep -q '^DB_HOST=[0-9]' "$CONF/app.env" 2>/dev/null; }
has_no_db() { ! has_db; }

up() {
    mkdir -p "$CONF" "$WORK/state"
    $DOCKER network create shop_default >/dev/null
    start_proxy
    start_db
    wait_until "the database is healthy" db_is_healthy # depends_on: { db: { condition: service_healthy } }
    start_web 1
    start_web 2
    $FAIRLEAD run -c fairlead.yaml 2>"$WORK/fairlead.log" &
    echo $! >"$WORK/fairlead.pid"
    wait_until "nginx has two servers" has_servers 2
    wait_until "the application knows its database" has_db
}

look() {
    $FAIRLEAD services -c fairlead.yaml
    echo
    cat "$CONF/default.conf" "$CONF/app.env"
}

down() {
    if [ -f "$WORK/fairlead.pid" ]; then
        pid=$(cat "$WORK/fairlead.pid")
        kill "$pid" 2>/dev/null || true
        wait_until "fairlead has ended" has_ended "$pid"
        rm "$WORK/fairlead.pid"
    fi
    containers=$($DOCKER ps -aq --filter label=com.docker.compose.project=shop)
    if [ -n "$containers" ]; then
        # shellcheck disable=SC2086 # one word each
        $DOCKER rm -f $containers >/dev/null
    fi
    $DOCKER network rm shop_default >/dev/null 2>&1 || true
}
has_ended() { ! kill -0 "$1" 2>/dev/null; }

tour() {
    trap down EXIT
    say "two instances of web and a database"
    up
    look
    say "the database is restarted: its entry goes, and comes back when it is healthy; what depends on it is restarted then"
    $DOCKER stop -t 1 shop-db-1 >/dev/null
    wait_until "the database's entry has gone" has_no_db
    cat "$CONF/app.env"
    $DOCKER start shop-db-1 >/dev/null
    wait_until "the database is healthy" db_is_healthy
    $DOCKER restart -t 1 shop-web-1 shop-web-2 >/dev/null
    wait_until "the application knows its database" has_db
    wait_until "nginx has two servers" has_servers 2
    look
    say "one web less"
    $DOCKER rm -f shop-web-2 >/dev/null
    wait_until "nginx has one server" has_servers 1
    look
    say "down"
}

case ${1:-tour} in
tour | up | look | down) "${1:-tour}" ;;
*)
    echo "usage: $0 [up | look | down]" >&2
    exit 2
    ;;
esac
