// SPDX-License-Identifier: PostgreSQL
//
// A cluster with both servers of its own, and the accounts that the cases act as.
import { execFile, execFileSync, spawn, spawnSync } from 'node:child_process';
import { createHmac, randomUUID } from 'node:crypto';
import { cpus, loadavg } from 'node:os';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { promisify } from 'node:util';

const FIRST = Number(process.env.NECP_BENCH_PORT ?? 54170);
const PORTS = { pg: FIRST, edge: FIRST + 1, realtime: FIRST + 2 };

const base64url = (data) => Buffer.from(data).toString('base64url');

export class Stack {
	static async start() {
		const stack = new Stack();
		stack.dir = process.env.NECP_BENCH_DIR ?? '/tmp/necp-bench';
		stack.work = mkdtempSync('/tmp/necp-bench-files.');
		execFileSync('chmod', ['755', stack.work]);
		execFileSync('bin/necp-cluster', ['fresh', '--dir', stack.dir, '--pg-port', PORTS.pg, '--edge-port', PORTS.edge,
			'--realtime-port', PORTS.realtime, '--set', 'max_connections=200', '--set', 'shared_buffers=512MB',
			'--set', 'max_wal_size=4GB', '--set', 'checkpoint_timeout=30min',
			'--set', 'necpgame.push_ring_kb=32768'].map(String), { stdio: ['ignore', 'inherit', 'inherit'] });
		stack.pgbin = execFileSync('pg_config', ['--bindir']).toString().trim();
		stack.port = PORTS.pg;
		stack.edge = `http://127.0.0.1:${PORTS.edge}`;
		stack.realtime = `127.0.0.1:${PORTS.realtime}`;
		stack.describe();
		stack.raiseRates();
		stack.makePlayers(1000);
		return stack;
	}

	stop() {
		execFileSync('bin/necp-cluster', ['stop', '--dir', this.dir], { stdio: 'ignore' });
		rmSync(this.work, { recursive: true });
		if (!process.env.NECP_BENCH_DIR) rmSync(this.dir, { recursive: true, force: true });
	}

