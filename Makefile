# topaz: builds the C core, runs the tests and the checks. GNU make. `make help` lists the targets.
#
# What can be set on the command line:
#   BUILD=build          where everything made goes; another folder is another build beside it
#   CC, CFLAGS, LDFLAGS  as usual; CFLAGS is for optimisation and debugging, the language flags are below
#   WERROR=1             warnings are errors
#   SANITIZE=1           with gcc's address and undefined-behaviour sanitizers (what `make asan` uses)
#   DEBUG=1              with assertions, not optimised (what `make debug` uses)
#   POLLER=POLLER_POLL   with another mechanism of waiting than the system's best (what `make test-poll` uses)
#   LUA=lua5.5           the interpreter, 5.4 or 5.5: its headers are taken, and it runs tests and scripts
#   LUA_INCDIR, LUA_LIBDIR, CURL_INCDIR, CURL_LIBDIR  where headers and libraries are, when pkg-config does not know
#   PREFIX=/usr/local, DESTDIR=                 for install; INST_LUADIR, INST_LIBDIR and the like name the folders themselves
#   SPEC=spec/unit       which specs `make test` (asan, valgrind, coverage) runs; ARGS='--filter word' are busted's own

BUILD = build
# The first that is there, by the names that systems give it.
LUA := $(or $(shell for n in lua5.4 lua54 lua-5.4 lua5.5 lua55 lua-5.5 lua; do command -v $$n >/dev/null && echo $$n && break; done),lua5.4)
# Its version as 5.4; where it is not installed, by its name.
LUA_V := $(or $(shell $(LUA) -E -e 'io.write((_VERSION:gsub("^Lua ", "")))' 2>/dev/null || \
  echo '$(LUA)' | sed -n 's/.*\(5\)[.-]*\([0-9]\)$$/\1.\2/p'),5.4)
PREFIX = /usr/local
INST_LUADIR = $(PREFIX)/share/lua/$(LUA_V)
INST_LIBDIR = $(PREFIX)/lib/lua/$(LUA_V)
INST_BINDIR = $(PREFIX)/bin
INST_MANDIR = $(PREFIX)/share/man/man1
SPEC = spec
ARGS =

# ---- flags ------------------------------------------------------------------------------------------------------

# $(call pkg,--cflags or --libs,name of a package…): what pkg-config says of the first package that it knows.
pkg = $(shell for p in $(2); do pkg-config $(1) $$p 2>/dev/null && break; done)
# The names of Lua's package and folders; `lua` alone may be another version.
lua_names = lua$(LUA_V) lua-$(LUA_V) lua$(subst .,,$(LUA_V))
real_lua = $(shell command -v $(LUA) 2>/dev/null)
lua_prefix = $(patsubst %/bin/$(notdir $(real_lua)),%,$(real_lua))
lua_header = $(firstword $(wildcard $(foreach p,$(lua_prefix) /usr/local /usr,$(addprefix $(p)/include/,$(lua_names:%=%/lua.h) lua/lua.h lua.h))))
LUA_FLAGS := $(if $(LUA_INCDIR),-I$(LUA_INCDIR),$(or $(call pkg,--cflags,$(lua_names)),$(lua_header:%/lua.h=-I%)))
# LuaRocks may name a folder in which there is no curl/curl.h: Debian's stands where only the compiler looks.
CURL_FLAGS := $(if $(wildcard $(CURL_INCDIR)/curl/curl.h),-I$(CURL_INCDIR),$(call pkg,--cflags,libcurl))
CURL_LIBS := $(if $(CURL_LIBDIR),-L$(CURL_LIBDIR) -lcurl,$(or $(call pkg,--libs,libcurl),-lcurl))

# The system, by the compiler.
TARGET := $(shell $(CC) -dumpmachine 2>/dev/null)
LINUX := $(findstring linux,$(TARGET))
MACOS := $(findstring darwin,$(TARGET))
I386 := $(filter i%86,$(firstword $(subst -, ,$(TARGET))))
# mingw-w64's: modules are DLLs, and are linked with that of Lua.
WINDOWS := $(findstring mingw,$(TARGET))

