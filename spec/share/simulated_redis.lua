-- A Redis in Lua on a simulated clock: the commands that topaz.share uses, and its scripts, which
-- run as they are. Faults are set on it:
--
--   up = false      no connection, and those that were are lost
--   frozen = true   answers nothing until thaw()
--   refuses = text  every command that writes gets this error
--   ahead = 3600    seconds by which its clock is wrong
--   jitter          function: seconds by which something is later on its way; nil: never
--   bars = { PUBLISH = text }     commands that get this error, also inside scripts
--   copies          function(channel, text): how often a message arrives; nil: once
--   connection.deaf = true        a half-open connection: nothing comes from it any more
--
-- `commands` counts what clients send. What scripts call, and the messages that Redis pushes, were
-- not sent by a client.
local data = require "spec.share.simulated_commands"

local alive, commands, id_of, read = data.alive, data.commands, data.id_of, data.read

local Redis = {}
Redis.__index = Redis

local WRONG = { error = "ERR unknown command" }

-- `world`: now(), after(seconds, f). `delay`: seconds that a command or a reply is on its way.
local function new(world, delay)
   return setmetatable({
      world = world, delay = delay, up = true, frozen = false, ahead = 0, keys = {}, expires = {}, scripts = {},
      connections = {}, blocked = {}, commands = 0, bytes = 0, held = {}, bars = {}, subscribers = {}, messages = 0,
   }, Redis)
end

-- ---- scripts ------------------------------------------------------------------------------------

local sha1 = require "topaz.share.sha1"

local function to_reply(value)
   if type(value) == "number" then return value >= 0 and value // 1 | 0 or -(-value // 1) | 0 end
   if value == false then return nil end
   if type(value) ~= "table" then return value end
   local out = {}
   for i, item in ipairs(value) do
      if item == nil then break end
      out[i] = to_reply(item)
   end
   return out
end

local function execute(self, name, ...)
   local f = commands[name]
   if not f then error("no command " .. tostring(name)) end
   if self.bars[name] then return { error = self.bars[name] } end
   local arguments = { ... }
   for i, argument in ipairs(arguments) do arguments[i] = tostring(argument) end
   return f(self, table.unpack(arguments))
end

local function call(self, ...)
   local reply = execute(self, ...)
   if type(reply) == "table" and reply.error then error(reply) end
   return reply
end

local function protected_call(self, ...)
   local reply = execute(self, ...)
   return type(reply) == "table" and reply.error and { err = reply.error } or reply
end

