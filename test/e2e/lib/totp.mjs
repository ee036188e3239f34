// SPDX-License-Identifier: PostgreSQL
//
// An authenticator: the codes of RFC 6238, computed by other means than the server's.
import { createHmac } from 'node:crypto';
import { pause } from './sql.mjs';

export function base32Bytes(text) {
	let bits = '';
	for (const char of text) bits += 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(char).toString(2).padStart(5, '0');
	return Buffer.from(bits.match(/.{8}/g).map((byte) => parseInt(byte, 2)));
}

export const stepNow = () => Math.floor(Date.now() / 30000);

export function totp(secret, step = stepNow()) {
	const counter = Buffer.alloc(8);
	counter.writeBigUInt64BE(BigInt(step));
	const mac = createHmac('sha1', base32Bytes(secret)).update(counter).digest();
	const number = mac.readUInt32BE(mac[19] & 15) & 0x7fffffff;
	return String(number % 1000000).padStart(6, '0');
}

// Waits where a step is about to end, so that it does not between a code and its use.
export async function calmStep() {
	const left = 30000 - (Date.now() % 30000);
	if (left < 5000) await pause(left + 50);
}
