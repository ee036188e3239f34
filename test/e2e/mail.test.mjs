// SPDX-License-Identifier: PostgreSQL
//
// Mail leaves: into the spool, and by SMTP to a server that is slow, busy, gone or picky. The cluster's own
// mailer is stopped meanwhile, and others are started that can be killed.
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { nobody } from './lib/api.mjs';
import { mailTo, parseMail, spool } from './lib/mail.mjs';
import { pause, row, rows, sql, until } from './lib/sql.mjs';
import { nothingIsLost, setConfig } from './lib/suite.mjs';
import { PASSWORD, unique } from './lib/world.mjs';

const dir = process.env.NECP_DIR;
const undo = [];
const children = new Set();
let work;
let sink;

function start(command, args, options) {
	const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], ...options });
	const ended = new Promise((resolve) => child.on('exit', (code, signal) => resolve({ code, signal })));
	const it = { child, lines: [], ended };
	children.add(child);
	for (const stream of [child.stdout, child.stderr]) createInterface(stream).on('line', (line) => it.lines.push(line));
	it.end = async (signal = 'SIGTERM') => {
		child.kill(signal);
		children.delete(child);
		return ended;
	};
	return it;
}

async function startSink(...args) {
	const it = start('/usr/bin/python3', [fileURLToPath(new URL('./lib/smtp_sink.py', import.meta.url)), ...args]);
	const said = () => it.lines.filter((line) => line.startsWith('{')).map((line) => JSON.parse(line));
	await until(() => said().length > 0, 'the SMTP server');
	it.url = `smtp://127.0.0.1:${said()[0].port}`;
	it.mails = (to) => said().filter((line) => line.mail && line.to.includes(to));
	it.refusals = (to) => said().filter((line) => line.refused === to);
	return it;
}

async function startMailer(env = {}) {
	const { PGHOST, PGPORT, PGDATABASE = 'necpgame' } = process.env;
	const it = start(join(dir, 'bin', 'necp-mailer'), ['--db', `host=${PGHOST} port=${PGPORT} dbname=${PGDATABASE} user=necp_edge`, '--spool', spool],
		{ env: { ...process.env, ...env } });
	await until(() => it.lines.some((line) => line.includes('"connected"')), 'a mailer to connect');
	it.log = () => it.lines.map((line) => JSON.parse(line));
	return it;
}

const set = async (settings) => {
	for (const [key, value] of Object.entries(settings)) undo.push(await setConfig(key, value));
};
const look = () => sql`NOTIFY necp_email`;

async function write(prefix) {
	const email = `${prefix}-${unique()}@example.com`;
	const { account_id } = await nobody.post('/auth/register', { email, username: unique('p'), password: PASSWORD, display_name: 'Zoë <b>' });
	const { id } = await row`SELECT id FROM game.email_outbox WHERE account_id = ${account_id}`;
	return { email, id, state: () => row`SELECT * FROM game.email_outbox WHERE id = ${id}` };
}

const clusterMailer = async (signal) => process.kill(Number(await readFile(join(dir, 'run', 'mailer.pid'), 'utf8')), signal);