local function run_script(self, source, count, rest)
   local entry = self.scripts[source]
   if not entry then
      local env = {
         tonumber = tonumber, tostring = tostring, unpack = table.unpack, math = math, string = string, ipairs = ipairs,
         table = table, type = type, select = select,
         redis = {
            call = function(...) return call(self, ...) end, pcall = function(...) return protected_call(self, ...) end,
         },
      }
      entry = { env = env, f = assert(load(source, "=script", "t", env)) }
      self.scripts[source] = entry
   end
   entry.env.KEYS = table.move(rest, 1, count, 1, {})
   entry.env.ARGV = table.move(rest, count + 1, #rest, 1, {})
   local ran, reply = pcall(entry.f)
   if not ran and type(reply) == "table" then return reply end -- what a command has refused
   if not ran then error(reply, 0) end
   return to_reply(reply)
end

function commands.EVALSHA(self, sha, count, ...)
   local source = self.known and self.known[sha]
   if not source then return { error = "NOSCRIPT No matching script. Please use EVAL." } end
   return run_script(self, source, tonumber(count), { ... })
end
function commands.EVAL(self, source, count, ...)
   self.known = self.known or {}
   self.known[sha1(source)] = source
   return run_script(self, source, tonumber(count), { ... })
end

-- ---- connections --------------------------------------------------------------------------------

local function wake_readers(self)
   local woken = self.woken
   if not woken then return end
   self.woken = nil
   local left = {}
   for _, reader in ipairs(self.blocked) do
      local found = not reader.done and read(self, reader.keys, reader.ids, reader.count)
      if found then
         reader.done = true
         reader.reply(found)
      elseif not reader.done then left[#left + 1] = reader end
   end
   self.blocked = left
end

local function run_read(self, arguments, reply)
   local blocks = arguments[4] == "BLOCK"
   local count, block, at = tonumber(arguments[3]), blocks and tonumber(arguments[5]), blocks and 7 or 5
   local n = (#arguments - at + 1) // 2
   local reader = { keys = {}, ids = {}, count = count, reply = reply }
   for i = 1, n do reader.keys[i], reader.ids[i] = arguments[at + i - 1], id_of(arguments[at + n + i - 1]) end
   local found = read(self, reader.keys, reader.ids, count)
   if found or not blocks then return reply(found) end
   table.insert(self.blocked, reader)
   self.world.after(block / 1000, function()
      if reader.done then return end
      reader.done = true
      reply(nil)
   end)
end

-- ---- subscriptions ------------------------------------------------------------------------------

local function unsubscribe(self, connection, channel)
   if not connection.channels[channel] then return end
   connection.channels[channel], connection.subscribed = nil, connection.subscribed - 1
   local list = self.subscribers[channel]
   for i, other in ipairs(list) do
      if other == connection then
         table.remove(list, i)
         break
      end
   end
   if #list == 0 then self.subscribers[channel] = nil end
end

local function unsubscribe_all(self, connection)
   local channels = {}
   for channel in pairs(connection.channels) do channels[#channels + 1] = channel end
   for _, channel in ipairs(channels) do unsubscribe(self, connection, channel) end
end

local MODES = {}

function MODES.SUBSCRIBE(self, connection, channel)
   if not connection.channels[channel] then
      connection.channels[channel], connection.subscribed = true, connection.subscribed + 1
      self.subscribers[channel] = self.subscribers[channel] or {}
      table.insert(self.subscribers[channel], connection)
   end
   return { "subscribe", channel, connection.subscribed }
end

function MODES.UNSUBSCRIBE(self, connection, channel)
   unsubscribe(self, connection, channel)
   return { "unsubscribe", channel, connection.subscribed }
end

local function arrive(self, connection, arguments, reply)
   if self.frozen then
      table.insert(self.held, { connection, arguments, reply })
      return
   end
   self.commands = self.commands + 1
   for _, argument in ipairs(arguments) do self.bytes = self.bytes + #argument end
   local name = arguments[1]
   if self.bars[name] then return reply { error = self.bars[name] } end
   if MODES[name] then return reply(MODES[name](self, connection, arguments[2])) end
   if connection.subscribed > 0 then return reply { error = "ERR Can't execute '" .. name .. "' in this context" } end
   if name == "XREAD" then return run_read(self, arguments, reply) end
   if self.refuses then return reply { error = self.refuses } end
   local f = commands[name]
   local answer
   if f then answer = f(self, table.unpack(arguments, 2)) else answer = WRONG end
   reply(answer)
   wake_readers(self)
end

-- One way of a connection: what is sent arrives later, and overtakes nothing.
local function way_of(self)
   local last = 0
   return function(f)
      local now = self.world.now()
      last = math.max(now + self.delay + (self.jitter and self.jitter() or 0), last)
      self.world.after(last - now, f)
   end
end

--- A connection as topaz.share.connection gives one. `stepped()`: whether its process runs; what
-- comes meanwhile waits for `Connection.wake`.
function Redis:connect(deliver)
   local connection = { open = true, waiting = {}, channels = {}, subscribed = 0 }
   local there, back = way_of(self), way_of(self)
   local function lose()
      if not connection.open then return end
      connection.open = false
      self.connections[connection] = nil
      unsubscribe_all(self, connection)
      local waiting = connection.waiting
      connection.waiting = {}
      deliver(function()
         for _, done in ipairs(waiting) do done(nil, { message = "connection lost" }) end
         if connection.on_lost then connection.on_lost { message = "connection lost" } end
      end)
   end
   connection.lose = lose
   local function send_back(f)
      back(function()
         if not connection.open or connection.deaf then return end
         deliver(function()
            if connection.open then f() end
         end)
      end)
   end
   function connection.push(channel, text)
      send_back(function()
         if connection.on_message then connection.on_message(channel, text) end
      end)
   end
   function connection.command(_, arguments, done)
      if not connection.open then return done(nil, { message = "closed" }) end
      table.insert(connection.waiting, done)
      there(function()
         if not connection.open then return end
         if not self.up then return lose() end
         arrive(self, connection, arguments, function(reply)
            send_back(function()
               assert(table.remove(connection.waiting, 1) == done, "replies in order")
               done(reply)
            end)
         end)
      end)
   end
   function connection.close()
      if not connection.open then return end
      connection.open = false
      self.connections[connection] = nil
      unsubscribe_all(self, connection)
      local waiting = connection.waiting
      connection.waiting = {}
      for _, done in ipairs(waiting) do done(nil, { message = "closed" }) end
   end
   function connection.flush() end
   function connection.state() return connection.open and "open" or "closed" end
   self.connections[connection] = true
   if not self.up then self.world.after(self.delay, lose) end
   return connection
end

-- ---- faults -------------------------------------------------------------------------------------

function Redis:thaw()
   self.frozen = false
   local held = self.held
   self.held = {}
   for _, item in ipairs(held) do arrive(self, item[1], item[2], item[3]) end
end

function Redis:flush() self.keys, self.expires = {}, {} end

function Redis:flush_scripts() self.known = nil end

function Redis:stop()
   self.up, self.frozen, self.held, self.blocked = false, false, {}, {}
   local list = {}
   for connection in pairs(self.connections) do list[#list + 1] = connection end
   for _, connection in ipairs(list) do connection.lose() end
   self:flush()
   self:flush_scripts()
end

function Redis:start() self.up = true end

--- Deletes the keys whose names end so.
function Redis:delete(ending)
   for key in pairs(self.keys) do
      if key:sub(-#ending) == ending then self.keys[key], self.expires[key] = nil, nil end
   end
end

--- How many keys are left.
function Redis:size()
   local count = 0
   for key in pairs(self.keys) do
      if alive(self, key) then count = count + 1 end
   end
   return count
end

return { new = new }
