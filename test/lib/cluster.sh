# shellcheck shell=bash
# SPDX-License-Identifier: PostgreSQL
#
# Throw-away clusters for tests. One template is made; every suite that writes gets a copy of its
# own, on free ports, and the usual variables of libpq point at it.
#
# Wants $work, a folder that the cluster's user can reach and that may be deleted.

: "${work:?}"

next_port=$((20000 + RANDOM % 10000))
free_port() # sets $port
{
	while :; do
		next_port=$((next_port + 1))
		if ! (exec 3<>"/dev/tcp/127.0.0.1/$next_port") 2>/dev/null; then
			port=$next_port
			return
		fi
	done
}

# The template is stopped when it is made: a copy of a running cluster is not a cluster.
make_template()
{
	free_port
	bin/necp-cluster fresh --dir "$work/template" --pg-port "$port" --no-servers --scratch &&
		bin/necp-cluster stop --dir "$work/template"
}

# Starts a copy of the template and exports where it is. Options go to necp-cluster.
cluster_start() # NAME [OPTIONS...]
{
	local name=$1 port
	shift
	export NECP_DIR=$work/$name
	free_port; export NECP_PG_PORT=$port
	free_port; export NECP_EDGE_PORT=$port
	free_port; export NECP_REALTIME_PORT=$port
	export PGHOST=$NECP_DIR/run PGPORT=$NECP_PG_PORT PGUSER=postgres PGDATABASE=necpgame
	export NECP_EDGE_URL=http://127.0.0.1:$NECP_EDGE_PORT
	export NECP_REALTIME_URL=ws://127.0.0.1:$NECP_REALTIME_PORT/ws
	export NECP_PG_CONNINFO="host=$PGHOST port=$PGPORT dbname=necpgame user=postgres"
	export NECP_PSQL="psql -XqAt -v ON_ERROR_STOP=1"
	cp -a "$work/template" "$NECP_DIR"
	rm -f "$NECP_DIR"/log/*
	bin/necp-cluster start --scratch "$@"
}

# Runs after a suite: nothing was lost, nothing crashed. Prints TAP.
cluster_check()
{
	local violations
	if violations=$(psql -XAt -v ON_ERROR_STOP=1 -c 'SELECT * FROM necp.integrity_check()' 2>&1) &&
		[ -z "$violations" ]; then
		ok "integrity_check() is empty"
	else
		not_ok "integrity_check() is empty" "$violations"
	fi
	check "no backend crashed" cluster_did_not_crash
}

cluster_did_not_crash()
{
	# signal 9 is a test's own doing: nothing here kills itself so
	if grep -E 'PANIC|was terminated by signal [^9]|TRAP:' "$NECP_DIR/log/postgresql.log"; then
		return 1
	fi
}

cluster_stop()
{
	bin/necp-cluster stop
	mkdir -p build/test
	for file in "$NECP_DIR"/log/*.log; do
		cp "$file" "build/test/${NECP_DIR##*/}-${file##*/}"
	done
	rm -rf "$NECP_DIR"
}

# For the end: whatever is still running below $work.
clusters_stop_all()
{
	local dir
	for dir in "$work"/*/; do
		if [ -e "$dir/.necpgame" ]; then
			bin/necp-cluster stop --dir "${dir%/}" >/dev/null 2>&1
		fi
	done
}