test('the spool: one whole file per mail, of the one who sent it', async () => {
	const mail = await write('spooled');
	const { headers, body, link } = await mailTo(mail.email, /Confirm/);
	const { headers: { date, from, 'message-id': id } } = { headers };
	assert.equal(from, '"NECPGAME" <no-reply@localhost>');
	assert.match(date, /^(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d (Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) \d{4} \d\d:\d\d:\d\d \+0000$/);
	assert.match(id, new RegExp(`^<necp\\.${mail.id}\\.\\d+@localhost>$`));
	assert.match(body, /^Hello Zoë <b>,\n/, 'UTF-8, and markup as it was typed');
	assert.match(link, /^http:\/\/localhost:8080\/verify-email\?token=[\w-]{43}$/);
	const sent = await until(async () => (await mail.state()).sent_at && mail.state(), 'the database to be told');
	assert.equal(sent.data, null, 'the token is forgotten');
	assert.equal(sent.attempts, 1);
	assert.deepEqual((await readdir(spool)).filter((name) => !name.endsWith('.eml')), [], 'nothing is left half-written');
});

test('by SMTP', { skip: !dir }, async (t) => {
	await t.test('the cluster\'s mailer rests', async () => {
		work = await mkdtemp(join(tmpdir(), 'necp-mail-'));
		await until(async () => (await row`SELECT count(*) AS n FROM game.email_outbox WHERE sent_at IS NULL AND failed_at IS NULL`).n === 0, 'every mail to be sent');
		await clusterMailer('SIGSTOP');
		sink = await startSink();
		await set({ 'mail.transport': 'smtp', 'mail.smtp_url': sink.url, 'mail.backoff_s': 1, 'mail.backoff_factor': 1, 'mail.from': 'The Wörld <world@game.example>' });
	});

	await t.test('a batch goes out over one connection', async () => {
		const mails = [];
		for (let i = 0; i < 5; i++) mails.push(await write('plain'));
		const mailer = await startMailer();
		for (const mail of mails) await until(async () => (await mail.state()).sent_at, 'the mail to be sent');
		const arrived = mails.flatMap((mail) => sink.mails(mail.email));
		assert.equal(arrived.length, 5, 'each once');
		assert.equal(new Set(arrived.map((it) => it.peer)).size, 1);
		assert.equal(arrived[0].sender, 'world@game.example');
		const { headers, body } = parseMail(arrived[0].mail);
		assert.equal(headers.from, 'The Wörld <world@game.example>');
		assert.equal(headers.to, `<${mails[0].email}>`);
		assert.match(body, /^Hello Zoë <b>,\n\nopen this link/);
		for (const line of arrived[0].mail.split('\r\n')) assert.match(line, /^[ -~]{0,998}$/);
		assert.deepEqual(await mailer.end(), { code: 0, signal: null });
		const log = mailer.lines.join('\n');
		assert.equal(mailer.log().filter((line) => line.msg === 'mail sent').length, 5);
		assert.ok(!/example\.com|token|Hello/.test(log), 'the log tells of no address and no text');
	});

	await t.test('451 is tried again, later', async () => {
		const mail = await write('busy-2');
		const mailer = await startMailer();
		const first = await until(async () => (await mail.state()).last_error && mail.state(), 'the first refusal');
		assert.match(first.last_error, /^451 4\.7\.1 come again/);
		assert.ok(first.next_attempt_at && !first.sent_at && first.data.token);
		await until(async () => {
			await look();
			return (await mail.state()).sent_at;
		}, 'the third attempt');
		assert.equal(sink.refusals(mail.email).length, 2);
		assert.equal(sink.mails(mail.email).length, 1);
		assert.equal((await mail.state()).attempts, 3);
		assert.ok(!mailer.lines.join('\n').includes(mail.email));
		await mailer.end();
	});

	await t.test('550 and 552 are final, and the next mail goes out all the same', async () => {
		const [gone, full, plain] = [await write('gone'), await write('full'), await write('plain')];
		const mailer = await startMailer();
		await until(async () => (await plain.state()).sent_at, 'the good one');
		for (const [mail, code] of [[gone, '550'], [full, '552']]) {
			const state = await mail.state();
			assert.ok(state.failed_at && !state.sent_at, code);
			assert.equal(state.attempts, 1, code);
			assert.equal(state.data, null, 'the token is forgotten');
			assert.ok(state.last_error.startsWith(code), state.last_error);
		}
		await mailer.end();
	});

	await t.test('a server that is away costs an attempt, not the mail', async () => {
		const away = await setConfig('mail.smtp_url', 'smtp://127.0.0.1:1');
		const mail = await write('plain');
		const mailer = await startMailer();
		const { last_error } = await until(async () => (await mail.state()).last_error && mail.state(), 'the failure');
		assert.match(last_error, /connect/i);
		await away();
		await until(async () => {
			await look();
			return (await mail.state()).sent_at;
		}, 'the mail to be sent');
		assert.equal(sink.mails(mail.email).length, 1);
		await mailer.end();
	});

	await t.test('a mailer killed between sending and telling sends the same mail again', async () => {
		await set({ 'mail.lease_s': 2 });
		const mail = await write('mute');
		const mailer = await startMailer();
		await until(() => sink.mails(mail.email).length === 1, 'the mail to arrive');
		await mailer.end('SIGKILL');
		assert.equal((await mail.state()).sent_at, null);
		const second = await startMailer();
		await until(async () => {
			await look();
			return sink.mails(mail.email).length === 2;
		}, 'it to arrive again');
		const [first, again] = sink.mails(mail.email).map((it) => parseMail(it.mail));
		assert.deepEqual(again, first, 'the same, to its Message-ID and date');
		const stopping = Date.now();
		assert.deepEqual(await second.end(), { code: 0, signal: null });
		assert.ok(Date.now() - stopping < 14000, 'an answer that does not come is not waited for');
		const { last_error, sent_at } = await mail.state();
		assert.ok(last_error && !sent_at, `${second.lines.join('\n')} ${JSON.stringify(await mail.state())}`);
		await sql`UPDATE game.email_outbox SET sent_at = necp.now(), data = NULL WHERE id = ${mail.id}`;
	});

	await t.test('two mailers send each mail once', async () => {
		await set({ 'mail.lease_s': 600, 'mail.batch': 3 });
		const mails = [];
		const mailers = [await startMailer(), await startMailer()];
		for (let i = 0; i < 20; i++) mails.push(await write('plain'));
		await until(async () => {
			await look();
			return (await rows`SELECT 1 FROM game.email_outbox WHERE sent_at IS NULL AND failed_at IS NULL`).length === 0;
		}, 'all to be sent');
		for (const mail of mails) assert.equal(sink.mails(mail.email).length, 1);
		for (const mailer of mailers) await mailer.end();
	});

	await t.test('TLS and a login, where the server wants them', async () => {
		const [certificate, key] = [join(work, 'cert.pem'), join(work, 'key.pem')];
		await promisify(execFile)('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2',
			'-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', key, '-out', certificate]);
		const safe = await startSink(certificate, key, 'login');
		await set({ 'mail.smtp_url': safe.url, 'mail.smtp_tls': 'required' });
		const mail = await write('plain');
		const attempt = async (env) => {
			const mailer = await startMailer(env);
			const before = (await mail.state()).attempts;
			const state = await until(async () => {
				await look();
				const now = await mail.state();
				return (now.sent_at || (now.attempts > before && now.last_error && mailer.lines.some((line) => line.includes('"mail not sent"')))) && now;
			}, 'an attempt');
			await mailer.end();
			assert.ok(!mailer.lines.join('\n').includes('secret'));
			return state;
		};
		assert.equal((await attempt({ NECP_SMTP_USER: 'user', NECP_SMTP_PASSWORD: 'secret' })).sent_at, null, 'not to a server that nobody vouches for');
		assert.equal((await attempt({ NECP_SMTP_USER: 'user', NECP_SMTP_PASSWORD: 'wrong', NECP_SMTP_CA: certificate })).failed_at, null, 'a wrong login is our fault, not the mail\'s');
		const state = await attempt({ NECP_SMTP_USER: 'user', NECP_SMTP_PASSWORD: 'secret', NECP_SMTP_CA: certificate });
		assert.ok(state.sent_at);
		const [{ tls, login }] = safe.mails(mail.email);
		assert.ok(tls && login);
		const plain = await write('plain');
		await set({ 'mail.smtp_url': sink.url });
		const mailer = await startMailer({ NECP_SMTP_USER: 'user', NECP_SMTP_PASSWORD: 'secret' });
		await until(async () => (await plain.state()).last_error, 'a refusal');
		assert.equal(sink.mails(plain.email).length, 0, 'where TLS is required nothing is said without');
		await mailer.end();
		await safe.end();
	});

	await t.test('the database goes away and comes back', async () => {
		await set({ 'mail.smtp_tls': 'try' });
		const mailer = await startMailer();
		await sql`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'necp-mailer'`;
		await until(() => mailer.log().filter((line) => line.msg === 'connected').length === 2, 'it to connect again');
		const mail = await write('plain');
		await until(async () => (await mail.state()).sent_at, 'the mail to be sent');
		await mailer.end();
	});
});

after(async () => {
	for (const child of children) child.kill('SIGKILL');
	for (const back of undo.reverse()) await back();
	if (!work) return;
	await clusterMailer('SIGCONT');
	await rm(work, { recursive: true });
	await look();
	await pause(500);
});

before(() => assert.ok(dir, 'NECP_DIR says where the cluster is'));
nothingIsLost();
