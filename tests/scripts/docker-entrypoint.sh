#!/usr/bin/env bash
# A RE-ENACTMENT of the entry point of the official Flink images, written anew from what it is known to do; it is not the
# image's own text. It does what matters to Flink's configuration and arguments: no jemalloc, no plugins, no other user.
#
# Up to 1.18 the variables are edited into `flink-conf.yaml` line by line, FLINK_PROPERTIES is appended, and envsubst goes
# over the whole file; from 1.19 they are options for `config-parser-utils.sh`, which writes the file anew. As there, no
# failure stops the start.
set -u
conf=$FLINK_HOME/conf

# --- up to 1.18 ---

# Sets the option $1 to $2: in its line, where it has one.
edit() {
    local pattern=${1//./\\.}
    if grep -Eq "^$pattern:" "$conf/flink-conf.yaml"; then
        sed -i "s/$pattern:.*/$1: $2/g" "$conf/flink-conf.yaml"
    else
        echo "$1: $2" >>"$conf/flink-conf.yaml"
    fi
}

edit_file() {
    edit jobmanager.rpc.address "${JOB_MANAGER_RPC_ADDRESS:-$(hostname -f)}"
    edit blob.server.port 6124
    edit query.server.port 6125
    local slots=${TASK_MANAGER_NUMBER_OF_TASK_SLOTS:-}
    # 1.13 has a default of its own.
    [[ $version != 1.13.* ]] || slots=${slots:-1}
    [ -z "$slots" ] || edit taskmanager.numberOfTaskSlots "$slots"
    [ -z "${FLINK_PROPERTIES:-}" ] || echo "$FLINK_PROPERTIES" >>"$conf/flink-conf.yaml"
    envsubst <"$conf/flink-conf.yaml" >"$conf/flink-conf.yaml.tmp" && mv "$conf/flink-conf.yaml"{.tmp,}
}

# --- from 1.19 ---

rewrite() {
    "$FLINK_HOME/bin/config-parser-utils.sh" "$conf" "$FLINK_HOME/bin" "$FLINK_HOME/lib" "$@"
}

rewrite_file() {
    local slots=${TASK_MANAGER_NUMBER_OF_TASK_SLOTS:-}
    rewrite "-Djobmanager.rpc.address=${JOB_MANAGER_RPC_ADDRESS:-$(hostname -f)}" \
        -Dblob.server.port=6124 -Dquery.server.port=6125 ${slots:+"-Dtaskmanager.numberOfTaskSlots=$slots"}
    local line key value options=()
    local IFS=$'\n'
    # Without quotes, as there: a `*` is taken for files.
    for line in ${FLINK_PROPERTIES:-}; do
        line=$(echo $line | tr -d '[:space:]')
        [ -n "$line" ] || continue
        IFS=: read -r key value <<<"$line"
        options+=("-D$key=$(echo $value | envsubst)")
    done
    IFS=$' \t\n'
    [ ${#options[@]} -eq 0 ] || rewrite "${options[@]}"
}

version=$(cd "$FLINK_HOME/lib" && echo flink-dist*.jar)
version=${version%.jar}
version=${version##*-}
if [ -e "$FLINK_HOME/bin/config-parser-utils.sh" ]; then rewrite_file; else edit_file; fi

case ${1:-} in
jobmanager | standalone-job | taskmanager) exec "$FLINK_HOME/bin/$1.sh" start-foreground "${@:2}" ;;
history-server) exec "$FLINK_HOME/bin/historyserver.sh" start-foreground "${@:2}" ;;
help) exit 0 ;;
*) exec "$@" ;;
esac
