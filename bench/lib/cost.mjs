// SPDX-License-Identifier: PostgreSQL
//
// What a command costs the server, whatever the machine: the statements that the rule runs inside, the
// bytes of WAL, what is locked until its commit, and the CPU time of its backend. One client, so that
// everything counted is the command's own.
import assert from 'node:assert';
import { spawnSync } from 'node:child_process';

const WARM = 100; // plans are kept and caches are filled by then
const TRACED = 100;
const LOCKED = 20;
const RUNS = 3000;

// Runs of a script that cost() makes: what it uses up has to last for them.
export const COST_RUNS = 3 * WARM + TRACED + LOCKED + RUNS;

// Relation locks; the other locks of the lock manager; rows that are locked or written, which it does not know.
const TABLES = `SET client_min_messages = warning;
CREATE TABLE IF NOT EXISTS public.bench_marks (n int, cpu bigint, lsn pg_lsn);
CREATE TABLE IF NOT EXISTS public.bench_locks (relations int, others int, rows int);
TRUNCATE public.bench_marks, public.bench_locks;
CREATE OR REPLACE FUNCTION public.bench_rows(tables oid[]) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
	t regclass;
	rows int := 0;
	n int;
BEGIN
	FOREACH t IN ARRAY coalesce(tables, '{}')::regclass[] LOOP
		EXECUTE format('SELECT count(*) FROM %s WHERE pg_current_xact_id()::xid IN (xmin, xmax)', t) INTO n;
		rows := rows + n;
	END LOOP;
	RETURN rows;
END
$$;
CREATE OR REPLACE VIEW public.bench_held AS
	SELECT count(*) FILTER (WHERE locktype = 'relation' AND l.relation >= 16384)::int AS relations,
		count(*) FILTER (WHERE locktype NOT IN ('relation', 'virtualxid'))::int AS others,
		array_agg(DISTINCT c.oid) FILTER (WHERE c.relkind = 'r' AND l.mode IN ('RowShareLock', 'RowExclusiveLock')) AS tables
	FROM pg_locks l LEFT JOIN pg_class c ON c.oid = l.relation AND c.relnamespace = 'game'::regnamespace
	WHERE l.pid = pg_backend_pid();\n`;

// utime and stime in ticks of 10 ms, read by the backend of its own process.
const MARK = `INSERT INTO public.bench_marks SELECT :done, f[12]::bigint + f[13]::bigint, pg_current_wal_insert_lsn()
	FROM string_to_array(regexp_replace(pg_read_file('/proc/self/stat'), '^.*[)] ', ''), ' ') f;\n`;

class Cost {
	constructor(stack, name, script) {
		Object.assign(this, { stack, name, script, used: 0 });
	}

	// `at` is a list of [run, what is done before it]; runs go on from where the last ones ended.
	run(transactions, at, { before = '', after = '', set = '' } = {}) {
		const marks = at.map(([run, what]) => `\\if :done = ${run}\n${what}\\endif\n`).join('');
		const file = this.stack.file(`${this.name}.cost.sql`, `\\set done :done + 1\n${marks}${before}${this.script}${after}`);
		const { status, stdout, stderr } = spawnSync(`${this.stack.pgbin}/pgbench`, ['-h', `${this.stack.dir}/run`, '-p', this.stack.port, '-U', 'postgres',
			'-n', '-M', 'prepared', '-c', 1, '-t', transactions, '-D', 'done=-1', '-D', `n=${this.used - 1}`, '-f', file, 'necpgame'].map(String),
			{ env: { ...process.env, PGOPTIONS: `-c synchronous_commit=off ${set}` }, encoding: 'utf8', maxBuffer: 1 << 28 });
		this.used += transactions;
		if (status !== 0) throw new Error(stderr.slice(-4000));
		assert(stdout.includes(`processed: ${transactions}/${transactions}`), stdout);
		return stderr;
	}

	// As auto_explain tells them; what is most often run comes first.
	statements() {
		const out = this.run(WARM + TRACED, [[WARM, 'SET auto_explain.log_min_duration = 0;\n']],
			{ set: '-c session_preload_libraries=auto_explain -c auto_explain.log_nested_statements=on -c auto_explain.log_level=notice' });
		const texts = [...out.matchAll(/duration: .*?Query Text: (.*?)\n(?=\S*.*\(cost=)/gs)].map((it) => it[1].replace(/\s+/g, ' '));
		const times = new Map();
		for (const text of texts) times.set(text, (times.get(text) ?? 0) + 1);
		for (const [text, n] of [...times].sort((a, b) => b[1] - a[1]))
			console.error(`#     ${(n / TRACED).toFixed(2)} × ${text.slice(0, 150)}`);
		return ((out.match(/duration: /g)?.length ?? 0) - TRACED) / TRACED;
	}

	locks() {
		this.run(WARM + LOCKED, [], { before: 'BEGIN;\n',
			after: `\\if :done >= ${WARM}\nINSERT INTO public.bench_locks SELECT relations, others, public.bench_rows(tables) FROM public.bench_held;\n\\endif\nCOMMIT;\n` });
		const [relations, others, rows] = this.stack.psql('SELECT round(avg(relations), 1), round(avg(others), 1), round(avg(rows), 1) FROM public.bench_locks').split('|').map(Number);
		return { relations, others, rows };
	}

	// Bytes of WAL and microseconds of CPU.
	usage() {
		this.run(WARM + RUNS, [[WARM, MARK], [WARM + RUNS - 1, MARK]]);
		const [wal, ticks, runs] = this.stack.psql('SELECT max(lsn) - min(lsn), max(cpu) - min(cpu), max(n) - min(n) FROM public.bench_marks').split('|').map(Number);
		return { wal_bytes: Math.round(wal / runs), cpu_us: Math.round(ticks * 10000 / runs) };
	}
}

/*
 * The costs of a pgbench script of one command. It is run COST_RUNS times in sessions of one client, and
 * finds the number of the run in :n once it has added 1, as it does between 64 clients.
 */
export function cost(stack, name, script) {
	const it = new Cost(stack, name, script);
	stack.psql(TABLES);
	const statements = it.statements();
	const locks = it.locks();
	return { statements, ...it.usage(), locks };
}