SANITIZERS = -fsanitize=address,undefined -fno-sanitize-recover=all
CFLAGS = $(if $(DEBUG),-O0 -g3,-O3 -g $(if $(WINDOWS)$(MACOS),,-fno-plt)) $(if $(SANITIZE),-O1 -fno-omit-frame-pointer $(SANITIZERS))
LIBFLAG = $(if $(MACOS),-bundle -undefined dynamic_lookup,-shared)
WARNINGS = -Wall -Wextra -Wpedantic -Wshadow -Wconversion $(if $(WERROR),-Werror)
DEFINES = $(if $(DEBUG),-DTOPAZ_DEBUG -DLUA_USE_APICHECK -UNDEBUG,-DNDEBUG) $(if $(POLLER),-DPOLLER=$(POLLER)) \
  $(if $(findstring netbsd,$(TARGET)),-D_NETBSD_SOURCE)
# Only luaopen_topaz_core is visible from outside; `make symbols` looks whether that holds.
COMPILE = $(CC) -std=c11 -fPIC -fvisibility=hidden $(WARNINGS) $(DEFINES) -Icsrc $(LUA_FLAGS) $(CURL_FLAGS) $(CFLAGS)
LINK = $(CC) $(LIBFLAG) $(if $(SANITIZE),$(SANITIZERS)) $(LDFLAGS)
SO = $(if $(WINDOWS),dll,so)
LUA_LIBS = $(if $(LUA_LIBDIR),-L$(LUA_LIBDIR)) -llua$(subst .,,$(LUA_V))
LIBS = $(CURL_LIBS) $(if $(WINDOWS),$(LUA_LIBS) -lws2_32,-lpthread $(if $(LINUX),-ldl) -lm)

# ---- what is built ------------------------------------------------------------------------------------------------

