// SPDX-License-Identifier: PostgreSQL
//
// Bad input, abuse and the small print of HTTP.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { call, nobody } from './lib/api.mjs';
import { api, checkProblem, edge } from './lib/openapi.mjs';
import { rawHttp } from './lib/raw.mjs';
import { realtime } from './lib/stomp.mjs';
import { row } from './lib/sql.mjs';
import { nothingIsLost, setConfig } from './lib/suite.mjs';
import { PASSWORD, Player, unique } from './lib/world.mjs';

let player;

before(async () => {
	player = await Player.enter();
});

const head = (line, ...headers) => [`${line} HTTP/1.1`, 'Host: localhost', ...headers, '', ''].join('\r\n');
const post = (path, body, ...headers) => head(`POST /api/v1${path}`, 'Content-Type: application/json', `Content-Length: ${Buffer.byteLength(body)}`, ...headers) + body;

async function first(bytes, options = { wanted: 1 }) {
	const { responses, closed } = await rawHttp(bytes, options);
	return { ...responses[0], closed, count: responses.length };
}

// Bodies ----------------------------------------------------------------------------------------

test('bodies that are no JSON objects are refused', async () => {
	for (const raw of ['{', '}', '{"email":}', '[]', '"text"', '1', 'null', 'true', '{"a":1}{"b":2}', '{"email":"a@b" "username":"x"}', "{'email':1}", '{"email":NaN}',
		'{"email":Infinity}', '{"email":01}', '{"email":"a\nb"}', '{"email":"\\ud800"}', '{"email":"\\x41"}', '{,}', '{"email":"a@b",}', '// x', `${'['.repeat(5000)}`,
		`{"email":${'['.repeat(5000)}${']'.repeat(5000)}}`, '\ufeff{}', ' ', '{}\0'])
		await call('POST', '/auth/register', { raw, expect: 'VALIDATION' });
});

test('fields: unknown, missing, twice, of another type', async () => {
	const good = { name: unique('c'), class: 'breaker', origin: 'street' };
	const make = (body, expect = 'VALIDATION') => player.post('/characters', body, { expect });
	assert.equal((await make({ ...good, level: 50 })).field, 'level');
	assert.equal((await make({ ...good, account_id: 1 })).field, 'account_id');
	assert.equal((await make({ name: good.name, class: good.class })).field, 'origin');
	assert.equal((await make({ ...good, class: null })).field, 'class');
	assert.equal((await make({ ...good, class: 5 })).field, 'class');
	assert.equal((await make({ ...good, class: ['breaker'] })).field, 'class');
	assert.equal((await make({ ...good, class: { code: 'breaker' } })).field, 'class');
	assert.equal((await make({})).status, 400);
	assert.ok(await call('POST', '/characters', { token: player.token, expect: 'VALIDATION' }), 'no body at all');
	const twice = `{"name":"${good.name}","class":"breaker","origin":"street","class":"ghost"}`;
	await call('POST', '/characters', { token: player.token, raw: twice, expect: 'VALIDATION' });
	await call('POST', '/characters', { token: player.token, raw: twice.replace('class":"ghost', '\\u0063lass":"ghost'), expect: 'VALIDATION' });
	for (const field of ['password_hash', 'client_ip', 'verified_hash', 'user_agent'])
		await nobody.post('/auth/register', { email: 'a@b.example', username: unique('p'), password: PASSWORD, [field]: 'x' }, { expect: 'VALIDATION' });
});

test('text: too long, not UTF-8, NUL', async () => {
	const send = (name) => call('POST', '/characters', { token: player.token, raw: Buffer.concat([Buffer.from('{"class":"breaker","origin":"street","name":"'), name, Buffer.from('"}')]), expect: 400 });
	assert.equal((await send(Buffer.from('x'.repeat(10000)))).body.field, 'name');
	for (const bytes of [[0xff], [0xc0, 0x80], [0xc3], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80], [0xe2, 0x82], [0x41, 0x80]])
		assert.equal((await send(Buffer.from(bytes))).body.code, 'VALIDATION', String(bytes));
	assert.equal((await send(Buffer.from('abc\\u0000def'))).body.code, 'VALIDATION');
	assert.equal((await send(Buffer.from('abc\0def'))).body.code, 'VALIDATION');
	await nobody.post('/auth/verify-email', { token: 'x'.repeat(101) }, { expect: 'VALIDATION' });
});

