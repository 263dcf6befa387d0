# Farms of real processes that share a Redis; included by the Makefile.
.PHONY: share
share: all  ## measure farms of real processes on a real Redis; an hour; ARGS='only=killed runs=10' takes a part
	@$(call need_module,socket,lua-socket)
	@$(run) $(LUA) spec/share/farm.lua $(ARGS)
