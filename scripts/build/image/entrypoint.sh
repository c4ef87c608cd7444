#!/bin/sh
# Starts the agent in a container: writes its .flock file from the environment unless there is one, and becomes it.
set -eu

config=${AGENT_CONFIG_PATH:-/app/device-config.flock}
default_secret=ironflock-appliance-default-secret

# A JSON text. Control characters have no place in any of these values, and are left out.
text() {
  printf '"'
  printf '%s' "$1" | tr -d '\000-\037' | sed -e 's/\\/\\\\/g' -e 's/"/\\"/g'
  printf '"'
}

# A whole number, or 1.
number() {
  case $1 in
    '' | *[!0-9]*)
      echo "reagent: \"$1\" is no key; 1 is used" >&2
      printf 1
      ;;
    *) printf '%s' "$1" ;;
  esac
}

write_config() {
  registry=${AGENT_DOCKER_REGISTRY_URL:-appstore-registry:5000/}
  secret=${AGENT_SECRET:-$default_secret}
  if [ "$secret" = "$default_secret" ]; then
    echo "reagent: AGENT_SECRET is not set; everybody knows the secret that is used instead" >&2
  fi
  cat <<END
{
 "name": $(text "${AGENT_DEVICE_NAME:-ironflock-instance}"),
 "secret": $(text "$secret"),
 "board": {
  "model": "appliance",
  "modelname": "IronFlock Appliance"
 },
 "status": "DISCONNECTED",
 "swarm_key": $(number "${AGENT_SWARM_KEY:-1}"),
 "device_key": $(number "${AGENT_DEVICE_KEY:-1}"),
 "swarm_name": $(text "${AGENT_SWARM_NAME:-default}"),
 "serial_number": $(text "${AGENT_SERIAL_NUMBER:-00000000-0000-0000-0000-000000000001}"),
 "authentication": {
  "key": "",
  "certificate": ""
 },
 "swarm_owner_name": $(text "${AGENT_SWARM_OWNER:-admin}"),
 "device_endpoint_url": $(text "${AGENT_DEVICE_ENDPOINT_URL:-ws://ironflock_router:8080/ws-re-dev}"),
 "docker_registry_url": $(text "$registry"),
 "insecure-registries": $(text "$registry"),
 "docker_main_repository": $(text "${AGENT_DOCKER_MAIN_REPOSITORY:-apps/}")
}
END
}

# A file that is there is never touched: it may hold what Studio has changed. Complete at its rename.
if [ ! -e "$config" ]; then
  umask 077
  mkdir -p "$(dirname "$config")"
  write_config >"$config.new"
  mv "$config.new" "$config"
  umask 022
  echo "reagent: wrote $config"
fi

# NetworkManager is reached over it. The agent runs without.
if [ ! -S /run/dbus/system_bus_socket ] && command -v dbus-daemon >/dev/null 2>&1; then
  mkdir -p /run/dbus
  dbus-daemon --system --fork >/dev/null 2>&1 || echo "reagent: there is no system bus" >&2
fi

# An image is updated by its successor, not by the agent in it.
exec reagent -config "$config" -prettyLogging -env="${AGENT_ENV:-local}" -nmw="${AGENT_NMW:-false}" -update=false "$@"