test('numbers: what is no integer, no id, or does not fit', async () => {
	const pickup = (literal) => call('POST', '/loot/pickup', { token: player.token, key: randomUUID(), raw: `{"drop_id":${literal}}`, expect: 400 });
	for (const literal of ['-1', '0', '1.5', '"5"', '5.0', '1e3', 'true', 'null', '[1]', '9223372036854775808', '9223372036854775807', '-9223372036854775808', '9007199254740992', '1e400', '0x10', '+1', '.5', '1.', 'NaN', '-0'])
		assert.equal((await pickup(literal)).body.code, 'VALIDATION', literal);
	const start = (literal) => call('POST', '/quests/start', { token: player.token, raw: `{"template_id":${literal}}`, expect: 400 });
	for (const literal of ['2147483648', '-2147483649', '0', '-1', '1.0']) assert.equal((await start(literal)).body.field, 'template_id', literal);
	assert.equal((await row`SELECT count(*) AS n FROM game.idempotency_keys WHERE account_id = ${player.account_id}`).n, 0);
});

test('paths and queries are checked like bodies', async () => {
	for (const id of ['0', '-1', 'abc', '1.5', '9223372036854775808', '1e3', '%31x', '1%00', '01', '+1', ' 1', '1%20', '%F0%9F', 'null'])
		assert.equal((await player.get(`/characters/${id}`, { expect: 400 })).field, 'character_id', id);
	for (const query of ['limit=0', 'limit=101', 'limit=-1', 'limit=abc', 'limit=', 'limit=1&limit=2', 'limit=1.5', 'limit=99999999999', 'cursor=abc', 'cursor=-1', 'unknown=1', 'limit=5&unknown', '=', 'limit=%zz', 'LIMIT=1', 'character_id=1'])
		assert.ok((await player.get(`/quests?${query}`, { expect: 'VALIDATION' })).detail, query);
	assert.equal((await player.get('/quests?limit=1')).items.length, 1);
	assert.equal((await player.get('/quests?limit=%31')).items.length, 1, 'percent-encoding is undone');
	assert.ok((await player.get('/quests?')).items.length > 1);
});

test('a body is limited to 64 KiB, whoever counts', async () => {
	const large = `{"email":"${'x'.repeat(70000)}"}`;
	const sent = await first(post('/auth/register', large));
	assert.deepEqual([sent.status, sent.problem.code, sent.headers['content-type']], [413, 'BODY_TOO_LARGE', 'application/problem+json']);
	checkProblem(sent.problem, '413');
	const declared = await first(head('POST /api/v1/auth/register', 'Content-Type: application/json', 'Content-Length: 10000000000'));
	assert.equal(declared.status, 413);
	assert.equal(declared.problem.code, 'BODY_TOO_LARGE');
	const chunk = `4000\r\n${'x'.repeat(0x4000)}\r\n`;
	const chunked = await first([head('POST /api/v1/auth/register', 'Content-Type: application/json', 'Transfer-Encoding: chunked'), chunk.repeat(6), '0\r\n\r\n']);
	assert.equal(chunked.status, 413);
	await nobody.get('/characters/catalog');
});

test('content other than JSON is refused', async () => {
	for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x', 'application/jsonp', 'application/json-patch+json', ''])
		await call('POST', '/auth/login', { raw: '{"email":"a@b","password":"x"}', headers: { 'content-type': type }, expect: 'UNSUPPORTED_MEDIA_TYPE' });
	for (const type of ['application/json', 'application/json; charset=utf-8', 'Application/JSON ;charset=UTF-8'])
		await call('POST', '/auth/login', { raw: '{"email":"a@b","password":"x"}', headers: { 'content-type': type }, expect: 'INVALID_CREDENTIALS' });
});

