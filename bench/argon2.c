/* SPDX-License-Identifier: PostgreSQL
 *
 * What this machine can do: Argon2id by libsodium at the edge's parameters, and nothing else.
 *
 *	argon2 hash PASSWORD MEMORY_KIB PASSES			prints the PHC string
 *	argon2 rate THREADS SECONDS MEMORY_KIB PASSES	prints verified hashes per second
 */
#include <pthread.h>
#include <sodium.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define THREADS_MAX 64

static const char password[] = "Correct-Horse-7";
static char stored[crypto_pwhash_STRBYTES];
static _Atomic long verified;
static double deadline;

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double) t.tv_sec + (double) t.tv_nsec * 1e-9;
}

static int
make(char *hash, const char *text, const char *memory_kib, const char *passes)
{
	return crypto_pwhash_str(hash,
							 text,
							 strlen(text),
							 strtoull(passes, NULL, 10),
							 strtoull(memory_kib, NULL, 10) * 1024);
}

static void *
verify(void *unused)
{
	while (now() < deadline)
		if (crypto_pwhash_str_verify(stored, password, sizeof(password) - 1) == 0)
			atomic_fetch_add(&verified, 1);
	return NULL;
}

/* A hash that is under way at the end counts, and so does its time. */
static int
measure(int threads, double seconds)
{
	pthread_t ids[THREADS_MAX];
	double start = now();

	deadline = start + seconds;
	for (int i = 0; i < threads; i++)
		if (pthread_create(&ids[i], NULL, verify, NULL) != 0)
			return 1;
	for (int i = 0; i < threads; i++)
		pthread_join(ids[i], NULL);
	printf("%.3f\n", (double) atomic_load(&verified) / (now() - start));
	return 0;
}

int
main(int argc, char **argv)
{
	int threads = argc == 6 ? atoi(argv[2]) : 0;

	if (sodium_init() < 0)
		return 1;
	if (argc == 5 && strcmp(argv[1], "hash") == 0 && make(stored, argv[2], argv[3], argv[4]) == 0)
		return puts(stored) < 0;
	if (argc == 6 && strcmp(argv[1], "rate") == 0 && threads > 0 && threads <= THREADS_MAX &&
		make(stored, password, argv[4], argv[5]) == 0)
		return measure(threads, atof(argv[3]));
	fputs("usage: argon2 hash PASSWORD MEMORY_KIB PASSES\n", stderr);
	fputs("       argon2 rate THREADS SECONDS MEMORY_KIB PASSES\n", stderr);
	return 2;
}
