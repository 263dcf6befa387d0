--- A member's second connection to Redis: what is added to its streams comes to it as messages.
--
-- Redis does not promise that messages come. So each beat makes it publish an echo to this member,
-- which comes behind all messages from before that beat. By then the entries that the reply to the
-- beat names as the newest must have come; otherwise the streams are read. A subscription without
-- echoes is opened anew. Where Redis does not let the member subscribe, this connection reads the
-- streams instead, more slowly.
local inbox = require "topaz.share.inbox"

local PATIENCE = 5      -- seconds without an answer or an echo until the connection is given up
local GRACE = 0.5       -- seconds by which an echo may be later than the reply to its beat
local TRIES = 3         -- subscriptions without an echo, one after the other, until it reads
local AGAIN = 0.5       -- seconds until a lost connection is opened again
local BLOCK = 2000      -- milliseconds that Redis waits for news where they are read
local DIGITS_MOST = 15  -- of an echo's number

local Listen = {}
Listen.__index = Listen

--- One that is not connected.
-- @tparam table member with `host`, `role`, `inbox`, `keys`, `channels()`, `last_of(key)`,
-- `hear_pause()`
local function new(member)
   return setmetatable({
      member = member, connection = nil, open_at = -math.huge,
      channels = {},                  -- channel -> whether Redis has confirmed it
      unanswered = 0, asked_at = nil, -- SUBSCRIBE and UNSUBSCRIBE
      echoed = 0,                     -- the number of the newest echo on this connection
      awaited = nil, -- the newest beat whose echo has not come: { number, newest, at, since }
      failures = 0,                   -- subscriptions without an echo
      reads = false, told = false,    -- whether it reads instead; whether an event has said so
      read_at = nil, read_on = nil,   -- when a read was sent, when the next one may be
   }, Listen)
end

local function forget(self)
   local connection = self.connection
   self.connection, self.channels, self.unanswered, self.asked_at = nil, {}, 0, nil
   self.echoed, self.awaited, self.read_at, self.read_on = 0, nil, nil, nil
   return connection
end

local function drop(self)
   local connection, host = forget(self), self.member.host
   if not connection then return end
   self.open_at = host.now() + AGAIN * (0.5 + host.random())
   connection.on_lost = nil
   connection:close()
end

--- Closes the connection.
function Listen:close()
   local connection = forget(self)
   if not connection then return end
   connection.on_lost = nil
   connection:close()
end

-- From its next connection on it reads the streams.
local function fall_back(self, text)
   self.reads, self.failures = true, 0
   drop(self)
   if self.told then return end
   self.told = true
   self.member.host.event(self.member.role,
      ("news come more slowly, without Redis's publish/subscribe: %s"):format(text))
end

local function failed(self)
   self.failures = self.failures + 1
   if self.failures >= TRIES then fall_back(self, "no message has come") else drop(self) end
end

-- ---- messages -----------------------------------------------------------------------------------

-- Reads the streams if an entry of Redis's newest was not heard.
local function compare(self, newest)
   for key, id in pairs(newest) do
      local last = self.member:last_of(key)
      if last and inbox.is_before(last, id) then self.member.inbox.behind = true end
   end
end

local function hear_echo(self, number)
   local awaited = self.awaited
   if number > self.member.beats then return end -- not one of ours
   self.echoed, self.failures, self.told = math.max(self.echoed, number), 0, false
   if not awaited then return end
   awaited.since = self.member.host.now()
   if number < awaited.number then return end
   self.awaited = nil
   compare(self, awaited.newest)
end

local function hear(self, channel, text)
   self.member.dirty = true
   local digits = channel == self.member.keys.out and text:match "^echo (%d+)$"
   if not digits then self.member.inbox:message(channel, text)
   elseif #digits <= DIGITS_MOST then hear_echo(self, math.tointeger(tonumber(digits))) end
end

--- What a beat of that number has to be sent with, so that its echo comes: to be given to `beaten`.
-- @treturn table text: "" where none is wanted
function Listen:echo(number)
   if self.reads or not self.channels[self.member.keys.out] then return { text = "" } end
   return { text = ("echo %d"):format(number), number = number, connection = self.connection }
end

