--- A connection to Redis: commands go out one behind the other, replies come back in that order.
-- Between them come messages, where SUBSCRIBE was sent, one for each channel: they go to
-- `on_message(channel, text)`, which the caller sets before.
-- All of it happens in the steps of a client; nothing here waits, and no hook interrupts it. To
-- connect again after a loss is for the caller, by a new connection.
local core = require "topaz.core"
local parking = require "topaz.parking"
local resp = require "topaz.share.resp"

local connection = {}

local PATIENCE = 10                -- seconds without a byte while a reply is awaited
local UNSENT_MAX = 8 * 1024 * 1024 -- bytes of commands that wait until the server takes them
local TEXT_MAX = 200               -- bytes of an error of the server that are shown
local QUOTED_MAX = 128             -- bytes of an argument that Redis quotes in an error

-- The first words of errors that mean that somebody has to change the target or the server.
local REFUSALS = { WRONGPASS = true, NOAUTH = true, NOPERM = true }

local Connection = {}
Connection.__index = Connection
Connection.__name = "topaz.share.connection"

local function error_of(self, kind, text)
   return core.error { kind = kind, operation = "share", message = ("Redis at %s: %s"):format(self.name, text) }
end

-- Writes stars over each place where the text has the secret.
local function hide(text, secret)
   local at = text:find(secret, 1, true)
   while at do
      text = text:sub(1, at - 1) .. "***" .. text:sub(at + #secret)
      at = text:find(secret, at + 3, true)
   end
   return text
end

-- What the server says, for a message. A server that does not know AUTH quotes the password, or its
-- beginning.
local function shown(self, text)
   local password = self.target.password
   if password then text = hide(hide(text, password), password:sub(1, QUOTED_MAX)) end
   return (text:sub(1, TEXT_MAX):gsub("[^\32-\126]", "?"))
end

-- ---- the end ------------------------------------------------------------------------------------

-- Calls what awaits replies, then on_lost unless it was closed by the caller. Each is called, and
-- the first error is raised when all were.
local function lose(self, err, closed)
   if self.status == "lost" then return end
   self.status, self.err = "lost", err
   self.channel:close()
   local awaiting, first, last, held = self.awaiting, self.first, self.last, self.held
   self.awaiting, self.first, self.last, self.held, self.unsent = {}, 1, 0, {}, {}
   local failed, problem = false, nil
   local function call(f, ...)
      local ok, why = pcall(f, ...)
      if not ok and not failed then failed, problem = true, why end
   end
   for i = first, last do call(awaiting[i], nil, err) end
   for _, entry in ipairs(held) do call(entry.done, nil, err) end
   local on_lost = self.on_lost
   if on_lost and not closed then call(on_lost, err) end
   if failed then error(problem, 0) end
end

-- ---- sending ------------------------------------------------------------------------------------

-- Gives the channel what it has room for.
local function flush(self)
   local unsent, channel = self.unsent, self.channel
   while unsent[self.unsent_first] do
      local text = unsent[self.unsent_first]
      local sent = channel:send(text, self.sent + 1)
      self.sent, self.unsent_bytes = self.sent + sent, self.unsent_bytes - sent
      if self.sent < #text then return end
      unsent[self.unsent_first], self.sent = nil, 0
      self.unsent_first = self.unsent_first + 1
   end
   self.unsent_first, self.unsent_last = 1, 0
end

local function enqueue(self, text, done)
   if self.last < self.first then self.channel:expect(PATIENCE) end
   self.last = self.last + 1
   self.awaiting[self.last] = done
   self.unsent_last = self.unsent_last + 1
   self.unsent[self.unsent_last], self.unsent_bytes = text, self.unsent_bytes + #text
end

-- ---- receiving ----------------------------------------------------------------------------------

local function take_reply(self, reply)
   if self.on_message and type(reply) == "table" and reply[1] == "message" then
      local channel, text = reply[2], reply[3]
      if #reply == 3 and type(channel) == "string" and type(text) == "string" then
         return self.on_message(channel, text)
      end
      return lose(self, error_of(self, "protocol", "sent a message that is not valid"))
   end
   local done = self.awaiting[self.first]
   if not done then
      local text = type(reply) == "table" and reply.error
      return lose(self, error_of(self, "protocol", text and shown(self, text) or "sent a reply that was not asked for"))
   end
   self.awaiting[self.first] = nil
   self.first = self.first + 1
   if self.first > self.last then
      self.first, self.last = 1, 0
      self.channel:expect(0)
   end
   done(reply)
end

-- Reads what has come and calls what awaits it. Raises the first error of these functions, when all
-- were called.
local function read(self)
   local failed, problem = false, nil
   local function give(reply)
      local ok, why = pcall(take_reply, self, reply)
      if not ok and not failed then failed, problem = true, why end
   end
   while self.status ~= "lost" do
      local bytes = self.channel:receive()
      if bytes == "" then break end
      self.reader:feed(bytes)
      local more, reply = self.reader:next()
      while more and self.status ~= "lost" do
         give(reply)
         more, reply = self.reader:next()
      end
      if more == nil then lose(self, error_of(self, "protocol", "its reply is not valid: " .. reply)) end
   end
   if failed then error(problem, 0) end
end

-- ---- the beginning ------------------------------------------------------------------------------

local function ready(self)
   self.status = "ready"
   for _, held in ipairs(self.held) do enqueue(self, held.text, held.done) end
   self.held = {}
   flush(self)
end

-- Sends what has to come before all commands: a command before it would meet another database.
local function greet(self)
   local target, left = self.target, 0
   local function after(reply, err)
      if err or self.status == "lost" then return end
      if type(reply) == "table" and reply.error then
         local kind = REFUSALS[reply.error:match "^%u*"] and "unauthorized" or "server_error"
         return lose(self, error_of(self, kind, shown(self, reply.error)))
      end
      left = left - 1
      if left == 0 then ready(self) end
   end
   self.status = "greeting"
   local function send(...)
      left = left + 1
      enqueue(self, resp.encode { ... }, after)
   end
   if target.user then send("AUTH", target.user, target.password)
   elseif target.password then send("AUTH", target.password) end
   if target.db and target.db ~= 0 then send("SELECT", target.db) end
   if left == 0 then return ready(self) end
   flush(self)
end

local function hear(self)
   if self.status == "connecting" and self.channel:state() == "ready" then greet(self) end
   read(self) -- what came before a loss counts
   if self.status == "lost" then return end
   local state, kind, detail = self.channel:state()
   if state == "lost" then return lose(self, error_of(self, kind, detail)) end
   flush(self)
end

-- What a step of the client calls when the channel has news. No hook interrupts it: what awaits
-- replies counts them.
local on_news = core.uninterrupted(function(self)
   -- busy: a function that it called has stepped the client
   if self.busy or self.status == "lost" then return end
   self.busy = true
   local ok, problem = pcall(hear, self)
   self.busy = false
   if not ok then error(problem, 0) end
end)

--- Begins to connect.
-- @tparam topaz.client client
-- @tparam table target of topaz.share.target; `ca_file` too, and `connect_timeout` in seconds
function connection.open(client, target)
   local host = target.host:find(":", 1, true) and "[" .. target.host .. "]" or target.host
   local self = setmetatable({
      client = client, target = target, name = ("%s:%d"):format(host, target.port), status = "connecting", busy = false,
      reader = resp.reader(), err = nil, on_lost = nil, on_message = nil,
      awaiting = {}, first = 1, last = 0,         -- functions that await replies, by their order
      held = {},                                  -- commands from before it was ready
      unsent = {}, unsent_first = 1, unsent_last = 0, -- texts that the channel had no room for yet
      sent = 0, unsent_bytes = 0,                 -- bytes of the first of them that it has
   }, Connection)
   self.channel = core.channel(client, {
      host = target.host, port = target.port, tls = target.tls, ca_file = target.ca_file,
      connect_timeout = target.connect_timeout,
   }, function() on_news(self) end)
   parking.attend(client)
   return self
end

--- Sends a command. `done` is called once: `done(reply)`, see topaz.share.resp, or `done(nil, err)`
-- when the connection is lost. It must not wait, but may do anything else.
-- @tparam table parts the command's name and its arguments
-- @tparam function done
function Connection:command(parts, done)
   local text = resp.encode(parts)
   if self.status == "lost" then return done(nil, self.err) end
   if self.status == "ready" then
      enqueue(self, text, done)
      flush(self)
   else
      table.insert(self.held, { text = text, done = done })
   end
   if self.unsent_bytes > UNSENT_MAX then
      return lose(self, error_of(self, "timeout", ("%d bytes wait to be sent"):format(self.unsent_bytes)))
   end
   parking.attend(self.client)
end

--- Sends what can be sent at once: for a last word, after which no step may come.
function Connection:flush()
   if self.status == "ready" then self.channel:flush() end
end

--- Says how it is.
-- @treturn string "connecting", "ready" or "lost"
-- @treturn string|nil why it was lost
function Connection:state()
   if self.status == "lost" then return "lost", self.err.message end
   return self.status == "ready" and "ready" or "connecting"
end

--- Ends it: what awaits a reply is called with an error of kind "closed". Does not call `on_lost`.
function Connection:close() lose(self, error_of(self, "closed", "the connection was closed"), true) end

connection.open, Connection.command, Connection.close =
   core.uninterrupted(connection.open, Connection.command, Connection.close)
Connection.__close = Connection.close

function Connection:__tostring() return ("topaz.share.connection (%s, %s)"):format(self.name, (self:state())) end

return connection
