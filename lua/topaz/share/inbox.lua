--- The entries of a member's streams in order, whether they come as messages or by reading.
--
-- A message names its entry and the entry before it. Where that one was heard last, the message is
-- heard at once. Where one is missing, the streams are read from the entries heard last, and the
-- message waits for the reply. What was heard already is dropped. So messages may be lost, come
-- twice or late: the streams decide.
local scripts = require "topaz.share.scripts"

local ENTRIES = 64     -- of a stream, at most, in one reply
local HELD_MOST = 64   -- messages that wait for others; more are read again
local ID_MOST = 41     -- bytes of an entry's id
local RETRY = 1        -- seconds until a read that has failed is tried again
local REFUSED = 7      -- seconds of reads that fail until the member does not count on its streams

local inbox = {}

local Inbox = {}
Inbox.__index = Inbox

--- One that has heard nothing.
-- @tparam table member `link`, `host`, `streams()` → { {key, last id}… }, `last_of(key)` → the id
-- heard last, nil where that stream is not followed now, `entry(key, id, fields)`
function inbox.new(member)
   return setmetatable({
      member = member,
      behind = false,   -- whether the streams have to be read
      reading = nil,    -- what the read under way is known by
      reads = 0, retry_at = -math.huge,
      failing_since = nil, -- since when each read has failed
      held = {},        -- messages that wait, in order: { key, id, before, fields, reads }
   }, Inbox)
end

local function parts_of(id)
   if type(id) ~= "string" or #id > ID_MOST then return nil end
   local ms, seq = id:match "^(%d+)%-(%d+)$"
   return tonumber(ms), tonumber(seq)
end

--- Whether one entry's id comes before another's. False where one of them is not an id.
function inbox.is_before(a, b)
   local a1, a2 = parts_of(a)
   local b1, b2 = parts_of(b)
   if not a1 or not b1 then return false end
   return a1 < b1 or a1 == b1 and a2 < b2
end

local is_before = inbox.is_before

local function fields_of(list)
   local fields = {}
   if type(list) ~= "table" then return fields end
   for i = 1, #list - 1, 2 do fields[list[i]] = list[i + 1] end
   return fields
end

-- Hears the messages for which nothing is missing now.
local function release(self)
   local left, member = {}, self.member
   for _, message in ipairs(self.held) do
      local last = member:last_of(message.key)
      if last and message.before == last then member:entry(message.key, message.id, message.fields)
      elseif last and is_before(last, message.id) then left[#left + 1] = message end
   end
   self.held = left
end

--- A message has come on the channel of that stream: see topaz.share.scripts.
-- @tparam string key
-- @tparam string text
function Inbox:message(key, text)
   local last = self.member:last_of(key)
   if not last then return end
   local id, before, list = scripts.message(text)
   if not is_before(last, id) or not parts_of(before) then return end
   if before == last then
      self.member:entry(key, id, fields_of(list))
      if #self.held > 0 then release(self) end
      return
   end
   if #self.held >= HELD_MOST then
      self.behind = true
      return
   end
   table.insert(self.held, { key = key, id = id, before = before, fields = fields_of(list), reads = self.reads })
end

-- ---- reading ------------------------------------------------------------------------------------

--- The command that reads what has not been heard; nil: no stream is followed yet.
-- @tparam[opt] integer block milliseconds that Redis waits for an entry
function Inbox:command(block)
   local command, ids = { "XREAD", "COUNT", tostring(ENTRIES) }, {}
   if block then table.move({ "BLOCK", tostring(block) }, 1, 2, 4, command) end
   command[#command + 1] = "STREAMS"
   for i, stream in ipairs(self.member:streams()) do command[#command + 1], ids[i] = stream[1], stream[2] end
   if #ids == 0 then return nil end
   return table.move(ids, 1, #ids, #command + 1, command)
end

--- Hears the entries of a reply.
-- @treturn boolean whether there may be more
function Inbox:deliver(reply)
   local member, more = self.member, false
   self.failing_since = nil
   for _, stream in ipairs(reply) do
      local key, entries = table.unpack(type(stream) == "table" and stream or {})
      local count = 0
      for _, entry in ipairs(type(entries) == "table" and entries or {}) do
         local last = type(entry) == "table" and member:last_of(key)
         if last and is_before(last, entry[1]) then
            count = count + 1
            member:entry(key, entry[1], fields_of(entry[2]))
         end
      end
      more = more or count > 0 and #entries >= ENTRIES
   end
   return more
end

-- A read has been answered. Messages that were held before it was sent are in the stream, or the
-- stream was lost: then the numbers of the entries show it.
local function answered(self, reply, number)
   local more = self:deliver(type(reply) == "table" and reply or {})
   release(self)
   if more then
      self.behind = true
      return
   end
   local left = {}
   for _, message in ipairs(self.held) do
      if message.reads >= number then left[#left + 1] = message end
   end
   self.held = left
end

--- A read has failed: it is tried again.
function Inbox:failed()
   local now = self.member.host.now()
   self.behind, self.retry_at, self.failing_since = true, now + RETRY, self.failing_since or now
end

--- Whether the streams cannot be read, although Redis may answer everything else.
function Inbox:is_deaf(now) return self.failing_since ~= nil and now - self.failing_since >= REFUSED end

--- The process was not stepped for a while: the time does not count as failing reads.
function Inbox:resumed(now) self.failing_since = self.failing_since and now end

--- Reads the streams where something is missing.
-- @treturn number|nil when it has to be called again
function Inbox:turn(now)
   if self.reading or not self.behind and #self.held == 0 then return nil end
   if now < self.retry_at then return self.retry_at end
   local command = self:command()
   if not command then return nil end -- the first beat will tell where they begin
   local read = {}
   self.reads = self.reads + 1
   local number = self.reads
   self.behind, self.reading = false, read
   local sent = self.member.link:command(command, function(reply, err)
      if self.reading ~= read then return end
      self.reading = nil
      if not err and not (type(reply) == "table" and reply.error) then return answered(self, reply, number) end
      self:failed()
   end)
   if not sent then self.reading, self.behind = nil, true end
   return nil
end

return inbox
