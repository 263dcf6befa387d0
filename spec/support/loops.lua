-- The event loops, each the real one: what each of them needs to be tested alike.
--
--   for _, kind in ipairs(require "spec.support.loops") do
--      kind.name, kind.missing, kind.new()
--   end
--
--   missing: why the loop cannot be used, or nil
--   new() → loop
--   loop.go(f): runs f as a coroutine of the loop
--   loop.every(f): calls f every 5 ms until it returns true
--   loop.run(finished): until nothing is left, or finished() says so
--                       → the list of errors that reached the loop

-- busted forgets modules after each file;
-- luv does not survive to be loaded a second time by one Lua state.
local function load_luv()
   local registry = debug.getregistry()
   package.loaded.luv = registry["topaz.spec.luv"]
   local ok, uv = pcall(require, "luv")
   if ok then registry["topaz.spec.luv"] = uv end
   return ok, uv
end

local function luv()
   local _, uv = load_luv()
   local loop = { scheduler = require "topaz.scheduler.luv" }
   function loop.go(f) coroutine.wrap(f)() end
   function loop.every(f)
      local timer = uv.new_timer()
      timer:start(5, 5, function()
         if f() then timer:close() end
      end)
   end
   function loop.run()
      uv.run()
      uv.walk(function(handle) error("a handle was left: " .. tostring(handle)) end)
      return {}
   end
   return loop
end

local function queues()
   local cqueues = require "cqueues"
   local loop = { scheduler = require "topaz.scheduler.cqueues" }
   local queue = cqueues.new()
   function loop.go(f) queue:wrap(f) end
   function loop.every(f)
      queue:wrap(function() repeat cqueues.sleep(0.005) until f() end)
   end
   function loop.run(finished)
      local errors = {}
      while not queue:empty() and not (finished and finished()) do
         local ok, err = queue:step(0.05)
         if not ok then errors[#errors + 1] = err end
      end
      return errors
   end
   return loop
end

-- Debian has copas for Lua 5.1 and 5.2 alone; its files run on 5.4, too. It must come before
-- socket.http, which the emulator uses, and puts functions of its own into LuaSocket.
local function load_copas()
   local socket, http, path = require "socket", package.loaded["socket.http"], package.path
   local protect, newtry, try = socket.protect, socket.newtry, socket.try
   package.path = path .. ";/usr/share/lua/5.1/?.lua"
   package.loaded["socket.http"] = nil
   local ok, copas = pcall(require, "copas")
   package.loaded["socket.http"], package.path = http, path
   socket.protect, socket.newtry, socket.try = protect, newtry, try
   return ok, copas
end

-- Version 1 has neither timers nor an end of its loop: there a tick is a step,
-- and the spec counts its coroutines.
local function copas_loop()
   local _, copas = load_copas()
   local loop = { scheduler = require "topaz.scheduler.copas" }
   local alive, tickers, errors = 0, {}, {}
   local function handler(message) errors[#errors + 1] = message end
   function loop.go(f)
      alive = alive + 1
      copas.addthread(function()
         copas.setErrorHandler(handler)
         local ok, err = pcall(f)
         alive = alive - 1
         if not ok then error(err, 0) end
      end)
   end
   function loop.every(f)
      if not copas.pause then
         tickers[#tickers + 1] = f
         return
      end
      loop.go(function() repeat copas.pause(0.005) until f() end)
   end
   local function tick()
      for i = #tickers, 1, -1 do
         if tickers[i]() then table.remove(tickers, i) end
      end
   end
   function loop.run(finished)
      if copas.finished and not finished then
         copas.loop()
      else
         while (alive > 0 or #tickers > 0) and not (finished and finished()) do
            copas.step(#tickers > 0 and 0.005 or nil)
            tick()
         end
         repeat until not copas.step(0.02) -- what drove the client ends one step later
      end
      return errors
   end
   return loop
end

local function kind(name, new, loaded, why)
   local missing = not loaded and ("%s cannot be loaded: %s"):format(name, tostring(why):match "[^\n]*") or nil
   return { name = name, new = new, missing = missing }
end

return {
   kind("luv", luv, load_luv()),
   kind("cqueues", queues, pcall(require, "cqueues")),
   kind("copas", copas_loop, load_copas()),
}
