# SPDX-License-Identifier: PostgreSQL
#
# Builds the extension and the servers into build/; nothing is written beside the sources.
# `make help` lists the targets. The lists KERNEL and ROOMS are the table of contents of the game:
# the order of the install script, of the tables and of what the module starts.

KERNEL = base config integrity install content route topic identity event push ledger custody openapi
ROOMS = auth/auth auth/token auth/throttle auth/email auth/password auth/request auth/account auth/session \
	auth/role auth/twofactor \
	character/name character/character character/life \
	economy/inventory economy/equipment economy/bank economy/loot_table economy/loot \
	economy/delivery economy/loot_roll \
	world/zone world/teleport economy/loot_container \
	gameplay/progression gameplay/npc gameplay/combat gameplay/quest gameplay/dialogue gameplay/achievement \
	character/history character/player \
	social/notification social/party

PG_MAJOR = 15
PG_CONFIG ?= /usr/lib/postgresql/$(PG_MAJOR)/bin/pg_config
VERSION := $(shell sed -n "s/^default_version *= *'\(.*\)'/\1/p" control/necpgame.control 2>/dev/null)

B = build
CC = gcc
CLANG = clang-14
.DEFAULT_GOAL = all
.DELETE_ON_ERROR:
.SECONDARY:
.SUFFIXES:
MAKEFLAGS += --no-builtin-rules

# One short line per file; `make V=1` shows the commands.
say = $(if $(V),,@echo '  $1	$@';)

# ---------------------------------------------------------------------------------------------
# What there is

EXT_C := $(sort $(wildcard extension/src/*.c extension/src/*/*.c extension/src/*/*/*.c))
COMMON_C := $(sort $(wildcard common/*.c))
EDGE_C := $(sort $(wildcard edge/src/*.c))
MAILER_C := $(sort $(wildcard edge/mailer/*.c))
REALTIME_C := $(sort $(wildcard realtime/src/*.c))
UNIT_C := $(sort $(wildcard test/unit/*.c))

SQL_NAMES = $(addprefix kernel/,$(KERNEL)) $(ROOMS)
SQL := $(wildcard $(SQL_NAMES:%=extension/sql/%.sql)) $(wildcard extension/sql/kernel/grants.sql)
TABLES := $(wildcard $(SQL_NAMES:%=extension/sql/%.tables.sql))
UNLISTED := $(filter-out $(SQL) $(TABLES) extension/sql/migrations/% extension/sql/upgrades/%, \
	$(wildcard extension/sql/*.sql extension/sql/*/*.sql extension/sql/*/*/*.sql))