core = $(BUILD)/topaz/core.$(SO)
core_objects = $(patsubst csrc/%.c,$(BUILD)/obj/%.o,$(sort $(wildcard csrc/*.c csrc/*/*.c)))
# spec/unit/json_room.c is the module json_room: a room of the core seen from Lua, without the rest of the core.
rooms = $(patsubst spec/unit/%_room.c,%,$(wildcard spec/unit/*_room.c))
# The objects of a room: csrc/NAME.c, csrc/NAME_*.c and csrc/NAME/*.c, and those of the rooms that it uses.
uses_json = userdata
uses_status = json userdata
uses_transport = platform sha256
uses_transport_answer = transport/answer
room_objects = $(foreach r,$(1) $(uses_$(1)),$(patsubst csrc/%.c,$(BUILD)/obj/%.o,$(wildcard csrc/$(r).c csrc/$(r)_*.c csrc/$(r)/*.c)))

.PHONY: all static doc help debug deps deps-dev demo test test-poll test-kqueue asan novectors valgrind coverage lint format format-check tidy \
  cppcheck sizes symbols warnings luacheck install uninstall rock bench fuzz contract clean rooms
.DELETE_ON_ERROR:
.SECONDARY:

all: $(core)  ## build the C core (the default)
	@:

rooms: $(rooms:%=$(BUILD)/spec/%_room.$(SO))
	@:

$(core): $(core_objects) $(BUILD)/flags
	@mkdir -p $(@D)
	$(LINK) -o $@ $(core_objects) $(LIBS)

static: $(BUILD)/libtopaz.a  ## build the core as a library that a host links in
	@:

# One object whose hidden names become local: in a host they would meet those of the program. On macOS the linker does that;
# elsewhere they stay where there is no objcopy. The helpers by which i386 finds its own address must stay global: the linker
# keeps one copy of each, and drops ours.
OBJCOPY = objcopy
$(BUILD)/libtopaz.a: $(core_objects) $(BUILD)/flags
	$(CC) -r -nostdlib -o $(BUILD)/static.o $(core_objects)
	if test -z "$(MACOS)" && command -v $(OBJCOPY) >/dev/null; then $(OBJCOPY) --localize-hidden $(BUILD)/static.o$(if $(I386), && \
	  $(OBJCOPY) --wildcard --globalize-symbol='__x86.get_pc_thunk.*' $(BUILD)/static.o); fi
	@rm -f $@
	$(AR) rcs $@ $(BUILD)/static.o

$(BUILD)/obj/%.o: csrc/%.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(COMPILE) -MMD -MP -c -o $@ $<

$(BUILD)/spec/obj/%_room.o: spec/unit/%_room.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(COMPILE) -fvisibility=default -MMD -MP -c -o $@ $<

.SECONDEXPANSION:
$(BUILD)/spec/%_room.$(SO): $(BUILD)/spec/obj/%_room.o $$(call room_objects,$$*)
	$(LINK) -o $@ $^ $(LIBS)

# Changes when the commands do, so that nothing old is linked with something new.
commands = $(COMPILE) / $(LINK) / $(LIBS) / $(notdir $(core_objects))
ifneq ($(shell cat $(BUILD)/flags 2>/dev/null),$(commands))
.PHONY: $(BUILD)/flags
endif
hash = \#
# $(call has,header,condition): whether the compiler finds the header, and the condition holds in it.
has = printf '$(hash)include <$(1)>\n$(hash)if !($(2))\n$(hash)error\n$(hash)endif\n' | $(COMPILE) -w -E - >/dev/null 2>&1
# Whether the linker finds libcurl.
links = { mkdir -p $(@D) && echo 'extern int links;' | $(COMPILE) -w -x c -c -o $@.o - && $(LINK) -o $@.so $@.o $(CURL_LIBS); } >/dev/null 2>&1
install_curl = Install libcurl4-openssl-dev (Debian, Ubuntu), libcurl-devel (Fedora), curl-dev (Alpine) or curl (Arch, Homebrew)
$(BUILD)/flags:
	@command -v $(firstword $(CC)) >/dev/null || { echo "topaz: there is no C compiler '$(CC)': install gcc or clang" >&2; exit 1; }
	@$(call has,stdlib.h,1) || { echo "topaz: '$(CC)' does not find the headers of the C library. Install libc6-dev (Debian, \
	Ubuntu), glibc-devel (Fedora) or musl-dev (Alpine)" >&2; exit 1; }
	@test -n "$(filter 5.4 5.5,$(LUA_V))" || { echo "topaz: '$(LUA)' is Lua $(LUA_V), and topaz needs 5.4 or 5.5. Set LUA" >&2; exit 1; }
	@$(call has,lauxlib.h,LUA_VERSION_NUM == $(subst .,0,$(LUA_V))) || { echo "topaz: the headers of Lua $(LUA_V) were not found. \
	Install liblua$(LUA_V)-dev (Debian, Ubuntu), lua-devel (Fedora), lua$(LUA_V)-dev (Alpine) or lua (Arch, Homebrew), or set \
	LUA_INCDIR" >&2; exit 1; }
	@$(call has,curl/curl.h,LIBCURL_VERSION_NUM >= 0x075500) || { echo "topaz: the headers of libcurl 7.85 or newer were not found. \
	$(install_curl), or set CURL_INCDIR" >&2; exit 1; }
	@$(links) || { echo "topaz: the linker does not find libcurl ($(strip $(CURL_LIBS))). $(install_curl), or set CURL_LIBDIR" >&2; exit 1; }
	@rm -f $@.*
	@mkdir -p $(@D)
	@printf '%s\n' '$(commands)' >$@

-include $(wildcard $(BUILD)/obj/*.d $(BUILD)/obj/*/*.d $(BUILD)/spec/obj/*.d)

debug:  ## build with assertions, not optimised, into build/debug (then: make test BUILD=build/debug DEBUG=1)
	@$(MAKE) --no-print-directory all BUILD=build/debug DEBUG=1

# ---- running ----------------------------------------------------------------------------------------------------

# The checkout's modules before all others. What the caller's paths add (another busted) stays behind them.
here = $(CURDIR)
built = $(if $(filter /%,$(BUILD)),$(BUILD),$(here)/$(BUILD))
lua_path = $(here)/lua/?.lua;$(here)/lua/?/init.lua;$(here)/?.lua;$(here)/?/init.lua
lua_cpath = $(built)/?.$(SO);$(built)/spec/?.$(SO)
# A build for a checker has its own lua5.4 in $(BUILD)/bin, which starts the real one under the checker; scripts
# that the tests start as children find it too.
v = $(subst .,_,$(LUA_V))
run = env -u LUA_INIT -u LUA_INIT_$(v) -u LUA_PATH_$(v) -u LUA_CPATH_$(v) PATH="$(built)/bin:$$PATH" LUA="$(LUA)" \
  LUA_PATH="$(lua_path);$${LUA_PATH_$(v):-$${LUA_PATH:-;}}" LUA_CPATH="$(lua_cpath);$${LUA_CPATH_$(v):-$${LUA_CPATH:-;}}"

# $(call need,a command that goes well when it is there,what,package): says in one line what is missing.
need = $(1) >/dev/null 2>&1 || { echo "make $@: it needs $(2): apt install $(3)" >&2; exit 1; }
need_lua = $(call need,command -v $(LUA),$(LUA),lua$(LUA_V))
need_module = $(call need,$(run) $(LUA) -e 'require "$(1)"',the Lua module $(1),$(2))

deps:  ## install what is missing to build, test and show it (Debian, Ubuntu; elsewhere: say what)
	@LUA_V=$(LUA_V) sh .ci/deps

deps-dev:  ## the same, and the tools of the checks below
	@LUA_V=$(LUA_V) sh .ci/deps --dev

demo: deps  ## build, then list, follow and clean up 24 jobs on an emulator of the API
	@echo "topaz: building the core, which takes some seconds"
	@$(MAKE) -s --no-print-directory all
	@$(need_lua)
	@$(call need_module,argparse,lua-argparse)
	@$(call need_module,socket,lua-socket)
	@$(call need_module,cjson,lua-cjson)
	@$(run) $(LUA) lua/topaz/cli/topaz-status --demo

.PHONY: emulator
emulator: all  ## run an emulator of the API until Ctrl-C; ARGS='--jobs 200' are its options (--help)
	@$(run) $(LUA) lua/topaz/cli/topaz-status emulator $(ARGS)

# deps comes first, and what it installs changes the flags: hence a make of its own for the rest.
test: deps  ## build and run every test; SPEC=spec/unit/json_spec.lua runs a part
	@$(MAKE) --no-print-directory all rooms
	@$(run) $(LUA) spec/run.lua $(ARGS) $(SPEC)

# $(call under,the words that start Lua under a checker)
under = mkdir -p $(BUILD)/bin && printf '\#!/bin/sh\nexec %s "$$@"\n' "$(1)" >$(BUILD)/bin/lua5.4 && chmod 755 $(BUILD)/bin/lua5.4

asan:  ## run the tests with gcc's sanitizers for memory, leaks and undefined behaviour
	@$(MAKE) --no-print-directory asan-run BUILD=build/asan SANITIZE=1 DEBUG=1 CC=gcc LUA=lua5.4

# The sanitizer must be loaded before all else in lua5.4, but not in the programs that the tests start: spec/support/alone.c.
under_asan = env LD_PRELOAD=$(shell gcc -print-file-name=libasan.so):$(built)/alone.so \
  ASAN_OPTIONS=detect_leaks=1:handle_abort=1 UBSAN_OPTIONS=print_stacktrace=1 \
  LSAN_OPTIONS=suppressions=$(here)/spec/support/lsan.supp:print_suppressions=0 $(real_lua)
.PHONY: asan-run
asan-run: all rooms
	@gcc -shared -fPIC -o $(BUILD)/alone.so spec/support/alone.c
	@$(call under,$(under_asan))
	@$(run) lua5.4 spec/run.lua $(ARGS) $(SPEC)

# What waits for descriptors; three minutes.
poll_specs = $(wildcard spec/unit/transport_*spec.lua) \
  $(patsubst %,spec/integration/%_spec.lua,idle scheduler scheduler_own calls statuses statuses_where faults task \
  task_cancel step_stall channel channel_end channel_faults)
test-poll:  ## run the specs that wait for descriptors with poll() in place of epoll, in build/poll
	@$(MAKE) --no-print-directory test-poll-run BUILD=build/poll POLLER=POLLER_POLL

.PHONY: test-poll-run
test-poll-run: all rooms
	@$(run) $(LUA) spec/run.lua $(ARGS) $(if $(filter command,$(origin SPEC)),$(SPEC),$(poll_specs))

# The machines on which topaz is made do not have kqueue: it runs on a stand-in over epoll, spec/support/kqueue.c.
test-kqueue:  ## the same with kqueue, on a stand-in for it, in build/kqueue; Linux
	@mkdir -p build/kqueue
	@$(CC) -std=c11 -O2 -g $(WARNINGS) -fPIC -Ispec/support/kqueue -c -o build/kqueue/kqueue.o spec/support/kqueue.c
	@$(MAKE) --no-print-directory test-poll-run BUILD=build/kqueue POLLER=POLLER_KQUEUE \
	  CFLAGS='-O2 -g -Ispec/support/kqueue -DPLATFORM_PLAIN' LDFLAGS=build/kqueue/kqueue.o

.PHONY: windows # SPEC counts where it is given: by itself it stands for all specs
windows:  ## build for Windows by mingw-w64 and run specs under wine (the first time builds Lua and libcurl)
	@SPEC="$(if $(filter command,$(origin SPEC)),$(SPEC))" ARGS="$(ARGS)" sh .ci/windows

.PHONY: windows-run
windows-run: all rooms
	@$(run) $(LUA) spec/run.lua $(ARGS) $(SPEC)

# On x86-64 the other code would never run.
novectors:  ## run the specs of JSON with its code for machines without vector instructions, under the sanitizers
	@$(MAKE) --no-print-directory asan-run BUILD=build/novectors SANITIZE=1 DEBUG=1 CC=gcc LUA=lua5.4 \
	  CFLAGS='-O1 -g -fno-omit-frame-pointer $(SANITIZERS) -DJSON_NO_VECTORS' SPEC='$(wildcard spec/unit/json_*spec.lua)'

valgrind:  ## run the tests under valgrind (slow; SPEC= helps)
	@$(MAKE) --no-print-directory valgrind-run BUILD=build/valgrind CFLAGS='-O1 -g' LUA=lua5.4

.PHONY: valgrind-run
valgrind-run: all rooms
	@$(call under,valgrind -q --error-exitcode=99 --leak-check=full --errors-for-leak-kinds=definite \
	  --child-silent-after-fork=yes $(real_lua))
	@$(run) lua5.4 spec/run.lua $(ARGS) $(SPEC)

coverage:  ## run the tests and tell which part of each C file they run
	@rm -rf build/coverage
	@$(MAKE) --no-print-directory coverage-run BUILD=build/coverage CC=gcc CFLAGS='-O0 -g --coverage' LDFLAGS=--coverage

.PHONY: coverage-run
coverage-run: all rooms $(BUILD)/proof/memory $(BUILD)/proof/host $(BUILD)/proof/slow_dns.so
	@$(run) $(LUA) spec/run.lua $(ARGS) $(SPEC)
	@$(run) FAST=1 $(LUA) spec/proof/run.lua $(BUILD) memory stall fork wipe
	@$(run) $(LUA) spec/proof/coverage.lua $(BUILD)/obj

# The rest is for work on topaz itself; each is there when its script is.
bench:  ## compare with other clients, side by side
	@test -f spec/bench/run.lua || { echo "there is no spec/bench/run.lua"; exit 1; }
	@$(need_lua)
	@$(call need,PATH="$$PATH:/usr/local/sbin:/usr/sbin:/sbin" command -v nginx,nginx,nginx libnginx-mod-http-lua)
	@$(call need_module,socket,lua-socket)
	@$(call need_module,cjson,lua-cjson)
	@$(MAKE) --no-print-directory all
	@$(run) $(LUA) spec/bench/run.lua $(ARGS)

fuzz:  ## feed the parsers with broken input, under the sanitizers
	@test -f spec/fuzz/run || { echo "there is no spec/fuzz/run"; exit 1; }
	@$(run) sh spec/fuzz/run $(ARGS)

include spec/proof/proof.mk
include spec/chaos/chaos.mk
include spec/share/share.mk

.PHONY: libcurl-matrix # SPEC counts where it is given: by itself it stands for all specs
libcurl-matrix:  ## test with Debian's libcurl, the newest, and one without HTTP/2; CELLS="newest plain" takes a part
	@CELLS="$(CELLS)" SPEC="$(if $(filter command,$(origin SPEC)),$(SPEC))" ARGS="$(ARGS)" sh .ci/libcurl-matrix

.PHONY: matrix
matrix:  ## test other systems, CPUs and versions, as far as they run here, and print a table; CELLS="trixie arm64" takes a part
	@CELLS="$(CELLS)" FAST="$(FAST)" SPEC="$(if $(filter command,$(origin SPEC)),$(SPEC))" ARGS="$(ARGS)" bash .ci/matrix

contract:  ## prove client and emulator against the API's contract
	@test -f spec/contract/run || { echo "there is no spec/contract/run"; exit 1; }
	@$(MAKE) --no-print-directory all
	@$(run) sh spec/contract/run $(ARGS)

UNICODE = /usr/share/unicode
.PHONY: widths
widths:  ## make width_data.lua and unicode_hidden.h from Unicode's data (Debian: unicode-data; UNICODE= names the folder)
	@$(call need,test -f $(UNICODE)/UnicodeData.txt,the Unicode Character Database,unicode-data)
	@mkdir -p $(BUILD)
	@$(LUA) spec/widths/generate.lua $(UNICODE) >$(BUILD)/width_data.lua
	@$(LUA) spec/widths/generate.lua $(UNICODE) hidden >$(BUILD)/unicode_hidden.h
	@mv $(BUILD)/width_data.lua lua/topaz/terminal/width_data.lua
	@mv $(BUILD)/unicode_hidden.h csrc/unicode_hidden.h

# ---- checks -----------------------------------------------------------------------------------------------------

c_and_headers = $(wildcard csrc/*.[ch] csrc/*/*.[ch] spec/*/*.[ch])

lint: luacheck format-check sizes warnings symbols tidy cppcheck  ## all static checks of Lua and C
	@echo "lint: all quiet"

luacheck:
	luacheck --quiet lua spec rockspec .busted .luacheckrc

format:  ## lay out the C files by .clang-format
	clang-format -i $(c_and_headers)

format-check:
	@clang-format --dry-run -Werror $(c_and_headers)

sizes:
	@sh .ci/sizes $(c_and_headers) $(shell find lua spec -name '*.lua' | sort)

# Both compilers, every warning an error.
warnings:
	@$(MAKE) --no-print-directory -s all rooms BUILD=build/lint-gcc CC=gcc WERROR=1
	@$(MAKE) --no-print-directory -s all rooms BUILD=build/lint-clang CC=clang WERROR=1

# Other names would meet those of the program that loads the module.
symbols: $(core)
	@nm $(if $(MACOS),-gU,-D --defined-only) $(core) | awk '{ print $$NF }' | sed 's/^_luaopen/luaopen/' | sort | tr '\n' ' ' | { read -r names; \
	  test "$$names" = luaopen_topaz_core || { echo "symbols: exported: $$names" >&2; exit 1; }; }

tidy_flags = $(DEFINES) -std=c11 -Icsrc $(LUA_FLAGS) $(CURL_FLAGS)
tidy:
	@printf '%s\n' $(wildcard csrc/*.c csrc/*/*.c spec/unit/*.c spec/examples/*/*.c) | xargs -P 2 -n 1 sh -c 'clang-tidy --quiet "$$@" -- $(tidy_flags) 2>&1 | \
	  { ! grep -v -e "warnings\? generated" -e "Suppressed"; }' tidy

cppcheck:
	cppcheck --quiet --std=c11 --enable=warning,performance,portability --inline-suppr --error-exitcode=1 \
	  --force -Icsrc $(LUA_FLAGS) csrc

# ---- installing -------------------------------------------------------------------------------------------------

doc:  ## build the reference and the guides into build/doc (needs LDoc)
	@$(need_lua)
	@$(run) $(LUA) spec/docs/build.lua $(BUILD)/doc

pictures: all  ## make the pictures of README.md and the guides from real screens and the committed results (needs tmux, nginx)
	@$(need_lua)
	@$(run) $(LUA) spec/docs/pictures.lua spec/guide

# All below lua/topaz, data files too; not what an editor leaves there. The command goes to a folder of its own.
lua_files = $(sort $(filter-out %/topaz-status,$(patsubst lua/%,%,$(shell find lua/topaz -type f ! -name '.*' ! -name '*~'))))
# The interpreter by its full path: a PATH may have another one.
program_lua = $(or $(real_lua),/usr/bin/env $(LUA))

# The right to write is asked for before anything is written, of the folders that are there already.
install: $(core)  ## install to PREFIX (/usr/local), below DESTDIR if given
	@for d in "$(DESTDIR)$(INST_LUADIR)" "$(DESTDIR)$(INST_LIBDIR)" "$(DESTDIR)$(INST_BINDIR)"; do \
	  until test -e "$$d"; do d=$$(dirname "$$d"); done; \
	  test -w "$$d" || { echo "topaz: you may not write to $$d: use sudo make install, or \
	make install PREFIX=\$$HOME/.local" >&2; exit 1; }; done
	@for f in $(lua_files); do \
	  mkdir -p "$(DESTDIR)$(INST_LUADIR)/$${f%/*}" && install -m 644 lua/$$f "$(DESTDIR)$(INST_LUADIR)/$$f" || exit 1; done
	@mkdir -p "$(DESTDIR)$(INST_BINDIR)" && sed '1s|^#!.*|#!$(program_lua)|' lua/topaz/cli/topaz-status \
	  >"$(DESTDIR)$(INST_BINDIR)/topaz-status" && chmod 755 "$(DESTDIR)$(INST_BINDIR)/topaz-status"
	@mkdir -p "$(DESTDIR)$(INST_LIBDIR)/topaz" && install -m 755 $(core) "$(DESTDIR)$(INST_LIBDIR)/topaz/core.$(SO)"
	@if $(run) $(LUA) lua/topaz/cli/topaz-status manual >$(BUILD)/topaz-status.1 2>/dev/null; then \
	  mkdir -p "$(DESTDIR)$(INST_MANDIR)" && install -m 644 $(BUILD)/topaz-status.1 "$(DESTDIR)$(INST_MANDIR)/topaz-status.1"; \
	else echo "topaz: without its man page, which needs the Lua module argparse"; fi
	@echo "topaz: installed to $(DESTDIR)$(INST_LUADIR)/topaz and $(DESTDIR)$(INST_LIBDIR)/topaz"

uninstall:  ## remove what install installed
	@for f in $(lua_files); do rm -f "$(DESTDIR)$(INST_LUADIR)/$$f"; done
	@rm -f "$(DESTDIR)$(INST_LIBDIR)/topaz/core.so" "$(DESTDIR)$(INST_BINDIR)/topaz-status" \
	  "$(DESTDIR)$(INST_MANDIR)/topaz-status.1"
	@find "$(DESTDIR)$(INST_LUADIR)/topaz" "$(DESTDIR)$(INST_LIBDIR)/topaz" -type d -empty -delete 2>/dev/null || true

rock:  ## build and install the rock into build/rock, and use it from outside
	@sh .ci/rock

.PHONY: dist deb packages rockspecs
rockspecs:  ## write the list of the core's files into the rockspecs
	@sh .ci/rockspecs

dist:  ## make a tarball of the sources in build/dist: the same sources, the same bytes
	@sh .ci/dist $(BUILD)/dist

deb:  ## make a Debian package in build/dist
	@sh .ci/deb $(BUILD)/dist

packages:  ## make tarball, rocks and Debian package, and try each in bare Debians; SUITES="bookworm trixie" names them
	@SUITES="$(SUITES)" bash .ci/packages $(BUILD)/dist

clean:  ## remove everything that was built
	rm -rf build

help:  ## this list
	@awk -F':.*##' '/^[a-z-]+:.*##/ { printf "make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
