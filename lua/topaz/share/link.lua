--- A member's connection to Redis for commands. It has a deadline of its own, since a half-open
-- connection never reports its end. The one for news: topaz.share.listen.
local scripts = require "topaz.share.scripts"

local PATIENCE = 5                   -- seconds without a reply until a connection is given up
local AGAIN_LEAST, AGAIN_MOST = 0.5, 4 -- seconds until a lost connection is opened again

local Link = {}
Link.__index = Link

--- A link that is not open.
-- @tparam table host `now()`, `random()`, `open()` → connection: see topaz.share.connection
-- @tparam table member `trouble(text)`, `opened()`
local function new(host, member)
   return setmetatable({
      host = host, member = member, unanswered = 0,
      waits_since = nil, -- when the oldest unanswered command was sent or had its turn
      again = AGAIN_LEAST, open_at = -math.huge,
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

--- Redis has answered as it should: the next loss begins with the shortest pause.
function Link:good() self.again = AGAIN_LEAST end

--- The process was not stepped for a while: what has not come may still be on its way.
function Link:resumed(now) self.waits_since = self.waits_since and now end

--- Closes the connection.
function Link:close()
   local connection = self.commands
   if not connection then return end
   self.commands, self.unanswered, self.waits_since = nil, 0, nil
   connection.on_lost = nil
   connection:close()
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

--- Opens the connection where there is none, and gives up one that does not answer.
-- @tparam number now
-- @treturn number|nil when it has to be called again, if nothing comes before
function Link:turn(now)
   if self.waits_since and now - self.waits_since >= PATIENCE then
      self:drop(("Redis has not answered for %d s"):format(PATIENCE))
   end
   if not self.commands then
      if now < self.open_at then return self.open_at end
      self.commands = counted(self, self.host.open())
      self.member:opened()
   end
   return self.waits_since and self.waits_since + PATIENCE
end

return { new = new }