--- A beat was answered.
-- @tparam table echo as `echo` gave it
-- @tparam integer receivers of the echo; -1: Redis does not let this member publish
-- @tparam table newest key -> id of the newest entry that the stream had then
function Listen:beaten(echo, receivers, newest)
   if self.reads then return end
   if receivers < 0 then return fall_back(self, "it does not let this process publish") end
   if not echo.number or echo.connection ~= self.connection or self.echoed >= echo.number then
      return compare(self, newest)
   end
   local now = self.member.host.now()
   local since = self.awaited and self.awaited.since or now
   self.awaited = { number = echo.number, newest = newest, at = now, since = since }
end

local function answered(self, verb, channel, reply)
   self.unanswered = self.unanswered - 1
   self.asked_at = self.unanswered > 0 and self.member.host.now() or nil
   local is_confirmed = type(reply) == "table" and reply[1] == verb:lower() and reply[2] == channel
   if not is_confirmed and verb == "UNSUBSCRIBE" then return drop(self) end
   if not is_confirmed then return fall_back(self, type(reply) == "table" and reply.error or "an unknown answer") end
   if verb == "SUBSCRIBE" and self.channels[channel] ~= nil then self.channels[channel] = true end
   if self.unanswered == 0 then self.member.inbox.behind = true end -- what came before that
end

local function send(self, verb, channel)
   local connection = self.connection
   self.unanswered, self.asked_at = self.unanswered + 1, self.asked_at or self.member.host.now()
   connection:command({ verb, channel }, function(reply, err)
      self.member.dirty = true
      if self.connection == connection and not err then answered(self, verb, channel, reply) end
   end)
end

-- Subscribes to the channels of the streams that are followed now, and to no others.
local function choose_channels(self)
   local wanted = {}
   for _, channel in ipairs(self.member:channels()) do
      wanted[channel] = true
      if self.channels[channel] == nil and self.connection then
         self.channels[channel] = false
         send(self, "SUBSCRIBE", channel)
      end
   end
   for channel in pairs(self.channels) do
      if not wanted[channel] and self.connection then
         self.channels[channel] = nil
         send(self, "UNSUBSCRIBE", channel)
      end
   end
end

local function turn_messages(self, now)
   choose_channels(self)
   local awaited = self.awaited
   if awaited and now >= awaited.at + GRACE then
      compare(self, awaited.newest)
      awaited.at = math.huge
   end
   local waits_since = math.min(self.asked_at or math.huge, awaited and awaited.since or math.huge)
   if now >= waits_since + PATIENCE then
      failed(self)
      return self.open_at
   end
   local due = math.min(waits_since + PATIENCE, awaited and awaited.at + GRACE or math.huge)
   return due < math.huge and due or nil
end

-- ---- reading ------------------------------------------------------------------------------------

local function read(self, now)
   local connection, command = self.connection, self.member.inbox:command(BLOCK)
   if not command then return end
   self.read_at = now
   connection:command(command, function(reply, err)
      self.member.dirty = true
      if err or self.connection ~= connection then return end -- on_lost follows
      self.read_at, self.read_on = nil, self.member.host.now() + self.member:hear_pause()
      if type(reply) == "table" and reply.error then
         self.member.inbox:failed()
         return drop(self)
      end
      self.member.inbox:deliver(type(reply) == "table" and reply or {})
      if type(reply) ~= "table" then self.read_on = nil end
   end)
end

local function turn_reads(self, now)
   if not self.read_at then
      if self.read_on and now < self.read_on then return self.read_on end
      read(self, now)
   elseif now - self.read_at >= PATIENCE then
      drop(self)
      return self.open_at
   end
   return self.read_at and self.read_at + PATIENCE
end

-- ---- both ---------------------------------------------------------------------------------------

local function open(self)
   local connection = self.member.host.open()
   connection.on_lost = function()
      self.member.dirty = true
      if self.connection ~= connection then return end
      drop(self)
      self.reads = false -- Redis may let it subscribe now
   end
   connection.on_message = function(channel, text)
      if self.connection == connection then hear(self, channel, text) end
   end
   self.connection = connection
end

--- The process was not stepped for a while: what has not come may still be on its way.
function Listen:resumed(now)
   self.asked_at, self.read_at = self.asked_at and now, self.read_at and now
   if self.awaited then self.awaited.at, self.awaited.since = now, now end
end

--- Opens what is not open, gives up what does not answer, and reads on.
-- @tparam number now
-- @treturn number|nil when it has to be called again, if nothing comes before
function Listen:turn(now)
   if not self.connection then
      if now < self.open_at then return self.open_at end
      open(self)
   end
   return (self.reads and turn_reads or turn_messages)(self, now)
end

return { new = new }
