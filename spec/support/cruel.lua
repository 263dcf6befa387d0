-- A helper for busted that collects all garbage every few instructions, in every coroutine:
-- whatever the core forgets to keep alive is gone when it is needed. `make test
-- SPEC=spec/integration ARGS='--helper spec/support/cruel.lua'`; CRUEL=n: every n instructions.
local EVERY = tonumber(os.getenv "CRUEL") or 5000

local function collect() collectgarbage() end

local function hook(thread)
   debug.sethook(thread, collect, "", EVERY)
   return thread
end

local create = coroutine.create

function coroutine.create(f) return hook(create(f)) end -- luacheck: ignore

function coroutine.wrap(f) -- luacheck: ignore
   local thread = coroutine.create(f)
   local function pass(ok, ...)
      if not ok then error(..., 0) end
      return ...
   end
   return function(...) return pass(coroutine.resume(thread, ...)) end
end

hook(coroutine.running())
