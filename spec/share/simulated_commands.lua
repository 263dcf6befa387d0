-- The commands of a simulated Redis: what its keys hold, and who gets messages. See
-- spec.share.simulated_redis.
local data = {}

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

local WRONGTYPE = { error = "WRONGTYPE Operation against a key holding the wrong kind of value" }

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
   if stream.kind ~= "stream" then return WRONGTYPE end
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
   if stream and stream.kind ~= "stream" then return WRONGTYPE end
   local entry = stream and stream.entries[#stream.entries]
   return entry and { { text_of(entry[1]), entry[2] } } or {}
end

-- Connections get messages in the order in which they have subscribed.
function commands.PUBLISH(self, channel, text)
   local count = 0
   for _, connection in ipairs(self.subscribers[channel] or {}) do
      count = count + 1
      for _ = 1, self.copies and self.copies(channel, text) or 1 do
         self.messages = self.messages + 1
         connection.push(channel, text)
      end
   end
   return count
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

data.alive, data.clock, data.commands, data.id_of, data.read = alive, clock, commands, id_of, read

return data
