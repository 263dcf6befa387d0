-- The error of a debug hook, such as that of Ctrl-C, in the middle of a farm's turn: half of it had
-- been done. The leader's `led_since` was nil, a place had lost its member, a connection stayed
-- busy. A watcher of that client then waited until its time was over.
local core = require "topaz.core"
local interrupted = require "spec.support.interrupted"
local redis = require "spec.support.redis"
local share = require "topaz.share"
local world = require "spec.support.world"

local LIMIT = 60 -- seconds that something may take on a busy machine

describe("the error of a hook in a client that shares", function()
   local emulator = world.emulator { setup = setup, teardown = teardown, before_each = before_each }
   local server, ids

   if not redis.program() then
      it("is tested", function() pending(select(2, redis.program())) end)
      return
   end

   setup(function() server = assert(redis.start { password = "secret" }) end)
   teardown(function() server:stop() end)
   before_each(function() ids = emulator():add_jobs { count = 3, status = "Completed" } end)

   local function watch_all(client)
      local count = 0
      for _, gone in client:watch(ids, { timeout = LIMIT }) do
         assert(not gone, gone)
         count = count + 1
      end
      assert.equal(3, count)
   end

   -- By name: what is called, and how far the points of its sweep are apart.
   local CALLS = {
      watch = { watch_all, 5 },
      wait_all = { function(client) assert(client:wait_all(ids, { timeout = LIMIT })) end, 7 },
      wait_until_done = { function(client) assert(client:wait_until_done(ids[1], { timeout = LIMIT })) end, 11 },
      close = { function(client) client:close() end, 1 },
      look = { function(client) assert(share.look(client, LIMIT)) end, 5 },
   }

   local function new_client() return world.client(emulator(), { share = server.url, on_event = function() end }) end

   for name, row in pairs(CALLS) do
      it("comes out of " .. name .. ", and the client can be used on", function()
         local f, stride = row[1], row[2]
         local client, point, fired = new_client(), 1, true
         while fired do
            local ok, err
            if not core.is_open(client) then client = new_client() end
            fired, ok, err = interrupted(point, f, client)
            local known = tostring(err):find "interrupted!$" ~= nil
            if fired then assert.same({ false, true }, { ok, known }, ("%d: %s"):format(point, tostring(err))) end
            if core.is_open(client) then watch_all(client) end
            point = point + stride
         end
         client:close()
      end)
   end
end)
