# shellcheck shell=bash
# SPDX-License-Identifier: PostgreSQL
#
# A few words of TAP for test scripts: check NAME COMMAND..., ok, not_ok, finish.

tap_count=0 tap_failed=0

ok()
{
	tap_count=$((tap_count + 1))
	echo "ok $tap_count - $1"
}

not_ok() # NAME [TEXT]: the text explains
{
	tap_count=$((tap_count + 1))
	tap_failed=$((tap_failed + 1))
	echo "not ok $tap_count - $1"
	if [ -n "${2:-}" ]; then printf '%s\n' "$2" | sed 's/^/# /'; fi
}

# Passes if the command succeeds; shows what it printed if it does not.
check()
{
	local name=$1 output
	shift
	if output=$("$@" 2>&1); then
		ok "$name"
	else
		not_ok "$name" "$output"
	fi
}

finish()
{
	echo "1..$tap_count"
	exit $((tap_failed > 0))
}
