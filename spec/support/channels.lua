-- What the specs of channels share: a client without an API, and channels whose bytes are gathered.
local core = require "topaz.core"
local socket = require "socket"
local world = require "spec.support.world"

local channels = {}

local LIMIT = 60 -- seconds that a test waits for what has to come; a busy machine needs some

--- A client that asks nothing, for world.with_client and topaz.client.
channels.nowhere = { key = "a key of the channels", url = "http://127.0.0.1:1" }

--- Calls f(client), and checks that nothing is left open.
function channels.with_client(f) world.with_client(channels.nowhere, {}, f) end

--- A server of this process: it accepts and is read by hand.
-- @treturn table `port`, `accept()` → connection, `close()`
function channels.listen(address)
   local listener = assert(socket.bind(address or "127.0.0.1", 0))
   listener:settimeout(LIMIT)
   local server = { port = math.tointeger(select(2, listener:getsockname())) }
   function server.accept()
      local connection = assert(listener:accept())
      connection:settimeout(LIMIT)
      return connection
   end
   function server.close() listener:close() end
   return setmetatable(server, { __close = server.close })
end

--- Opens a channel: `channel`, the received `text`, the number of `news`, and `reads`: whether it
-- reads by itself.
function channels.open(client, options)
   local self = { text = "", news = 0, reads = true }
   options.host = options.host or "127.0.0.1"
   self.channel = core.channel(client, options, function()
      self.news = self.news + 1
      if self.reads then self.text = self.text .. self.channel:receive() end
   end)
   return self
end

--- Steps the client until `done()` is true.
function channels.step_until(client, done, more)
   local deadline = core.now() + LIMIT
   while not done() do
      assert(core.now() < deadline, "it did not come")
      client:step(more and 0.005 or 0.5)
      if more then more() end
   end
end

--- Steps until the channel is ready, or lost; returns its state.
function channels.settle(client, self)
   channels.step_until(client, function() return self.channel:state() ~= "connecting" end)
   return self.channel:state()
end

--- Steps until the channel is lost; returns the kind and the message.
function channels.loss(client, self)
   channels.step_until(client, function() return self.channel:state() == "lost" end)
   return select(2, self.channel:state())
end

--- Sends commands; returns a list of { reply, err }, in the order of their coming, and the losses.
function channels.gather(client, where, commands)
   local self = require "topaz.share.connection".open(client, where)
   local got, lost = { n = 0 }, {}
   self.on_lost = function(err) lost[#lost + 1] = err end
   for i, command in ipairs(commands) do
      self:command(command, function(reply, err)
         got.n = got.n + 1
         got[got.n] = { i = i, reply = reply, err = err }
      end)
   end
   return self, got, lost
end

return channels
