--- A member's two connections to Redis: one for commands, one that waits for the news of streams.
-- Both have deadlines of their own, since a half-open connection never reports its end.
local scripts = require "topaz.share.scripts"

local PATIENCE = 5                   -- seconds without a reply until a connection is given up
local BLOCK = 2000                   -- milliseconds that Redis waits for news
local ENTRIES = "64"                 -- of a stream, at most, in one reply
local AGAIN_LEAST, AGAIN_MOST = 0.5, 4 -- seconds until a lost connection is opened again

local Link = {}
Link.__index = Link

--- A link that is not open.
-- @tparam table host `now()`, `random()`, `open()` → connection: see topaz.share.connection
-- @tparam table member `trouble(text)`, `streams()` → { {key, id}… }, `entry(key, id, fields)`
local function new(host, member)
   return setmetatable({
      host = host, member = member, unanswered = 0,
      waits_since = nil, -- when the oldest unanswered command was sent or had its turn
      again = AGAIN_LEAST, open_at = -math.huge, reader_at = -math.huge,
   }, Link)
end

--- Closes the connection for commands, because of what the text says; it is opened again later.
function Link:drop(text)
   local connection = self.commands
   if not connection then return end
   self.commands, self.unanswered, self.waits_since = nil, 0, nil
   self.open_at = self.host.now() + self.again * (0.5 + self.host.random())
   self.again = math.min(self.again * 2, AGAIN_MOST)
   connection.on_lost = nil
   connection:close()
   self.member:trouble(text)
end

local function drop_reader(self)
   local connection = self.reader
   if not connection then return end
   self.reader, self.read_at = nil, nil
   self.reader_at = self.host.now() + AGAIN_LEAST * (0.5 + self.host.random())
   connection.on_lost = nil
   connection:close()
end

--- Redis has answered as it should: the next loss begins with the shortest pause.
function Link:good() self.again = AGAIN_LEAST end

--- The process was not stepped for a while: what has not come may still be on its way.
function Link:resumed(now)
   self.waits_since = self.waits_since and now
   self.read_at = self.read_at and now
end

--- Closes both.
function Link:close()
   local list = { self.commands or false, self.reader or false }
   self.commands, self.reader, self.read_at, self.unanswered, self.waits_since = nil, nil, nil, 0, nil
   for _, connection in ipairs(list) do
      if connection then
         connection.on_lost = nil
         connection:close()
      end
   end
end

local function text_of(err) return type(err) == "table" and (err.message or err.error) or tostring(err or "lost") end

-- Something with `command` that counts what is unanswered; its callbacks come once.
local function counted(self, connection)
   local view = {}
   function view.command(_, arguments, done)
      if self.unanswered == 0 then self.waits_since = self.host.now() end
      self.unanswered = self.unanswered + 1
      connection:command(arguments, function(reply, err)
         if self.commands == view then
            self.unanswered = self.unanswered - 1
            self.waits_since = self.unanswered > 0 and self.host.now() or nil
         end
         self.member.dirty = true
         done(reply, err)
      end)
   end
   function view.close() connection:close() end
   function view.flush() connection:flush() end
   connection.on_lost = function(err)
      if self.commands == view then self:drop(text_of(err)) end
   end
   return view
end

--- Sends a command. False: there is no connection.
function Link:command(arguments, done)
   if not self.commands then return false end
   self.commands:command(arguments, done or function() end)
   return true
end

--- Sends at once what can be sent: a last word.
function Link:flush()
   if self.commands then self.commands:flush() end
end

--- Runs a script. False: there is no connection.
function Link:run(name, keys, arguments, done)
   if not self.commands then return false end
   scripts.run(self.commands, name, keys, arguments, done)
   return true
end

-- ---- the reader ---------------------------------------------------------------------------------

local function fields_of(list)
   local fields = {}
   if type(list) ~= "table" then return fields end
   for i = 1, #list - 1, 2 do fields[list[i]] = list[i + 1] end
   return fields
end

local function deliver(self, reply)
   for _, stream in ipairs(reply) do
      for _, entry in ipairs(type(stream) == "table" and type(stream[2]) == "table" and stream[2] or {}) do
         if type(entry) == "table" and type(entry[1]) == "string" then
            self.member:entry(stream[1], entry[1], fields_of(entry[2]))
         end
      end
   end
end

local function read(self)
   local connection, command, ids = self.reader, { "XREAD", "COUNT", ENTRIES, "BLOCK", tostring(BLOCK), "STREAMS" }, {}
   for _, stream in ipairs(self.member:streams()) do
      command[#command + 1], ids[#ids + 1] = stream[1], stream[2]
   end
   if #ids == 0 then return end
   table.move(ids, 1, #ids, #command + 1, command)
   self.read_at = self.host.now()
   connection:command(command, function(reply, err)
      self.member.dirty = true
      if self.reader ~= connection then return end
      self.read_at, self.read_on = nil, self.host.now() + self.member:hear_pause()
      if err or type(reply) == "table" and reply.error then return drop_reader(self) end
      if type(reply) == "table" then deliver(self, reply) else self.read_on = nil end
   end)
end

local function turn_reader(self, now)
   if not self.reader then
      if now < self.reader_at then return self.reader_at end
      local connection = self.host.open()
      connection.on_lost = function()
         self.member.dirty = true
         if self.reader == connection then drop_reader(self) end
      end
      self.reader = connection
   end
   if not self.read_at then
      if self.read_on and now < self.read_on then return self.read_on end
      read(self)
   elseif now - self.read_at >= PATIENCE then
      drop_reader(self)
      return self.reader_at
   end
   return self.read_at and self.read_at + PATIENCE
end

--- Opens what is not open, gives up what does not answer, and reads on.
-- @tparam number now
-- @tparam boolean reads whether news are read
-- @treturn number|nil when it has to be called again, if nothing comes before
function Link:turn(now, reads)
   if self.waits_since and now - self.waits_since >= PATIENCE then
      self:drop(("Redis has not answered for %d s"):format(PATIENCE))
   end
   if not self.commands then
      if now < self.open_at then return self.open_at end
      self.commands = counted(self, self.host.open())
      self.member:opened()
   end
   local due = self.waits_since and self.waits_since + PATIENCE
   if not reads then return due end
   local later = turn_reader(self, now)
   return due and later and math.min(due, later) or due or later
end

return { new = new }