test('what a slow client has to say is not waited for', async () => {
	const restore = await setConfig('edge.header_timeout_ms', 1000);
	try {
		const body = '{"email":"a@b","password":"x"}';
		const started = Date.now();
		const slow = await rawHttp([post('/auth/login', body).slice(0, -body.length), ...[...body].flatMap((letter) => [letter, 200])], { milliseconds: 8000 });
		assert.ok(slow.closed, 'the connection is closed');
		assert.ok(Date.now() - started < 4000, 'in time');
		assert.ok(!slow.responses[0] || slow.responses[0].status === 408, slow.text);
		const silent = await rawHttp(['GET /health HTTP/1.1\r\nHost: l'], { milliseconds: 8000 });
		assert.ok(silent.closed, 'half a head is not waited for either');
	} finally {
		await restore();
	}
});

// Paths and methods -----------------------------------------------------------------------------

test('there is nothing beside the routes', async () => {
	for (const path of ['/nothing', '/auth', '/auth/login/x', '/characters/1/2/3', '/%2e%2e/health', '/Auth/login', '/auth/login/', '//auth/login'])
		await call('GET', path, { expect: 'NOT_FOUND' });
	for (const path of ['/', '/api', '/api/v1', '/api/v1/', '/api/v2/auth/login', '/favicon.ico', '/../../etc/passwd', '/docs/../../../etc/passwd', '/docs/%2e%2e/%2e%2e/etc/passwd', '/healthx', '/metrics/'])
		assert.equal((await first(head(`GET ${path}`))).status, 404, path);
});

test('another method is told which ones there are', async () => {
	for (const [method, path, allowed] of [['DELETE', '/auth/login', 'POST, OPTIONS'], ['GET', '/auth/login', 'POST, OPTIONS'], ['PUT', '/characters', 'GET, POST, OPTIONS'], ['PATCH', '/characters', 'GET, POST, OPTIONS'],
		['POST', '/characters/catalog', 'GET, PUT, DELETE, OPTIONS']]) {
		const { headers } = await call(method, path, { expect: 'METHOD_NOT_ALLOWED' });
		assert.deepEqual(headers.get('allow').split(', ').sort(), allowed.split(', ').sort(), `${method} ${path}`);
	}
	for (const method of ['TRACE', 'CONNECT', 'BREW', 'get']) {
		const { status } = await first(head(`${method} /api/v1/characters`));
		assert.ok(status === 405 || status === 400 || status === 404, `${method}: ${status}`);
	}
});

test('HEAD and OPTIONS', async () => {
	const health = await fetch(`${edge}/health`, { method: 'HEAD' });
	assert.equal(health.status, 200);
	assert.equal(await health.text(), '');
	const options = await fetch(`${api}/characters`, { method: 'OPTIONS' });
	assert.equal(options.status, 204);
	assert.match(options.headers.get('allow'), /GET/);
});

test('browsers of known origins may call, others may not', async () => {
	const { value: [origin] } = await row`SELECT value FROM game.config WHERE key = 'edge.cors_origins'`;
	const preflight = (from) => fetch(`${api}/auth/login`, { method: 'OPTIONS', headers: { origin: from, 'access-control-request-method': 'POST', 'access-control-request-headers': 'content-type,authorization,idempotency-key' } });
	const good = await preflight(origin);
	assert.equal(good.status, 204);
	assert.equal(good.headers.get('access-control-allow-origin'), origin);
	assert.match(good.headers.get('access-control-allow-methods'), /POST/);
	for (const name of ['Authorization', 'Content-Type', 'Idempotency-Key', 'X-Request-Id']) assert.match(good.headers.get('access-control-allow-headers'), new RegExp(name, 'i'));
	assert.equal(good.headers.get('access-control-allow-credentials'), null);
	assert.match(good.headers.get('vary'), /origin/i);
	for (const from of ['https://evil.example', 'null', `${origin}.evil.example`, origin.replace('http', 'https')])
		assert.equal((await preflight(from)).headers.get('access-control-allow-origin'), null, from);
	const answer = await call('GET', '/characters/catalog', { headers: { origin } });
	assert.equal(answer.headers.get('access-control-allow-origin'), origin);
	assert.match(answer.headers.get('access-control-expose-headers'), /Retry-After/);
	const refused = await call('GET', '/auth/me', { headers: { origin }, expect: 'UNAUTHENTICATED' });
	assert.equal(refused.headers.get('access-control-allow-origin'), origin, 'also on refusals');
});

