#!/usr/bin/env bash
# What the entry point of Flink's image does with its words and with its environment, re-enacted: it is not the image's own.
#
# The real scripts of the release do the rest. Left out: the change of user, jemalloc, built-in plugins and `envsubst`.
conf=$FLINK_HOME/conf

# Options of the environment.
options=("jobmanager.rpc.address: ${JOB_MANAGER_RPC_ADDRESS:-$(hostname)}" "blob.server.port: 6124")
while IFS= read -r line; do
    if [ -n "$line" ]; then options+=("$line"); fi
done <<<"${FLINK_PROPERTIES:-}"
if [ ! -w "$(ls -d "$conf"/flink-conf.yaml "$conf"/config.yaml 2>/dev/null | head -n 1)" ]; then
    echo "entrypoint: $conf is read-only, so the environment's options are lost" >&2
elif [ -x "$FLINK_HOME/bin/config-parser-utils.sh" ]; then
    words=()
    for option in "${options[@]}"; do
        option=${option//[[:space:]]/}
        words+=(-D "${option%%:*}=${option#*:}")
    done
    "$FLINK_HOME/bin/config-parser-utils.sh" "$conf" "$FLINK_HOME/bin" "$FLINK_HOME/lib" "${words[@]}"
else
    printf '%s\n' "${options[@]}" >>"$conf/flink-conf.yaml"
fi

role=$1
case $role in
    jobmanager | taskmanager | standalone-job)
        shift
        exec "$FLINK_HOME/bin/$role.sh" start-foreground "$@"
        ;;
    *) exec "$@" ;;
esac
