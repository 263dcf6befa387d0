-- Clients of this process that share a real Redis and the emulator: what such specs have in common.
local core = require "topaz.core"
local redis = require "spec.support.redis"
local world = require "spec.support.world"

local LIMIT = 60 -- seconds that something may take on a busy machine

local Farm = {}
Farm.__index = Farm

--- No clients yet.
-- @tparam function emulator gives the emulator
-- @treturn table `emulator()`, `clients`, `events`: { client's number, reason, message }
local function of(emulator) return setmetatable({ emulator = emulator, clients = {}, events = {} }, Farm) end

--- Clients for the tests of one `describe`, with a Redis of theirs.
-- @tparam table busted its setup, teardown, before_each and after_each
-- @treturn table what `of` gives, and `server`
local function new(busted)
   local farm = of(world.emulator(busted))
   busted.setup(function() farm.server = assert(redis.start { password = "secret" }) end)
   busted.teardown(function() farm.server:stop() end)
   busted.after_each(function()
      farm:close()
      farm.server:call "FLUSHALL"
   end)
   return farm
end

--- Closes all, and forgets them and their events.
function Farm:close()
   for i, client in ipairs(self.clients) do
      client:close()
      self.clients[i] = nil
   end
   for i in ipairs(self.events) do self.events[i] = nil end
end

--- A client that shares.
-- @param[opt] share its option; the server's URL by default
-- @tparam[opt] table more options
function Farm:client(share, more)
   local options = { share = share or self.server.url }
   for name, value in pairs(more or {}) do options[name] = value end
   local number = #self.clients + 1
   function options.on_event(event)
      if event.type == "share" then table.insert(self.events, { number, event.reason, event.message }) end
   end
   self.clients[number] = world.client(self.emulator(), options)
   return self.clients[number]
end

--- Steps all, or the given ones, until the condition holds.
function Farm:step_until(condition, what, clients)
   local deadline = core.now() + LIMIT
   while not condition() do
      assert(core.now() < deadline, "it did not come to: " .. what)
      for _, client in ipairs(clients or self.clients) do client:step(0.002) end
   end
end

--- What a client does in its farm.
function Farm.role_of(client) return client:stats().share.role end

--- How many have that role.
function Farm:count(role)
   local count = 0
   for _, client in ipairs(self.clients) do count = count + (self.role_of(client) == role and 1 or 0) end
   return count
end

--- The epoch of the one that leads.
function Farm:epoch() return self.clients[self:leader()]:stats().share.epoch end

--- What the first event of a role says.
function Farm:message(role)
   for _, event in ipairs(self.events) do
      if event[2] == role then return event[3] end
   end
   return nil
end

--- The number of the client that leads; nil: none.
function Farm:leader()
   for i, client in ipairs(self.clients) do
      if self.role_of(client) == "lead" then return i end
   end
   return nil
end

--- Steps until the client has that role.
function Farm:await(client, role)
   self:step_until(function() return self.role_of(client) == role end, "the role " .. role)
end

--- Jobs that end when the emulator's clock is advanced by 200 seconds.
function Farm:add_jobs(count) return self.emulator():add_jobs { count = count, timeline = { processing = 100 } } end

--- A task that watches.
-- @treturn table id -> status or kind of the error, of the jobs that have ended
-- @treturn topaz.task
function Farm.watch(client, ids, options)
   local ended = {}
   local task = client:spawn(function()
      for status, err in client:watch(ids, options) do
         assert(ended[status.process_id] == nil, "a job came twice")
         ended[status.process_id] = err and err.kind or status
      end
   end)
   return ended, task
end

return { of = of, new = new }