test('a request keeps its id from header to event', async () => {
	const id = randomUUID();
	assert.equal((await call('GET', '/characters/catalog', { headers: { 'x-request-id': id } })).headers.get('x-request-id'), id);
	assert.equal((await call('GET', '/nothing', { headers: { 'x-request-id': id }, expect: 404 })).body.trace_id, id);
	for (const bad of ['x', 'a'.repeat(1000), `${id}'`]) assert.notEqual((await call('GET', '/characters/catalog', { headers: { 'x-request-id': bad } })).headers.get('x-request-id'), bad);
	const other = randomUUID();
	const stranger = await Player.register();
	await call('POST', '/auth/logout', { token: stranger.token, headers: { 'x-request-id': other } });
	assert.deepEqual((await row`SELECT array_agg(DISTINCT type ORDER BY type) AS types FROM game.game_events WHERE correlation_id = ${other}`).types, ['LOGOUT', 'SESSION_CLOSED']);
});

// Limits ----------------------------------------------------------------------------------------

test('who asks too often is told when to come back', async () => {
	const restore = await setConfig('rate.account', { count: 3, seconds: 60 });
	try {
		const answers = [];
		for (let i = 0; i < 8; i++) answers.push(await call('GET', '/auth/me', { token: player.token, expect: undefined }).catch((error) => error));
		assert.ok(answers.slice(0, 3).every((it) => it.status === 200));
		const { headers } = await call('GET', '/auth/me', { token: player.token, expect: 'RATE_LIMITED' });
		const wait = Number(headers.get('retry-after'));
		assert.ok(wait >= 1 && wait <= 60, `Retry-After: ${wait}`);
		await nobody.get('/characters/catalog'); // others are not limited by it
	} finally {
		await restore();
	}
	await player.get('/auth/me');
});

test('limits by address: login, and a burst of anything', async () => {
	const address = { 'x-forwarded-for': '192.0.2.77' };
	for (const [key, path] of [['rate.login', '/auth/login'], ['rate.public_burst', '/characters/catalog']]) {
		const restore = await setConfig(key, { count: 2, seconds: 30 });
		const ask = () => (path === '/auth/login'
			? call('POST', path, { body: { email: 'nobody@example.com', password: 'x' }, headers: address, expect: undefined })
			: call('GET', path, { headers: address })).catch((error) => error.message);
		try {
			const answers = [];
			for (let i = 0; i < 5; i++) answers.push(await ask());
			assert.ok(answers.some((it) => String(it).includes('RATE_LIMITED')), `${key}: ${JSON.stringify(answers)}`);
			if (path !== '/auth/login') await nobody.get(path); // another address
		} finally {
			await restore();
		}
	}
});

// Framing ---------------------------------------------------------------------------------------

test('requests in one write are answered one after another', async () => {
	const { responses } = await rawHttp([head('GET /health') + head('GET /api/v1/characters/catalog') + head('GET /api/v1/nothing') + head('GET /health', 'Connection: close')]);
	assert.deepEqual(responses.map((it) => it.status), [200, 200, 404, 200]);
	assert.ok(JSON.parse(responses[1].body).classes.length > 0);
});

test('a connection is kept, or closed where that was asked', async () => {
	const kept = await rawHttp([head('GET /health'), 300, head('GET /ready')]);
	assert.deepEqual([kept.responses.length, kept.closed], [2, false]);
	const closed = await rawHttp([head('GET /health', 'Connection: close')]);
	assert.deepEqual([closed.responses.length, closed.closed], [1, true]);
	const old = await rawHttp(['GET /health HTTP/1.0\r\n\r\n']);
	assert.deepEqual([old.responses[0].status, old.closed], [200, true]);
});

test('no upgrade to what is open to rapid reset', async () => {
	const upgrade = await first(head('GET /health', 'Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c', 'HTTP2-Settings: AAMAAABkAAQAAP__'));
	assert.equal(upgrade.status, 200);
	assert.equal(upgrade.headers.upgrade, undefined);
	const prior = await rawHttp(['PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'], { milliseconds: 500 });
	assert.ok(!prior.text.startsWith('\0'), 'no HTTP/2 preface is understood');
});

