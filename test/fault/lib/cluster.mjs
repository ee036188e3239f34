// SPDX-License-Identifier: PostgreSQL
//
// The cluster under test: SQL, its processes, and how they are killed and started again. Only
// processes that are proven to be this cluster's are ever signalled.
import { execFile, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

const PG_BIN = process.env.NECP_PG_BIN ?? '/usr/lib/postgresql/15/bin';

export const dir = process.env.NECP_DIR;
export const ports = {
	pg: Number(process.env.NECP_PG_PORT),
	edge: Number(process.env.NECP_EDGE_PORT),
	realtime: Number(process.env.NECP_REALTIME_PORT),
};

function read(path) {
	try {
		return readFileSync(path, 'utf8');
	} catch {
		return '';
	}
}

function link(path) {
	try {
		return readlinkSync(path);
	} catch {
		return '';
	}
}

function run(command, args, input = null) {
	return new Promise((resolve, reject) => {
		const child = execFile(command, args.map(String), { maxBuffer: 1 << 29 }, (error, out, err) => {
			if (error) reject(new Error(`${command} ${args.join(' ')}: ${err || error.message}`));
			else resolve(out);
		});
		child.stdin.on('error', () => {});
		child.stdin.end(input ?? '');
	});
}

const socket = read(`${dir}/socket`).trim() || `${dir}/run`;

export const psqlPath = `${PG_BIN}/psql`;
export const psqlArgs = ['-h', socket, '-p', String(ports.pg), '-U', 'postgres', '-XqAt', '-v', 'ON_ERROR_STOP=1', '-d', 'necpgame'];
// Standard output of psql, lines of fields separated by |.
export const psql = async (sql) => (await run(psqlPath, [...psqlArgs, '-f', '-'], sql)).trim();

export async function rows(query) {
	const out = await psql(`SELECT to_json(q) FROM (${query}) q;`);
	return out === '' ? [] : out.split('\n').map((line) => JSON.parse(line));
}

// Polls until the function returns something true (an error counts as false); null when time is up.
export async function until(condition, seconds, pause = 25) {
	const end = Date.now() + seconds * 1000;
	for (;;) {
		let value = false;
		try {
			value = await condition();
		} catch {}
		if (value) return value;
		if (Date.now() > end) return null;
		await sleep(pause);
	}
}

// Who owns the cluster runs its processes; root lends itself.
const owner = await run('stat', ['-c', '%U', dir]).then((out) => out.trim());
const asOwner = process.getuid() === 0 ? ['setpriv', '--reuid', owner, '--regid', owner, '--init-groups', 'env', 'HOME=/'] : ['env'];

const cluster = (...args) => run('bin/necp-cluster', args);

// Starts again what is not running; the database may be in recovery, then it is tried anew.
export async function start(...options) {
	let last;
	const started = await until(async () => {
		try {
			await cluster('start', ...options);
			return true;
		} catch (error) {
			last = error;
			return false;
		}
	}, 60, 200);
	if (!started) throw last;
}

export const stopPostgres = (mode) => run(asOwner[0], [...asOwner.slice(1), `${PG_BIN}/pg_ctl`, '-D', `${dir}/data`, '-m', mode, '-w', '-t', 30, '-s', 'stop']);

export function postmaster() {
	const pid = Number(read(`${dir}/data/postmaster.pid`).split('\n')[0]);
	return pid > 0 && link(`/proc/${pid}/cwd`) === `${dir}/data` ? pid : null;
}

export function server(name) {
	const pid = Number(read(`${dir}/run/${name}.pid`));
	return pid > 0 && read(`/proc/${pid}/cmdline`).split('\0')[0] === `${dir}/bin/necp-${name}` ? pid : null;
}

// A backend or worker picked by a condition on pg_stat_activity, or null.
export async function backend(condition) {
	const parent = postmaster();
	const pid = Number(await psql(`SELECT pid FROM pg_stat_activity WHERE ${condition} ORDER BY random() LIMIT 1`));
	if (!pid || !parent || link(`/proc/${pid}/cwd`) !== `${dir}/data`) return null;
	return Number(read(`/proc/${pid}/stat`).split(') ')[1]?.split(' ')[1]) === parent ? pid : null;
}

// Stops (SIGSTOP) a worker of the postmaster as soon as one other than the given appears.
export async function freezeWorker(name, other, seconds) {
	const parent = postmaster();
	const end = Date.now() + seconds * 1000;
	while (Date.now() < end) {
		for (const pid of read(`/proc/${parent}/task/${parent}/children`).trim().split(' ').map(Number))
			if (pid && pid !== other && read(`/proc/${pid}/cmdline`).startsWith(`postgres: necp ${name}`)) {
				process.kill(pid, 'SIGSTOP');
				return pid;
			}
		await new Promise(setImmediate);
	}
	return null;
}

export const kill = (pid, signal = 'SIGKILL') => process.kill(pid, signal);

// Another server of the same binary on a port of its own (child.port), as our child: its exit code is
// seen. A port that somebody else has taken meanwhile is passed over.
export async function extraServer(name, port) {
	for (let tries = 0; tries < 5; tries++) {
		const child = await startServer(name, port + 2 * tries);
		if (child) return child;
	}
	throw new Error(`necp-${name} found no free port from ${port} on`);
}

// Null where the port is taken.
async function startServer(name, port) {
	const binary = `${dir}/bin/necp-${name}`;
	const child = spawn(asOwner[0], [...asOwner.slice(1), binary, '--listen', `127.0.0.1:${port}`, '--connections', '4', '--node', `extra-${name}`,
		'--db', `host=${socket} port=${ports.pg} dbname=necpgame user=necp_edge`], { cwd: '/', stdio: ['ignore', 'ignore', 'pipe'] });
	child.log = '';
	child.stderr.on('data', (chunk) => { child.log += chunk; });
	child.port = port;
	child.exit = new Promise((resolve) => { child.on('exit', (code, signal) => resolve(signal ?? code)); });
	const ready = until(async () => (await fetch(`http://127.0.0.1:${port}/ready`)).ok, 10);
	const ended = await Promise.race([child.exit.then(() => true), ready.then(() => false)]);
	if (ended && /in use/.test(child.log)) return null;
	if (!(await ready)) {
		child.kill('SIGKILL');
		throw new Error(`necp-${name} did not get ready:\n${child.log}`);
	}
	return child;
}

const library = (await run(`${PG_BIN}/pg_config`, ['--pkglibdir'])).trim() + '/necpgame.so';
export const librarySum = () => createHash('sha256').update(readFileSync(library)).digest('hex');

export const serverLog = (name) => read(`${dir}/log/${name}.log`);
