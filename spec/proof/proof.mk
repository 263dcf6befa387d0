# The programs of spec/proof, and running them. Included by the Makefile.

proof_flags = -std=c11 -O2 -g $(WARNINGS) $(LUA_FLAGS) $(CURL_FLAGS)
proof_lua := $(or $(call pkg,--libs,$(lua_names)),-llua$(LUA_V))
proof_wraps = $(patsubst %,-Wl$(comma)--wrap=%,malloc calloc realloc strdup strndup free)
comma = ,

# With the core's own objects, whose allocations go through it.
$(BUILD)/proof/memory: spec/proof/memory.c $(core_objects)
	@mkdir -p $(@D)
	$(CC) $(proof_flags) $(LDFLAGS) -o $@ $^ $(proof_wraps) $(proof_lua) $(LIBS) -lm

# Built in a folder of its own, where CFLAGS has -fsanitize=thread.
$(BUILD)/proof/threads: spec/proof/threads.c $(core_objects)
	@mkdir -p $(@D)
	$(CC) $(proof_flags) $(CFLAGS) -o $@ $^ $(proof_lua) $(LIBS) -lm

$(BUILD)/proof/host: spec/proof/host.c
	@mkdir -p $(@D)
	$(CC) $(proof_flags) -o $@ $< $(proof_lua) -ldl

$(BUILD)/proof/slow_dns.so: spec/proof/slow_dns.c
	@mkdir -p $(@D)
	$(CC) $(proof_flags) -shared -fPIC -o $@ $<

.PHONY: proof soak
proof:  ## let memory fail at every point, stall the resolver, fork, use threads; FAST=1 takes one point in seven
	@$(MAKE) --no-print-directory all $(BUILD)/proof/memory $(BUILD)/proof/host $(BUILD)/proof/slow_dns.so
	@$(MAKE) --no-print-directory $(BUILD)/tsan/proof/threads BUILD=$(BUILD)/tsan CC=gcc CFLAGS='-O1 -g -fsanitize=thread'
	@$(run) FAST=$(FAST) $(LUA) spec/proof/run.lua $(BUILD) $(ARGS)

soak: all  ## a million requests in one process, one in a hundred meeting a fault; ARGS=requests=100000
	@$(run) $(LUA) spec/proof/soak.lua $(ARGS)
