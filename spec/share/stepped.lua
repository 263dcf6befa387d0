-- Clients of one process that share a Redis, for specs: they are stepped together, and what they
-- watch is checked.
local core = require "topaz.core"
local world = require "spec.support.world"

local LIMIT = 60 -- seconds that something may take on a busy machine

local Stepped = {}
Stepped.__index = Stepped

--- No clients yet, of that emulator.
local function new(emulator) return setmetatable({ emulator = emulator, clients = {}, events = {} }, Stepped) end

--- A client that shares the Redis of that URL.
function Stepped:client(url, more)
   local options, number = { share = url }, #self.clients + 1
   for name, value in pairs(more or {}) do options[name] = value end
   function options.on_event(event)
      if event.type == "share" then
         table.insert(self.events, { client = number, role = event.reason, message = event.message })
      end
   end
   self.clients[number] = world.client(self.emulator, options)
   return self.clients[number]
end

--- Steps all, or the given ones, until the condition holds.
function Stepped:step_until(condition, what, clients)
   local deadline = core.now() + LIMIT
   while not condition() do
      assert(core.now() < deadline, "it did not come to: " .. what)
      for _, client in ipairs(clients or self.clients) do client:step(0.002) end
   end
end

function Stepped:role(number) return self.clients[number]:stats().share.role end

--- How many have that role.
function Stepped:count(role)
   local count = 0
   for i = 1, #self.clients do count = count + (self:role(i) == role and 1 or 0) end
   return count
end

--- The number of the one that leads; nil: none.
function Stepped:leader()
   for i = 1, #self.clients do
      if self:role(i) == "lead" then return i end
   end
   return nil
end

function Stepped:epoch() return self.clients[self:leader()]:stats().share.epoch end

--- What the first event of a role says.
function Stepped:message(role)
   for _, event in ipairs(self.events) do
      if event.role == role then return event.message end
   end
   return nil
end

--- A task that watches; the words of the jobs that have ended, by id.
function Stepped:watch(number, ids)
   local ended, client = {}, self.clients[number]
   local task = client:spawn(function()
      for status, err in client:watch(ids) do
         assert(ended[status.process_id] == nil, "a job came twice")
         ended[status.process_id] = err and err.kind or status.status
      end
   end)
   return ended, task
end

function Stepped:close()
   for _, client in ipairs(self.clients) do client:close() end
end

return { new = new }
