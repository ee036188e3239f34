// SPDX-License-Identifier: PostgreSQL
//
// Mails as they arrive: files of the spool, or messages of the SMTP server that tests talk to.
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { until } from './sql.mjs';

export const spool = process.env.NECP_DIR && join(process.env.NECP_DIR, 'spool');

function decodeWords(text) {
	return text.replace(/\?=\s+=\?/g, '?==?').replace(/=\?UTF-8\?B\?([^?]*)\?=/g, (_, base64) => `\0${base64}\0`)
		.split('\0').map((part, i) => (i % 2 ? Buffer.from(part, 'base64') : Buffer.from(part)))
		.reduce((all, part) => Buffer.concat([all, part]), Buffer.alloc(0)).toString();
}

function decodeQuotedPrintable(text) {
	const bytes = text.replace(/=\r\n/g, '').replace(/=([0-9A-F]{2})/g, (_, hex) => String.fromCharCode(parseInt(hex, 16)));
	return Buffer.from(bytes, 'latin1').toString();
}

// {headers: name in lower case → value, body, link}
export function parseMail(source) {
	const end = source.indexOf('\r\n\r\n');
	const headers = {};
	for (const line of source.slice(0, end).replace(/\r\n[ \t]+/g, ' ').split('\r\n')) {
		const [, name, value] = /^([^:]+): (.*)$/.exec(line);
		headers[name.toLowerCase()] = decodeWords(value);
	}
	const body = decodeQuotedPrintable(source.slice(end + 4)).replaceAll('\r\n', '\n');
	return { headers, body, link: /https?:\S+/.exec(body)?.[0] };
}

const read = new Map(); // by name of the file

// Mails of the spool to an address, oldest first.
export async function mailsTo(address) {
	const names = (await readdir(spool)).filter((name) => /^\d+-\d+\.eml$/.test(name)).sort((a, b) => parseInt(a, 10) - parseInt(b, 10));
	for (const name of names.filter((it) => !read.has(it))) read.set(name, parseMail(await readFile(join(spool, name), 'latin1')));
	return names.map((name) => read.get(name)).filter((mail) => mail.headers.to === `<${address}>`);
}

// The newest mail with that subject, once it is there.
export async function mailTo(address, subject) {
	return until(async () => (await mailsTo(address)).findLast((mail) => subject.test(mail.headers.subject)), `a mail about ${subject} to ${address}`);
}

// The tokens of mails of a kind, VERIFY_EMAIL or RESET_PASSWORD, that are there by now, oldest first.
export async function mailedTokens(address, kind) {
	const path = { VERIFY_EMAIL: '/verify-email', RESET_PASSWORD: '/reset-password' }[kind];
	return (await mailsTo(address)).filter((it) => it.link && new URL(it.link).pathname === path).map((it) => new URL(it.link).searchParams.get('token'));
}

// The newest of them, once there is one.
export async function mailedToken(address, kind) {
	return until(async () => (await mailedTokens(address, kind)).at(-1), `${kind} to ${address}`);
}
