# Operations through a faulty network. Included by the Makefile.

$(BUILD)/chaos/proxy: spec/chaos/proxy.c spec/chaos/flow.c spec/chaos/flow.h
	@mkdir -p $(@D)
	$(CC) -std=c11 -O2 -g $(WARNINGS) -o $@ spec/chaos/proxy.c spec/chaos/flow.c

rooms: $(if $(WINDOWS),,$(BUILD)/chaos/proxy)

.PHONY: chaos chaos-run
ifdef SANITIZE
chaos:
	@$(MAKE) --no-print-directory chaos-run BUILD=build/asan SANITIZE=1 DEBUG=1 CC=gcc LUA=lua5.4
else
chaos: chaos-run  ## operations through a faulty network, each outcome compared with the truth; SANITIZE=1, ARGS="seed=1 seconds=60"
endif

# The proxy itself is built without a sanitizer.
chaos-run: all $(BUILD)/chaos/proxy
	@$(if $(SANITIZE),gcc -shared -fPIC -o $(BUILD)/alone.so spec/support/alone.c)
	@$(if $(SANITIZE),$(call under,$(under_asan)))
	@rm -f $(BUILD)/chaos/now-*
	@$(run) $(LUA) spec/chaos/run.lua $(BUILD) lua=$(LUA) $(ARGS) || { echo "the last rounds:"; cat $(BUILD)/chaos/now-*; exit 1; }
