# Farms of real processes that share a Redis; included by the Makefile.
.PHONY: share
share: all  ## many processes on a real Redis, with faults; ARGS='members=5 jobs=200 runs=1'
	@$(call need_module,socket,lua-socket)
	@$(run) $(LUA) spec/share/farm.lua $(ARGS)
