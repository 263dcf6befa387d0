-- A Redis in Lua on a simulated clock: the commands that topaz.share uses, and its scripts, which
-- run as they are. Faults are set on it:
--
--   up = false      no connection, and those that were are lost
--   frozen = true   answers nothing until thaw()
--   refuses = text  every command that writes gets this error
--   ahead = 3600    seconds by which its clock is wrong
--   jitter          function: seconds by which something is later on its way; nil: never
local Redis = {}
Redis.__index = Redis

local WRONG = { error = "ERR unknown command" }

-- `world`: now(), after(seconds, f). `delay`: seconds that a command or a reply is on its way.
local function new(world, delay)
   return setmetatable({
      world = world, delay = delay, up = true, frozen = false, ahead = 0, keys = {}, expires = {}, scripts = {},
      connections = {}, blocked = {}, commands = 0, bytes = 0, held = {},
   }, Redis)
end

local function clock(self) return self.world.now() + self.ahead + 1.7e9 end

local function alive(self, key)
   local at = self.expires[key]
   if at and clock(self) >= at then self.keys[key], self.expires[key] = nil, nil end
   return self.keys[key]
end

local function kept(self, key, kind)
   local value = alive(self, key)
   if not value then
      value = { kind = kind }
      self.keys[key] = value
   end
   return value
end

local function is_before(a, b) return a[1] < b[1] or a[1] == b[1] and a[2] < b[2] end

local function id_of(text)
   local ms, seq = text:match "^(%d+)%-(%d+)$"
   return { tonumber(ms), tonumber(seq) }
end

local function text_of(id) return ("%d-%d"):format(id[1], id[2]) end

-- ---- commands -----------------------------------------------------------------------------------

local commands = {}