	// What is measured, and on what.
	describe() {
		const cpu = /model name\s*: (.*)/.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1];
		console.error(`# ${cpus().length} × ${cpu}, load ${loadavg()[0]}`);
		console.error(`# ${this.psql('SELECT version()')}`);
		console.error(`# ${this.psql(`SELECT string_agg(name || '=' || current_setting(name), ' ' ORDER BY name) FROM pg_settings
			WHERE name IN ('fsync', 'synchronous_commit', 'full_page_writes', 'shared_buffers', 'max_wal_size', 'max_connections', 'wal_level')`)}`);
		for (const name of ['edge', 'realtime'])
			console.error(`# ${readFileSync(`/proc/${this.pid(name)}/cmdline`, 'utf8').replaceAll('\0', ' ')}`);
	}

	psql(sql, ...args) {
		return execFileSync(`${this.pgbin}/psql`, ['-h', `${this.dir}/run`, '-p', PORTS.pg, '-U', 'postgres', '-XqAt',
			'-v', 'ON_ERROR_STOP=1', ...args, '-d', 'necpgame', '-f', '-'].map(String), { input: sql, maxBuffer: 1 << 28 }).toString().trim();
	}

	file(name, text) {
		const path = `${this.work}/${name}`;
		writeFileSync(path, text);
		return path;
	}

	// Buckets that a benchmark would run dry, locks that it would run into, and sessions that would be lost between two measurements, since
	// not all of them have a client; nothing else of the configuration is changed.
	raiseRates() {
		this.psql(`SELECT necp.config_set(key, '{"count": 1000000000, "seconds": 1}') FROM game.config WHERE key LIKE 'rate.%';
			SELECT necp.config_set(key, '1000000000') FROM game.config WHERE key LIKE 'auth.%_lock_%_failures'
			OR key IN ('session.idle_s', 'session.afk_s', 'session.afk_warn_s', 'session.afk_close_s', 'session.silence_s');
			SELECT necp.config_set('realtime.frames_per_second', '100000');
			SELECT necp.content_import('zones', (SELECT jsonb_agg(to_jsonb(z) - 'id' - 'origin' || '{"capacity": 1000}') FROM game.zones z));`);
	}

	/*
	 * Players 1…n with a selected character in the first zone. Their session ids count up, so that
	 * pgbench can name the session of a client.
	 */
	makePlayers(n) {
		this.psql(`SET necpgame.rehearsal = on;
			DO $$ DECLARE r json; sid uuid; BEGIN
			FOR i IN 1..${n} LOOP
				r := necp.auth_register(email => 'p' || i || '@bench', username => 'bench' || i, password_hash => 'none', client_ip => NULL);
				r := necp.auth_login(email => 'p' || i || '@bench', verified_hash => 'none', client_ip => NULL, user_agent => NULL);
				sid := ('00000000-0000-4000-8000-' || lpad((r ->> 'account_id'), 12, '0'))::uuid;
				UPDATE game.player_sessions SET id = sid WHERE id = (r ->> 'session_id')::uuid;
				PERFORM necp.enter(sid, NULL, NULL, NULL, 'a', -1);
				r := necp.character_create('Bench ' || i, 'breaker', 'street');
				PERFORM necp.character_select((r ->> 'character_id')::bigint);
			END LOOP; END $$;`);
		this.psql('VACUUM ANALYZE');
		const [kid, secret] = this.psql(`SELECT kid, encode(secret, 'hex') FROM game.signing_keys ORDER BY signs_from LIMIT 1`).split('|');
		this.players = this.psql(`SELECT s.account_id, s.id, s.character_id FROM game.player_sessions s
			WHERE closed_at IS NULL ORDER BY account_id`).split('\n').map((line) => {
			const [account, session, character] = line.split('|');
			return { account, session, character, token: this.sign(kid, Buffer.from(secret, 'hex'), account, session) };
		});
		if (this.players.length !== n || this.players.some((p) => p.character === ''))
			throw new Error('not every player has a character');
		this.file('tokens', this.players.map((p) => `${p.token} ${p.character}\n`).join(''));
	}

	sign(kid, secret, account, session) {
		const now = Math.floor(Date.now() / 1000);
		const head = base64url(JSON.stringify({ alg: 'HS256', typ: 'JWT', kid }));
		const body = base64url(JSON.stringify({ iss: 'necpgame', type: 'access', sub: account, sid: session, roles: ['PLAYER'],
			permissions: ['game.play'], jti: randomUUID(), iat: now, exp: now + 86400 }));
		return `${head}.${body}.${createHmac('sha256', secret).update(`${head}.${body}`).digest('base64url')}`;
	}

	/*
	 * Transactions per second of a script; options are pgbench's. The first `warm` seconds do not count: its
	 * connections are new and plan every statement once, which those of the edge have done long before.
	 */
	pgbench(script, { clients = 64, seconds = 5, warm = 0, role = 'necp_edge', options = [], set = '' } = {}) {
		const { status, stdout, stderr } = spawnSync(`${this.pgbin}/pgbench`, ['-h', `${this.dir}/run`, '-p', PORTS.pg, '-U', role, '-n', '-M', 'prepared',
			'-c', clients, '-j', 2, '-T', warm + seconds, ...(warm > 0 ? ['-P', 1] : []), '-f', script, ...options, 'necpgame'].map(String),
			{ env: { ...process.env, PGOPTIONS: set }, encoding: 'utf8' });
		if (status !== 0 || /number of failed transactions: [1-9]/.test(stdout)) throw new Error(`pgbench of ${script} ended with ${status}:\n${stderr}${stdout}`);
		if (warm === 0) return Number(/tps = ([\d.]+)/.exec(stdout)[1]);
		const rates = [...stderr.matchAll(/^progress: [\d.]+ s, ([\d.]+) tps/gm)].map((it) => Number(it[1])).slice(warm, warm + seconds);
		if (rates.length !== seconds) throw new Error(`pgbench of ${script} told ${rates.length} of ${seconds} seconds:\n${stderr}`);
		return rates.reduce((sum, it) => sum + it) / seconds;
	}

	// Requests per second, latency and errors of wrk with a Lua script.
	wrk(script, path, options) {
		return this.readWrk(execFileSync('wrk', this.wrkArguments(script, path, options)).toString());
	}

	// The same, while something else goes on; a promise.
	async wrkInBackground(script, path, options) {
		return this.readWrk((await promisify(execFile)('wrk', this.wrkArguments(script, path, options))).stdout);
	}

	wrkArguments(script, path, { connections = 64, seconds = 5 } = {}) {
		return ['-t', 2, '-c', connections, '-d', `${seconds}s`, '--timeout', '30s', '--latency', '-s', script, `${this.edge}${path}`].map(String);
	}

	readWrk(out) {
		const failed = /Non-2xx or 3xx responses: (\d+)/.exec(out);
		if (failed) throw new Error(`${failed[1]} requests failed:\n${out}`);
		const unit = { us: 1e-3, ms: 1, s: 1000 };
		const [, p99, scale] = /99%\s+([\d.]+)(us|ms|s)/.exec(out);
		return { rate: Number(/Requests\/sec:\s+([\d.]+)/.exec(out)[1]), p99_ms: Number(p99) * unit[scale] };
	}

	pid(name) {
		return Number(readFileSync(`${this.dir}/run/${name}.pid`, 'utf8').trim());
	}

	rss(pid) {
		return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) * 1024;
	}

	// CPU seconds that a process has used.
	cpu(pid) {
		const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
		return (Number(fields[11]) + Number(fields[12])) / 100;
	}

	load(args) {
		const child = spawn('build/loadclient', ['--url', this.realtime, '--tokens', `${this.work}/tokens`, ...args].map(String),
			{ stdio: ['ignore', 'pipe', 'inherit'] });
		let out = '';
		child.stdout.on('data', (chunk) => { out += chunk; });
		child.done = new Promise((resolve, reject) => {
			child.on('close', (code) => (code === 0 ? resolve(JSON.parse(out)) : reject(new Error(`loadclient ended with ${code}: ${out}`))));
		});
		return child;
	}

	pgbenchInBackground(script, seconds, { clients, rate, role }) {
		return spawn(`${this.pgbin}/pgbench`, ['-h', `${this.dir}/run`, '-p', PORTS.pg, '-U', role, '-n', '-M', 'prepared', '-c', clients,
			'-j', 1, '-T', seconds, '-R', rate, '-f', script, 'necpgame'].map(String), { stdio: 'ignore' });
	}
}