MIGRATIONS := $(sort $(wildcard extension/sql/migrations/*.sql))
UPGRADES := $(sort $(wildcard extension/sql/upgrades/necpgame--*--*.sql))
CONTENT := $(sort $(wildcard content/*.json))

# ---------------------------------------------------------------------------------------------
# Flags. Headers of libraries are system headers: our warnings are about our code.

pkg_cflags = $(shell pkg-config --cflags $1 2>/dev/null | sed 's/-I */-isystem /g')
pkg_libs = $(shell pkg-config --libs $1 2>/dev/null)
memo = $(eval $1 := $$($1_LAZY))$($1)

WARN = -Wall -Wextra -Wshadow=compatible-local -Wstrict-prototypes -Wno-unused-parameter -Werror
DEPS = -MMD -MP

EXT_CFLAGS_LAZY = -std=gnu11 $(shell $(PG_CONFIG) --cflags) -Wno-declaration-after-statement $(WARN) \
	$(shell $(PG_CONFIG) --cflags_sl) $(filter-out -I%,$(shell $(PG_CONFIG) --cppflags)) \
	-I$(B) -Icommon -Iextension/src -isystem $(shell $(PG_CONFIG) --includedir-server) \
	-isystem /usr/include/postgresql/internal
EXT_LDFLAGS_LAZY = -shared $(shell $(PG_CONFIG) --ldflags) $(shell $(PG_CONFIG) --ldflags_sl) \
	-Wl,--no-undefined-version -Wl,-Bsymbolic -Wl,--version-script=$(B)/exports.map
EXT_CFLAGS = $(call memo,EXT_CFLAGS)
EXT_LDFLAGS = $(call memo,EXT_LDFLAGS)

BASE_PKGS = openssl libpq jansson libjwt libsodium
EDGE_PKGS = libh2o-evloop $(BASE_PKGS)
MAILER_PKGS = libcurl $(BASE_PKGS)
REALTIME_PKGS = libwebsockets libuv $(BASE_PKGS)

SERVER_CFLAGS = -std=gnu11 -g $(WARN) -Wconversion -D_GNU_SOURCE -Icommon -pthread
NORMAL_CFLAGS = -O2 -D_FORTIFY_SOURCE=2 -fstack-protector-strong
ASAN_CFLAGS = -O1 -fno-omit-frame-pointer -fsanitize=address,undefined \
	-fno-sanitize-recover=undefined
SERVER_LDFLAGS = -pthread -Wl,-z,relro -Wl,-z,now -Wl,--as-needed

COMMON_CPPFLAGS_LAZY = $(call pkg_cflags,$(BASE_PKGS))
EDGE_CPPFLAGS_LAZY = -DH2O_USE_LIBUV=0 $(call pkg_cflags,$(EDGE_PKGS))
MAILER_CPPFLAGS_LAZY = $(call pkg_cflags,$(MAILER_PKGS))
REALTIME_CPPFLAGS_LAZY = $(call pkg_cflags,$(REALTIME_PKGS))
EDGE_LIBS_LAZY = $(call pkg_libs,$(EDGE_PKGS)) -lm
MAILER_LIBS_LAZY = $(call pkg_libs,$(MAILER_PKGS))
REALTIME_LIBS_LAZY = $(call pkg_libs,$(REALTIME_PKGS)) -lm
COMMON_LIBS_LAZY = $(call pkg_libs,$(BASE_PKGS)) -lm
COMMON_CPPFLAGS = $(call memo,COMMON_CPPFLAGS)
EDGE_CPPFLAGS = $(call memo,EDGE_CPPFLAGS)
MAILER_CPPFLAGS = $(call memo,MAILER_CPPFLAGS)
REALTIME_CPPFLAGS = $(call memo,REALTIME_CPPFLAGS)
EDGE_LIBS = $(call memo,EDGE_LIBS)
MAILER_LIBS = $(call memo,MAILER_LIBS)
REALTIME_LIBS = $(call memo,REALTIME_LIBS)
COMMON_LIBS = $(call memo,COMMON_LIBS)

# ---------------------------------------------------------------------------------------------
# Everything

EXT_FILES = $(if $(EXT_C),$(B)/necpgame.so) \
	$(if $(VERSION),$(B)/necpgame--$(VERSION).sql $(B)/necpgame/tables.sql)
SERVERS = $(if $(EDGE_C),necp-edge) $(if $(REALTIME_C),necp-realtime) $(if $(MAILER_C),necp-mailer)
UNIT = $(UNIT_C:test/unit/%.c=$(B)/unit/%)

.PHONY: all extension servers asan unit benchmarks fuzzer docs-viewer
all: extension servers benchmarks docs-viewer
extension: $(EXT_FILES)
servers: $(SERVERS:%=$(B)/%)
asan: $(SERVERS:%=$(B)/asan/%)
unit: $(UNIT)
benchmarks: $(patsubst bench/%.c,$(B)/%,$(wildcard bench/*.c))
fuzzer: $(if $(wildcard test/fuzz/stomp_fuzz.c),$(B)/fuzz/stomp_fuzz)
docs-viewer: $(if $(wildcard test/node_modules/swagger-ui-dist),$(B)/docs-viewer/index.html)

# ---------------------------------------------------------------------------------------------
# The extension

EXT_O = $(EXT_C:%.c=$(B)/obj/%.o)

$(B)/necpgame.so: $(EXT_O) $(B)/exports.map $(B)/sources
	$(call say,LD)$(CC) $(EXT_O) -o $@ $(EXT_LDFLAGS)

$(B)/obj/extension/%.o: extension/%.c $(B)/flags | $(B)/rooms.inc
	@mkdir -p $(@D)
	$(call say,CC)$(CC) $(EXT_CFLAGS) $(DEPS) -c $< -o $@

# Only what PostgreSQL looks up by name leaves the library.
$(B)/exports.map: FORCE
	@$(call keep,{ global: Pg_magic_func; _PG_init; necp_*; pg_finfo_necp_*; local: *; };\n)

$(B)/rooms.inc: FORCE
	@$(call keep,$(foreach room,$(notdir $(ROOMS)),NECP_ROOM($(room))\n))

# A file that comes, goes or moves changes what is made of all of them.
$(B)/sources: FORCE
	@$(call keep,$(SQL) $(TABLES) $(EXT_C) $(COMMON_C) $(EDGE_C) $(MAILER_C) $(REALTIME_C)\n)

# What was compiled with other flags is compiled again.
$(B)/flags: FORCE
	@$(call keep,$(WARN) $(SERVER_CFLAGS) $(NORMAL_CFLAGS) $(ASAN_CFLAGS)\n)

# Writes the text into the target only if it says something new.
keep = mkdir -p $(@D); printf '%b' '$1' | cmp -s - $@ || printf '%b' '$1' >$@
.PHONY: FORCE
FORCE:

$(B)/necpgame--$(VERSION).sql: $(SQL) control/necpgame.control $(B)/sources
	@mkdir -p $(@D)
	$(if $(UNLISTED),$(error not listed in KERNEL or ROOMS: $(UNLISTED)))
	@{ printf '\\echo Use "CREATE EXTENSION necpgame" to load this file. \\quit\n'; \
	   for f in $(SQL); do \
	      printf '\n-- %s\nSET LOCAL necp.wing = '"'%s'"';\n' "$$f" "$$(basename "$$(dirname "$$f")")"; \
	      cat "$$f"; done; } >$@

$(B)/necpgame/tables.sql: $(TABLES) $(B)/sources
	@mkdir -p $(@D)
	@for f in $(TABLES); do printf -- '\n-- %s\n' "$$f"; cat "$$f"; done >$@

# ---------------------------------------------------------------------------------------------
# The servers, twice: as they are run, and with sanitizers

# $1 folder of the flavour, $2 its flags
define flavour
$1/obj/common/%.o: common/%.c $(B)/flags
	@mkdir -p $$(@D)
	$$(call say,CC)$$(CC) $$(SERVER_CFLAGS) $2 $$(COMMON_CPPFLAGS) $$(DEPS) -c $$< -o $$@

$1/obj/edge/%.o: edge/%.c $(B)/flags
	@mkdir -p $$(@D)
	$$(call say,CC)$$(CC) $$(SERVER_CFLAGS) $2 $$(EDGE_CPPFLAGS) $$(DEPS) -c $$< -o $$@

$1/obj/edge/mailer/%.o: edge/mailer/%.c $(B)/flags
	@mkdir -p $$(@D)
	$$(call say,CC)$$(CC) $$(SERVER_CFLAGS) $2 $$(MAILER_CPPFLAGS) $$(DEPS) -c $$< -o $$@

$1/obj/realtime/%.o: realtime/%.c $(B)/flags
	@mkdir -p $$(@D)
	$$(call say,CC)$$(CC) $$(SERVER_CFLAGS) $2 $$(REALTIME_CPPFLAGS) $$(DEPS) -c $$< -o $$@

$1/libnecp.a: $(COMMON_C:%.c=$1/obj/%.o) $(B)/sources
	@mkdir -p $$(@D); rm -f $$@
	$$(call say,AR)ar rcs $$@ $$(filter %.o,$$^)

$1/necp-edge: $(EDGE_C:%.c=$1/obj/%.o) $1/libnecp.a $(B)/sources
	$$(call say,LD)$$(CC) $2 $$(SERVER_LDFLAGS) $$(filter %.o %.a,$$^) -o $$@ $$(EDGE_LIBS)

$1/necp-mailer: $(MAILER_C:%.c=$1/obj/%.o) $1/libnecp.a $(B)/sources
	$$(call say,LD)$$(CC) $2 $$(SERVER_LDFLAGS) $$(filter %.o %.a,$$^) -o $$@ $$(MAILER_LIBS)

$1/necp-realtime: $(REALTIME_C:%.c=$1/obj/%.o) $1/libnecp.a $(B)/sources
	$$(call say,LD)$$(CC) $2 $$(SERVER_LDFLAGS) $$(filter %.o %.a,$$^) -o $$@ $$(REALTIME_LIBS)
endef
$(eval $(call flavour,$(B),$(NORMAL_CFLAGS)))
$(eval $(call flavour,$(B)/asan,$(ASAN_CFLAGS)))

$(B)/obj/bench/%.o: bench/%.c $(B)/flags
	@mkdir -p $(@D)
	$(call say,CC)$(CC) $(SERVER_CFLAGS) $(NORMAL_CFLAGS) $(COMMON_CPPFLAGS) $(DEPS) -c $< -o $@

$(B)/loadclient $(B)/argon2: $(B)/%: $(B)/obj/bench/%.o $(B)/libnecp.a
	$(call say,LD)$(CC) $(SERVER_LDFLAGS) $^ -o $@ $(COMMON_LIBS)

# A unit test may use what the server of its name is made of, all but main.
MAILER_PARTS = $(filter-out %/main.o,$(MAILER_C:%.c=$(B)/asan/obj/%.o))
EDGE_PARTS = $(filter-out %/main.o,$(EDGE_C:%.c=$(B)/asan/obj/%.o))
REALTIME_PARTS = $(filter-out %/main.o,$(REALTIME_C:%.c=$(B)/asan/obj/%.o))
UNIT_CFLAGS = $(SERVER_CFLAGS) -Wno-conversion $(ASAN_CFLAGS) -Iedge/src -Iedge/mailer -Irealtime/src \
	-Iextension/src

$(B)/obj/test/unit/%.o: test/unit/%.c $(B)/flags
	@mkdir -p $(@D)
	$(call say,CC)$(CC) $(UNIT_CFLAGS) $(if $(filter edge_%,$*),$(EDGE_CPPFLAGS),$(REALTIME_CPPFLAGS)) \
		$(DEPS) -c $< -o $@

$(B)/unit/extension_alias: $(B)/asan/obj/extension/src/kernel/alias.o
$(B)/unit/extension_mind: $(B)/asan/obj/extension/src/gameplay/npc_mind.o
$(B)/asan/obj/extension/%.o: extension/%.c $(B)/flags
	@mkdir -p $(@D)
	$(call say,CC)$(CC) $(UNIT_CFLAGS) $(DEPS) -c $< -o $@

$(filter $(B)/unit/edge_%,$(UNIT)): $(EDGE_PARTS)
$(filter $(B)/unit/mailer_%,$(UNIT)): $(MAILER_PARTS)
$(filter $(B)/unit/stomp_% $(B)/unit/realtime_%,$(UNIT)): $(REALTIME_PARTS)
$(UNIT): $(B)/unit/%: $(B)/obj/test/unit/%.o $(B)/asan/libnecp.a
	@mkdir -p $(@D)
	$(call say,LD)$(CC) $(ASAN_CFLAGS) $(SERVER_LDFLAGS) $(filter %.o,$^) $(B)/asan/libnecp.a -o $@ \
		$(if $(filter edge_%,$*),$(EDGE_LIBS),$(if $(filter mailer_%,$*),$(MAILER_LIBS),$(REALTIME_LIBS)))

$(B)/fuzz/stomp_fuzz: test/fuzz/stomp_fuzz.c realtime/src/stomp.c $(wildcard realtime/src/*.h) $(B)/flags
	@mkdir -p $(@D)
	$(call say,CLANG)$(CLANG) -std=gnu11 -g -O1 -D_GNU_SOURCE -Icommon -Irealtime/src $(REALTIME_CPPFLAGS) \
		-fsanitize=fuzzer,address,undefined -fno-sanitize-recover=undefined \
		-fprofile-instr-generate -fcoverage-mapping \
		test/fuzz/stomp_fuzz.c realtime/src/stomp.c -o $@ $(COMMON_LIBS)

-include $(shell find $(B) -name '*.d' 2>/dev/null)

# ---------------------------------------------------------------------------------------------
# The page that shows the API, served by the edge under /docs

$(B)/docs-viewer/index.html: bin/docs-viewer test/node_modules/.package-lock.json
	bin/docs-viewer test/node_modules/swagger-ui-dist $(@D)

# ---------------------------------------------------------------------------------------------
# For people

JOBS = $(shell nproc)
SUBMAKE = +@$(MAKE) --no-print-directory -j$(JOBS)

.PHONY: deps install up down check bench lint format clean help

deps:			## install what is missing: Debian packages, npm packages of the tests
	@bin/necp-deps

install: extension	## install the extension into PostgreSQL (root, or sudo)
	@bin/necp-install '$(PG_CONFIG)' '$(VERSION)' '$(CONTENT)' '$(MIGRATIONS)' '$(UPGRADES)'

up:			## build, install, start everything with demo content, say where
	@bin/necp-deps up
	$(SUBMAKE) all
	$(SUBMAKE) install
	@bin/necp-cluster start

down:			## stop what `up` started
	@bin/necp-cluster stop

check: deps		## build, install and pass all tests (CHECK_ONLY="pgtap e2e" for some)
	$(SUBMAKE) all asan unit fuzzer
	$(SUBMAKE) install
	@test/run $(CHECK_ONLY)

bench: deps		## measure (bench/run)
	$(SUBMAKE) all
	$(SUBMAKE) install
	@bench/run

C_FILES := $(sort $(wildcard common/*.[ch] edge/src/*.[ch] edge/mailer/*.[ch] realtime/src/*.[ch] bench/*.[ch] \
	test/unit/*.[ch] test/fuzz/*.[ch] extension/src/*.[ch] extension/src/*/*.[ch] \
	extension/src/*/*/*.[ch]))

lint: extension servers	## format, clang-tidy, cppcheck, shellcheck, exported symbols, conventions
	@test/lint

format:			## format all C files
	@$(if $(C_FILES),clang-format -i $(C_FILES))

clean:			## remove build/
	rm -rf $(B)

print-%:
	@echo '$($*)'

help:			## this list
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 18