function commands.TIME(self)
   local now = clock(self)
   return { ("%d"):format(now // 1), ("%d"):format(now % 1 * 1e6 // 1) }
end

function commands.HSET(self, key, ...)
   local hash, given, added = kept(self, key, "hash"), { ... }, 0
   hash.fields = hash.fields or {}
   for i = 1, #given, 2 do
      if hash.fields[given[i]] == nil then added = added + 1 end
      hash.fields[given[i]] = tostring(given[i + 1])
   end
   return added
end
function commands.HMSET(self, ...)
   commands.HSET(self, ...)
   return "OK"
end
function commands.HMGET(self, key, ...)
   local hash, out = alive(self, key), {}
   for i, name in ipairs { ... } do out[i] = hash and hash.fields[name] or false end
   return out
end
function commands.HGETALL(self, key)
   local hash, out, names = alive(self, key), {}, {}
   for name in pairs(hash and hash.fields or {}) do names[#names + 1] = name end
   table.sort(names)
   for _, name in ipairs(names) do
      out[#out + 1] = name
      out[#out + 1] = hash.fields[name]
   end
   return out
end
function commands.HDEL(self, key, name)
   local hash = alive(self, key)
   if not hash or not hash.fields[name] then return 0 end
   hash.fields[name] = nil
   if next(hash.fields) == nil then self.keys[key] = nil end
   return 1
end
function commands.HLEN(self, key) return #commands.HGETALL(self, key) // 2 end
function commands.HEXISTS(self, key, name)
   local hash = alive(self, key)
   return hash and hash.fields[name] and 1 or 0
end
function commands.HINCRBY(self, key, name, by)
   local hash = kept(self, key, "hash")
   hash.fields = hash.fields or {}
   local value = math.tointeger(tonumber(hash.fields[name] or 0)) + by
   hash.fields[name] = ("%d"):format(value)
   return value
end
function commands.DEL(self, key)
   local was = alive(self, key)
   self.keys[key], self.expires[key] = nil, nil
   return was and 1 or 0
end
function commands.PEXPIRE(self, key, ms)
   if not alive(self, key) then return 0 end
   self.expires[key] = clock(self) + tonumber(ms) / 1000
   return 1
end
function commands.PTTL(self, key)
   if not alive(self, key) then return -2 end
   return self.expires[key] and math.floor((self.expires[key] - clock(self)) * 1000) or -1
end

function commands.XADD(self, key, maxlen, about, most, star, ...)
   assert(maxlen == "MAXLEN" and about == "~" and star == "*")
   local stream = kept(self, key, "stream")
   stream.entries, stream.first = stream.entries or {}, stream.first or 1
   local ms, last = clock(self) * 1000 // 1 | 0, stream.last
   local id = last and not is_before(last, { ms, 0 }) and { last[1], last[2] + 1 } or { ms, 0 }
   stream.last = id
   local fields = { ... }
   for i, field in ipairs(fields) do fields[i] = tostring(field) end
   table.insert(stream.entries, { id, fields })
   while #stream.entries > tonumber(most) do table.remove(stream.entries, 1) end
   self.woken = self.woken or {}
   self.woken[key] = true
   return text_of(id)
end
function commands.XREVRANGE(self, key)
   local stream = alive(self, key)
   local entry = stream and stream.entries[#stream.entries]
   return entry and { { text_of(entry[1]), entry[2] } } or {}
end

-- What XREAD finds now; nil: nothing.
local function read(self, keys, ids, count)
   local out = {}
   for i, key in ipairs(keys) do
      local stream, after, found = alive(self, key), ids[i], {}
      for _, entry in ipairs(stream and stream.entries or {}) do
         if #found < count and is_before(after, entry[1]) then found[#found + 1] = { text_of(entry[1]), entry[2] } end
      end
      if #found > 0 then out[#out + 1] = { key, found } end
   end
   return #out > 0 and out or nil
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
   local arguments = { ... }
   for i, argument in ipairs(arguments) do arguments[i] = tostring(argument) end
   return f(self, table.unpack(arguments))
end

local function run_script(self, source, count, rest)
   local entry = self.scripts[source]
   if not entry then
      local env = {
         tonumber = tonumber, tostring = tostring, unpack = table.unpack, math = math, string = string, ipairs = ipairs,
         redis = { call = function(...) return execute(self, ...) end },
      }
      entry = { env = env, f = assert(load(source, "=script", "t", env)) }
      self.scripts[source] = entry
   end
   entry.env.KEYS = table.move(rest, 1, count, 1, {})
   entry.env.ARGV = table.move(rest, count + 1, #rest, 1, {})
   return to_reply(entry.f())
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
   local count, block, at = tonumber(arguments[3]), tonumber(arguments[5]), 7
   local n = (#arguments - 6) // 2
   local reader = { keys = {}, ids = {}, count = count, reply = reply }
   for i = 1, n do reader.keys[i], reader.ids[i] = arguments[at + i - 1], id_of(arguments[at + n + i - 1]) end
   local found = read(self, reader.keys, reader.ids, count)
   if found then return reply(found) end
   table.insert(self.blocked, reader)
   self.world.after(block / 1000, function()
      if reader.done then return end
      reader.done = true
      reply(nil)
   end)
end

local function arrive(self, arguments, reply)
   if self.frozen then
      table.insert(self.held, { arguments, reply })
      return
   end
   self.commands = self.commands + 1
   for _, argument in ipairs(arguments) do self.bytes = self.bytes + #argument end
   if arguments[1] == "XREAD" then return run_read(self, arguments, reply) end
   if self.refuses then return reply { error = self.refuses } end
   local f = commands[arguments[1]]
   local answer
   if f then answer = f(self, table.unpack(arguments, 2)) else answer = WRONG end
   reply(answer)
   wake_readers(self)
end

--- A connection as topaz.share.connection gives one. `stepped()`: whether its process runs; what
-- comes meanwhile waits for `Connection.wake`.
function Redis:connect(deliver)
   local connection = { open = true, waiting = {} }
   local there, back = 0, 0 -- when the last command arrives, and the last reply: none overtakes it
   local function on_its_way(f, last)
      local now = self.world.now()
      local at = math.max(now + self.delay + (self.jitter and self.jitter() or 0), last)
      self.world.after(at - now, f)
      return at
   end
   local function lose()
      if not connection.open then return end
      connection.open = false
      self.connections[connection] = nil
      local waiting = connection.waiting
      connection.waiting = {}
      deliver(function()
         for _, done in ipairs(waiting) do done(nil, { message = "connection lost" }) end
         if connection.on_lost then connection.on_lost { message = "connection lost" } end
      end)
   end
   connection.lose = lose
   function connection.command(_, arguments, done)
      if not connection.open then return done(nil, { message = "closed" }) end
      table.insert(connection.waiting, done)
      there = on_its_way(function()
         if not connection.open then return end
         if not self.up then return lose() end
         arrive(self, arguments, function(reply)
            back = on_its_way(function()
               if not connection.open then return end
               deliver(function()
                  if not connection.open then return end
                  assert(table.remove(connection.waiting, 1) == done, "replies in order")
                  done(reply)
               end)
            end, back)
         end)
      end, there)
   end
   function connection.close()
      if not connection.open then return end
      connection.open = false
      self.connections[connection] = nil
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
   for _, item in ipairs(held) do arrive(self, item[1], item[2]) end
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
