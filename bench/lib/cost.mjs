// SPDX-License-Identifier: PostgreSQL
//
// What one command costs inside of PostgreSQL: its statements, its locks, its bytes of WAL, and the time
// on a CPU of the backends that ran it.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

const TRACED = 100;

/*
 * Statements that a rule runs inside a command, as auto_explain tells them. Commands that do more the first
 * time in a connection do so before it counts. call(n) is the n-th command, without a semicolon.
 */
function statements(stack, call) {
	const script = stack.file('traced.sql', `LOAD 'auto_explain'; SET auto_explain.log_nested_statements = on; SET auto_explain.log_level = 'notice';
		${call(0)}; SET auto_explain.log_min_duration = 0;\n` + Array.from({ length: TRACED }, (_, i) => `${call(i + 1)};\n`).join(''));
	const told = execFileSync('sh', ['-c', '"$0" -h "$1" -p "$2" -U postgres -XqAt -v ON_ERROR_STOP=1 -d necpgame -f "$3" 2>&1', `${stack.pgbin}/psql`, `${stack.dir}/run`, String(stack.port), script], { maxBuffer: 1 << 28 }).toString();
	const all = told.match(/duration: /g)?.length ?? 0;
	return (all - TRACED) / TRACED;
}

// Locks of the lock table that a command holds when it is about to commit, without those of the look itself.
function locks(stack, call) {
	const held = 'SELECT count(*) FROM pg_locks WHERE pid = pg_backend_pid()';
	const seen = stack.psql(`${call(TRACED + 1)}; BEGIN; ${held}; ROLLBACK; BEGIN; ${call(TRACED + 2)}; ${held}; ROLLBACK`).split('\n');
	return Number(seen.at(-1)) - Number(seen.at(1));
}

// CPU seconds of the backends that have ended; the postmaster inherits them.
function spent(stack) {
	const pid = Number(readFileSync(`${stack.psql('SHOW data_directory')}/postmaster.pid`, 'utf8').split('\n')[0]);
	const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
	return (Number(fields[13]) + Number(fields[14])) / 100;
}

const insertion = (stack) => Number(stack.psql(`SELECT pg_current_wal_insert_lsn() - '0/0'`));

/*
 * Runs pgbench with a script of one command: its rate, and the cost of each. call(n) is the same command
 * for psql; what runs beside it in the cluster writes too, so nothing else should.
 */
export function measureCost(stack, script, call, options) {
	const nested = statements(stack, call);
	const held = locks(stack, call);
	const [cpu, lsn] = [spent(stack), insertion(stack)];
	const { rate, count } = stack.pgbenchCounted(script, options);
	const [end, done] = [insertion(stack), spent(stack)];
	return { rate, cost: { statements: nested, locks: held, wal_bytes: Math.round((end - lsn) / count), cpu_us: Number((1e6 * (done - cpu) / count).toPrecision(3)) } };
}