test('requests that two servers could cut differently are refused', async () => {
	const body = '{"email":"a@b","password":"x"}';
	const smuggled = {
		'two lengths': head('POST /api/v1/auth/login', 'Content-Type: application/json', `Content-Length: ${body.length}`, 'Content-Length: 5') + body,
		'length and chunks': head('POST /api/v1/auth/login', 'Content-Type: application/json', `Content-Length: ${body.length}`, 'Transfer-Encoding: chunked') + `1e\r\n${body}\r\n0\r\n\r\n`,
		'folded header': head('POST /api/v1/auth/login', 'Content-Type: application/json', ' folded', `Content-Length: ${body.length}`) + body,
		'two hosts': head('GET /health', 'Host: other'),
		'no host': 'GET /health HTTP/1.1\r\n\r\n',
	};
	for (const [what, bytes] of Object.entries(smuggled)) {
		const { status, closed, count } = await first(bytes, {});
		assert.equal(status, 400, what);
		assert.ok(closed, `${what}: nothing more is read`);
		assert.equal(count, 1, what);
	}
	for (const garbage of ['\0\0\0\0\r\n\r\n', 'GET\r\n\r\n', 'GET / HTTP/9.9\r\n\r\n', `GET /${'x'.repeat(1000000)} HTTP/1.1\r\n\r\n`, head('GET /health', `X: ${'y'.repeat(1000000)}`), head('GET /health', ...Array.from({ length: 500 }, (_, i) => `X${i}: y`)),
		head('POST /api/v1/auth/login', 'Content-Length: -1'), head('POST /api/v1/auth/login', 'Content-Length: 1x')]) {
		const { responses } = await rawHttp([garbage], { milliseconds: 500, wanted: 1 });
		assert.ok(!responses[0] || responses[0].status >= 400, JSON.stringify(garbage.slice(0, 40)));
	}
	await nobody.get('/characters/catalog');
});

test('a client that leaves before its answer disturbs nobody', async () => {
	for (let i = 0; i < 10; i++) await rawHttp([post('/auth/login', '{"email":"a@b","password":"x"}')], { milliseconds: 2 });
	await nobody.get('/characters/catalog');
});

// Operators -------------------------------------------------------------------------------------

const promtool = fileURLToPath(new URL('../../build/tools/promtool', import.meta.url));

for (const [name, base] of [['edge', edge], ['realtime', realtime.replace(/^ws/, 'http').replace(/\/ws$/, '')]])
	test(`health, readiness and metrics of the ${name} server`, async () => {
		for (const path of ['/health', '/ready']) {
			const answer = await fetch(base + path);
			assert.equal(answer.status, 200);
			assert.match(answer.headers.get('content-type'), /^application\/json/);
			assert.ok((await answer.json()).status);
		}
		const answer = await fetch(`${base}/metrics`);
		assert.match(answer.headers.get('content-type'), /^text\/plain; version=0\.0\.4/);
		const text = await answer.text();
		assert.match(text, /^# TYPE necp_/m);
		if (existsSync(promtool)) execFileSync(promtool, ['check', 'metrics'], { input: text });
		const wrong = await fetch(`${base}/nothing`);
		assert.equal(wrong.status, 404);
		const problem = await wrong.json();
		checkProblem({ trace_id: randomUUID(), ...problem }, `${name} /nothing`);
		assert.equal((await fetch(`${base}/health`, { method: 'DELETE' })).status, 405);
	});

test('the page that shows the API', async () => {
	const page = await fetch(`${edge}/docs/`);
	assert.equal(page.status, 200);
	assert.match(page.headers.get('content-type'), /^text\/html/);
	const html = await page.text();
	for (const [, file] of html.matchAll(/(?:src|href)="(?!https?:|data:)([^"#]+)"/g)) {
		const part = await fetch(new URL(file, `${edge}/docs/`));
		assert.equal(part.status, 200, file);
		await part.arrayBuffer();
	}
	assert.doesNotMatch(html, /(?:src|href)="https?:/, 'nothing is fetched from elsewhere');
});

nothingIsLost();
after(() => player.realtime?.close());
